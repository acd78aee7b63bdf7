import { isUnspecified, MAX_PORT, readHost, readHostAndPort } from "./_address.ts";
import type { DatabaseNode, HostPort, Port, RunAsUser } from "./_types.ts";

/** What a key's value is, for a form field or a manual page. */
export type KindName =
  | "address"
  | "boolean"
  | "choice"
  | "hostPort"
  | "integer"
  | "nodes"
  | "path"
  | "port"
  | "seconds"
  | "text"
  | "user";

/** What reading a value gives. `why` follows the quoted value and never repeats it. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

/** How values of one kind are read, written and explained. */
export interface Kind<T> {
  readonly name: KindName;
  /** What is allowed, to stand after "allowed: ". */
  readonly allowed: string;
  /** Smallest number allowed. */
  readonly minimum?: number;
  /** Largest number allowed. */
  readonly maximum?: number;
  /** All words allowed, when they can be listed. */
  readonly choices?: readonly string[];
  /** Whether the key may stand several times; `read` then gives a list of one. */
  readonly repeats: boolean;
  /** Whether no value of this kind holds a space or `=`, so that `10 = 10` can only mean 10. */
  readonly oneWord: boolean;
  /** The value of a key that is not there or is empty; without it the key needs a value. */
  readonly absent?: { readonly value: T };
  /** Reads a value; `home` replaces `$HOME` and `~`. */
  read(text: string, home: string | undefined): Reading<T>;
}

/** As long as the columns that keep such texts. */
const MAX_TEXT_BYTES = 255;

/** Linux's PATH_MAX, less the terminating NUL. */
const MAX_PATH_BYTES = 4095;

/** Linux's largest user and group id; the next one means "leave as it is" to chown and setreuid. */
const MAX_ID = 2 ** 32 - 2;

const YES = ["yes", "true", "on", "1"];
const NO = ["no", "false", "off", "0"];

const encoder = new TextEncoder();

/** A whole number in a range. */
export function integer(minimum: number, maximum: number): Kind<number> {
  return {
    name: "integer",
    allowed: `a whole number from ${minimum} to ${maximum}`,
    minimum,
    maximum,
    repeats: false,
    oneWord: true,
    read: (text) => readInteger(text, minimum, maximum),
  };
}

/** A time in whole seconds; with `zero`, 0 is allowed too and means what it says. */
export function seconds(minimum: number, maximum: number, zero?: string): Kind<number> {
  const range = `a whole number of seconds from ${minimum} to ${maximum}`;
  const lowest = zero === undefined ? minimum : 0;
  return {
    ...integer(lowest, maximum),
    name: "seconds",
    allowed: zero === undefined ? range : `${range}, or 0 (${zero})`,
    read: (text) => readInteger(text, lowest, maximum),
  };
}

/** A port to listen on. */
export const port: Kind<Port> = {
  name: "port",
  allowed: `a port from 1 to ${MAX_PORT}, 0 (any free one), or off`,
  minimum: 0,
  maximum: MAX_PORT,
  choices: ["off"],
  repeats: false,
  oneWord: true,
  read: (text) =>
    text.toLowerCase() === "off" ? { ok: true, value: "off" } : readInteger(text, 0, MAX_PORT),
};

/** `yes` or `no`. */
export const yesNo: Kind<boolean> = {
  name: "boolean",
  allowed: "yes or no",
  choices: ["yes", "no"],
  repeats: false,
  oneWord: true,
  read: (text) => {
    const word = text.toLowerCase();
    if (YES.includes(word)) return { ok: true, value: true };
    if (NO.includes(word)) return { ok: true, value: false };
    return { ok: false, why: "is neither yes nor no" };
  },
};

/** One of some words, in any case. */
export function choice<T extends string>(words: readonly T[]): Kind<T> {
  return {
    name: "choice",
    allowed: words.join(", "),
    choices: words,
    repeats: false,
    oneWord: true,
    read: (text) => {
      const value = words.find((word) => word === text.toLowerCase());
      return value === undefined
        ? { ok: false, why: "is none of the words allowed" }
        : { ok: true, value };
    },
  };
}

/** One line of text that goes no further than this program and its database. */
export const text: Kind<string> = {
  name: "text",
  allowed: `one line of text of at most ${MAX_TEXT_BYTES} bytes`,
  repeats: false,
  oneWord: false,
  read: (value) => readText(value, MAX_TEXT_BYTES),
};

/** Text that travels in old-style messages, where a backslash separates one token from the next. */
export const wireText: Kind<string> = {
  ...text,
  allowed: `one line of text of at most ${MAX_TEXT_BYTES} bytes without a backslash`,
  read: (value) =>
    value.includes("\\")
      ? { ok: false, why: "holds a backslash, which old-style messages can't carry" }
      : readText(value, MAX_TEXT_BYTES),
};

/** A file's path. */
export const path: Kind<string> = {
  name: "path",
  allowed: "a path; $HOME or ~/ at its start is the home directory",
  repeats: false,
  oneWord: false,
  read: readPath,
};

