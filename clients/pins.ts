/**
 * Keys of masters that are known, and the file that keeps them.
 *
 * The file, by custom `$HOME/.netpanzer/known_masters`, has a line `HOST:PORT KEY` for every
 * master: IPv6 addresses in brackets, the key in base64. Empty lines and what comes after a `#` are
 * comments; they survive a change.
 *
 * @module
 */

import { decodeKey, encodeKey } from "../crypto/mod.ts";
import { canonicalAddress, parsePort } from "../protocol/mod.ts";
import { quote, wrongKey } from "./_failures.ts";
import { replaceFile } from "./_replace_file.ts";
import type { ClientError } from "./errors.ts";
import { type MasterAddress, masterName } from "./master_address.ts";

/** The file cannot be read or written, or a line of it makes no sense. */
export class KnownMastersError extends Error {
  /** Name of this class. */
  override readonly name = "KnownMastersError";

  /**
   * An error for people to read.
   *
   * @param path The file.
   * @param line The line in question, from 1, when there is one.
   */
  constructor(
    readonly path: string,
    message: string,
    readonly line?: number,
    options?: ErrorOptions,
  ) {
    super(`${path}${line === undefined ? "" : ` line ${line}`}: ${message}`, options);
  }
}

/** What {@link KnownMasters.pin} did. */
export type PinOutcome =
  /** The master was not known before. */
  | { readonly type: "added" }
  /** This very key was pinned already. */
  | { readonly type: "same" }
  /** Another key is pinned and stays so; the error says what to do. */
  | { readonly type: "conflict"; readonly pinned: Uint8Array; readonly error: ClientError };

/** A master that is known. */
export interface KnownMaster {
  /** The master as `host:port`, as {@link masterName} spells it. */
  readonly name: string;
  /** Its public key, 32 bytes. */
  readonly key: Uint8Array;
}

interface Line {
  readonly text: string;
  /** The pin of the line; none for a comment. */
  readonly pin?: KnownMaster;
}

/** What a file that is made starts with. */
const HEADER = "# Keys of the masters that are known: HOST:PORT KEY. Written by masterserver.";

/** `host:port` or `[ipv6]:port` in its one spelling; undefined when it is neither. */
function readName(text: string): string | undefined {
  const match = /^(?:\[([^\]]+)\]|([^\s:[\]]+)):([0-9]+)$/.exec(text);
  const port = parsePort(match?.[3]);
  if (!match || port === undefined) return undefined;
  const bracketed = match[1] === undefined ? undefined : canonicalAddress(match[1]);
  const host = match[1] === undefined ? match[2] : bracketed;
  return host === undefined ? undefined : masterName(host, port);
}

function parseLine(text: string): Line | string {
  const words = text.replace(/#.*/, "").trim().split(/\s+/);
  const [first = "", second = ""] = words;
  if (first === "") return { text };
  if (words.length !== 2) return `must be HOST:PORT KEY, not ${quote(text)}`;
  const name = readName(first);
  const key = decodeKey(second);
  if (name === undefined) return `must begin with HOST:PORT, which ${quote(first)} is not`;
  if (key === undefined) return `${quote(second)} is no key: 32 bytes in base64, 44 characters`;
  return { text, pin: { name, key } };
}

function sameKey(a: Uint8Array, b: Uint8Array): boolean {
  return encodeKey(a) === encodeKey(b);
}

/**
 * The keys of masters that are known, with the comments of their file.
 *
 * @example
 * ```ts
 * const known = readKnownMasters(path);
 * const connection = await SecureConnection.connect(
 *   known.address("master.example.org", 3040),
 *   { crypto, ring: RING_2, keyPair },
 * );
 * const outcome = known.pin("master.example.org", 3040, connection.remoteKey);
 * if (outcome.type === "added") writeKnownMasters(path, known);
 * ```
 */
export class KnownMasters {
  #lines: readonly Line[];

  private constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  /**
   * Reads the text of a file; the empty text for none.
   *
   * @param path What errors call the file.
   * @throws KnownMastersError with the number of the line that makes no sense.
   */
  static parse(text: string, path = "known_masters"): KnownMasters {
    const texts = text === "" ? [] : text.replace(/\n$/, "").split("\n");
    const pinned = new Map<string, Uint8Array>();
    const lines = texts.map((text, i) => {
      const line = parseLine(text);
      if (typeof line === "string") {
        throw new KnownMastersError(path, `${line}; correct or remove the line`, i + 1);
      }
      if (line.pin) {
        const { name, key } = line.pin;
        const earlier = pinned.get(name);
        if (earlier && !sameKey(earlier, key)) {
          throw new KnownMastersError(
            path,
            `${name} has another key in a line above; remove the one that is wrong`,
            i + 1,
          );
        }
        pinned.set(name, key);
      }
      return line;
    });
    return new KnownMasters(lines);
  }

  /** The key pinned for a master, whatever the case of its host; undefined when it is not known. */
  get(host: string, port: number): Uint8Array | undefined {
    const name = masterName(host, port);
    return this.#lines.find(({ pin }) => pin?.name === name)?.pin?.key;
  }

  /** A master to connect to, whose key is at any time the one pinned here. */
  address(host: string, port: number): MasterAddress {
    const key = () => this.get(host, port);
    return {
      host,
      port,
      get key() {
        return key();
      },
    };
  }

  /** All masters that are known, in the order of the file. */
  entries(): readonly KnownMaster[] {
    return this.#lines.flatMap(({ pin }) => pin ?? []);
  }

  /** Pins the key of a master that is not known yet; never changes one that is. */
  pin(host: string, port: number, key: Uint8Array): PinOutcome {
    const pinned = this.get(host, port);
    if (!pinned) {
      this.replace(host, port, key);
      return { type: "added" };
    }
    if (sameKey(pinned, key)) return { type: "same" };
    return { type: "conflict", pinned, error: wrongKey({ host, port }, pinned, key) };
  }

  /** Pins a key, whatever was pinned before. A comment after an older key goes with it. */
  replace(host: string, port: number, key: Uint8Array): void {
    const name = masterName(host, port);
    const line: Line = { text: `${name} ${encodeKey(key)}`, pin: { name, key: key.slice() } };
    const place = this.#lines.findIndex(({ pin }) => pin?.name === name);
    const others = this.#lines.filter(({ pin }, i) => pin?.name !== name || i === place);
    const before = others.length === 0 ? [{ text: HEADER }] : others;
    this.#lines = place < 0 ? [...before, line] : others.with(place, line);
  }

  /** Forgets a master; false when it was not known. */
  remove(host: string, port: number): boolean {
    const name = masterName(host, port);
    const others = this.#lines.filter(({ pin }) => pin?.name !== name);
    const isKnown = others.length < this.#lines.length;
    this.#lines = others;
    return isKnown;
  }

  /** The text of the file. */
  format(): string {
    return this.#lines.map(({ text }) => `${text}\n`).join("");
  }
}

/**
 * Reads a file of known masters; none are known when there is no file.
 *
 * @throws KnownMastersError when it cannot be read or makes no sense.
 */
export function readKnownMasters(path: string): KnownMasters {
  let text = "";
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw fileError(path, "cannot be read", error);
  }
  return KnownMasters.parse(text, path);
}

/**
 * Writes a file of known masters, for its owner only (mode 0600), with the directories it takes
 * (0700). The file is replaced as a whole, so that it is never there in part.
 *
 * @throws KnownMastersError when it cannot be written; the old file is as it was then.
 */
export function writeKnownMasters(path: string, known: KnownMasters): void {
  try {
    replaceFile(path, known.format());
  } catch (error) {
    throw fileError(path, "cannot be written", error);
  }
}

function fileError(path: string, what: string, error: unknown): KnownMastersError {
  const reason = error instanceof Error ? error.message : String(error);
  return new KnownMastersError(path, `${what}: ${reason}`, undefined, { cause: error });
}