/** A path from the root. */
export const absolutePath: Kind<string> = {
  ...path,
  allowed: "a path that starts with /, $HOME or ~/",
  read: (value, home) => {
    const reading = readPath(value, home);
    return reading.ok && !reading.value.startsWith("/")
      ? { ok: false, why: "does not start with /" }
      : reading;
  },
};

/** Where the log goes: a path, or `terminal`, which reads as undefined. */
export const logTarget: Kind<string | undefined> = {
  ...path,
  allowed: "a path, or terminal",
  absent: { value: undefined },
  read: (value, home) =>
    value.toLowerCase() === "terminal" ? { ok: true, value: undefined } : readPath(value, home),
};

/** An address to listen on. */
export const listenAddress: Kind<string> = {
  name: "address",
  allowed: "* (every interface), an IP address, or a host name",
  repeats: false,
  oneWord: true,
  read: (value) => value === "*" ? { ok: true, value } : readHost(value),
};

/** An address that others can dial. */
export const reachableAddress: Kind<string> = {
  ...listenAddress,
  allowed: "an IP address or a host name, without port",
  read: (value) =>
    isUnspecified(value)
      ? { ok: false, why: "is not an address that others can connect to" }
      : readHost(value),
};

/** Where another master is reached. */
export const endpoint: Kind<HostPort> = {
  name: "hostPort",
  allowed: "host:port, or [IPv6 address]:port; one a line",
  repeats: false,
  oneWord: true,
  read: (value) => {
    const reading = readHostAndPort(value);
    if (!reading.ok) return reading;
    const { host, port } = reading.value;
    if (port === undefined) return { ok: false, why: "has no port" };
    if (isUnspecified(host)) return { ok: false, why: "is not an address to connect to" };
    return { ok: true, value: { host, port } };
  },
};

/** The nodes of a database cluster. */
export const nodes: Kind<readonly DatabaseNode[]> = {
  name: "nodes",
  allowed: "host or host:port ([IPv6 address]:port), several with commas between them",
  repeats: false,
  oneWord: false,
  read: (value) => {
    const found: DatabaseNode[] = [];
    for (const item of value.split(",").map((part) => part.trim())) {
      // Without a port a colon can only be IPv6's own, so brackets are not asked for.
      const bare = readHost(item);
      const reading = bare.ok
        ? { ok: true as const, value: { host: bare.value, port: undefined } }
        : readHostAndPort(item);
      if (item === "") return { ok: false, why: "has an empty place in its list" };
      if (!reading.ok) return reading;
      found.push(reading.value);
    }
    return { ok: true, value: found };
  },
};

/** Whom to become: `name`, `uid` or `uid:gid`. */
export const runAs: Kind<RunAsUser> = {
  name: "user",
  allowed: "a user's name, a uid, or uid:gid",
  repeats: false,
  oneWord: true,
  read: (value) => {
    const ids = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(value);
    if (ids !== null) {
      const uid = Number(ids[1]);
      const gid = ids[2] === undefined ? undefined : Number(ids[2]);
      if (Math.max(uid, gid ?? 0) > MAX_ID) {
        return { ok: false, why: `has an id above ${MAX_ID}` };
      }
      return { ok: true, value: { kind: "ids", uid, gid } };
    }
    // The names useradd of Debian takes at most.
    return /^[a-z_][a-z\d_.-]{0,31}$/i.test(value)
      ? { ok: true, value: { kind: "name", name: value } }
      : { ok: false, why: "is neither a user's name nor uid:gid" };
  },
};

/** A kind whose key may be left out or empty. */
export function optional<T>(kind: Kind<T>): Kind<T | undefined> {
  return { ...kind, absent: { value: undefined } };
}

/** A kind whose key may stand several times. */
export function repeated<T>(kind: Kind<T>): Kind<readonly T[]> {
  return {
    ...kind,
    repeats: true,
    absent: { value: [] },
    read: (text, home) => {
      const reading = kind.read(text, home);
      return reading.ok ? { ok: true, value: [reading.value] } : reading;
    },
  };
}

function readInteger(text: string, minimum: number, maximum: number): Reading<number> {
  if (!/^\d+$/.test(text)) return { ok: false, why: "is not a whole number" };
  const value = Number(text);
  if (value < minimum) return { ok: false, why: `is less than ${minimum}` };
  if (value > maximum) return { ok: false, why: `is more than ${maximum}` };
  return { ok: true, value };
}

function readText(text: string, maximum: number): Reading<string> {
  if (/\p{Cc}/u.test(text)) return { ok: false, why: "holds a control character" };
  if (encoder.encode(text).length > maximum) {
    return { ok: false, why: `is longer than ${maximum} bytes` };
  }
  return { ok: true, value: text };
}

function readPath(text: string, home: string | undefined): Reading<string> {
  const prefix = /^(?:\$HOME|~)(?=\/|$)/.exec(text)?.[0];
  if (prefix === undefined) {
    return /^[$~]/.test(text)
      ? { ok: false, why: "starts with something other than $HOME or ~/" }
      : readText(text, MAX_PATH_BYTES);
  }
  if (home === undefined || home === "") {
    return { ok: false, why: "needs the environment variable HOME, which is not set" };
  }
  const expanded = home.replace(/\/+$/, "") + text.slice(prefix.length);
  return readText(expanded || "/", MAX_PATH_BYTES);
}
