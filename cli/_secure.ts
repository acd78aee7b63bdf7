import {
  type ClientError,
  type ClientFailure,
  type ClientState,
  KnownMasters,
  KnownMastersError,
  type MasterAddress,
  masterName,
  readKnownMasters,
  type ShownKey,
} from "../clients/mod.ts";
import { type Crypto, encodeKey, KeyFileError, openCrypto } from "../crypto/mod.ts";
import { escapeControls } from "../daemon/mod.ts";
import { EXIT, Exit } from "./_exit.ts";
import { tell } from "./_output.ts";

/** Where a ring listens unless a master's operator wants it elsewhere. */
export const RING_1_PORT = 7070;
export const RING_2_PORT = 3040;

/** Option of every command that connects to masters. */
export interface PinsOption {
  /** File with the keys of masters that are known. */
  readonly pins?: string;
}

/** Where the keys of known masters are kept, below the home directory. */
const KNOWN_MASTERS = ".netpanzer/known_masters";

const STATUS: Readonly<Record<ClientFailure, number>> = {
  "no-host": EXIT.NO_HOST,
  "unavailable": EXIT.UNAVAILABLE,
  "protocol": EXIT.PROTOCOL,
  "refused": EXIT.PROTOCOL,
  "wrong-key": EXIT.PROTOCOL,
  "wrong-password": EXIT.PROTOCOL,
};

/**
 * Opens libgcrypt, and passes its advice on.
 *
 * @throws Exit when it cannot be had.
 */
export function openedCrypto(): Crypto {
  const outcome = openCrypto();
  if (outcome.type === "unavailable") throw new Exit(EXIT.UNAVAILABLE, outcome.message);
  if (outcome.warning !== undefined) tell(`warning: ${outcome.warning}`);
  return outcome.crypto;
}

/** A file below the home directory; undefined when there is no home. */
export function belowHome(path: string): string | undefined {
  const home = Deno.env.get("HOME");
  return home === undefined || home === "" ? undefined : `${home}/${path}`;
}

/** Where the keys of known masters are kept; undefined when there is no home and no option. */
export function pinsPath({ pins }: PinsOption): string | undefined {
  return pins ?? belowHome(KNOWN_MASTERS);
}

/**
 * The masters that are known; none when there is no file.
 *
 * @throws Exit when the file cannot be read or makes no sense.
 */
export function knownMasters(options: PinsOption): KnownMasters {
  const path = pinsPath(options);
  try {
    return path === undefined ? KnownMasters.parse("") : readKnownMasters(path);
  } catch (error) {
    if (!(error instanceof KnownMastersError)) throw error;
    throw new Exit(error.line === undefined ? EXIT.NO_INPUT : EXIT.DATA, error.message);
  }
}

/** A word of a command, as a shell wants it. */
function shellWord(text: string): string {
  return /^[\w./:@%+=,~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The command that pins a master's key where the others are read from. */
export function pinCommand(
  { host, port, key }: ShownKey,
  { pins }: PinsOption,
  replace = false,
): string {
  // Without a port it pins both rings, which have one key.
  const isUsual = port === RING_1_PORT || port === RING_2_PORT;
  const words = [
    "masterserver key pin",
    ...(replace ? ["--replace"] : []),
    ...(pins === undefined ? [] : ["--pins", shellWord(pins)]),
    isUsual ? nameWithoutPort(host) : shellWord(masterName(host, port)),
    encodeKey(key),
  ];
  return words.join(" ");
}

function nameWithoutPort(host: string): string {
  return shellWord(masterName(host, RING_1_PORT).replace(/:\d+$/, ""));
}

/** What a client's failure says, with what to do about it on this command line. */
function failureText({ message, shown }: ClientError, options: PinsOption): string {
  if (!shown) return escapeControls(message);
  return escapeControls(`${message}: ${pinCommand(shown, options, true)}`);
}

/**
 * A client's failure as an end of the program.
 *
 * @param options What was said of the file of pins, for the command that would pin a key.
 */
export function clientExit(error: ClientError, options: PinsOption): Exit {
  return new Exit(STATUS[error.failure], failureText(error, options));
}

/**
 * Does something with a key file.
 *
 * @param status Exit status when the file is no good.
 * @throws Exit when it is not.
 */
export function withKeyFile<T>(status: number, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error;
    throw new Exit(status, error.message);
  }
}

/** Tells of the connections of a program that runs for long, each thing once. */
export class ConnectionLog {
  readonly #isPinned: (master: MasterAddress) => boolean;
  readonly #options: PinsOption;
  readonly #write: (line: string) => void;
  readonly #toldUnpinned = new Set<string>();
  #toldError: ClientError | undefined;

  /** @param options What was said of the file of pins, for the command that would pin a key. */
  constructor(
    isPinned: (master: MasterAddress) => boolean,
    options: PinsOption,
    write: (line: string) => void,
  ) {
    this.#isPinned = isPinned;
    this.#options = options;
    this.#write = write;
  }

  /** Notes that an error has been told already. */
  told(error: ClientError): void {
    this.#toldError = error;
  }

  /** Tells what is worth it of a state. */
  state(state: ClientState): void {
    if (state.type === "connected") this.#connected(state.master, state.key);
    if (state.type === "waiting") {
      const seconds = Math.ceil(state.seconds);
      const next = seconds === 0 ? "trying again at once" : `next try in ${seconds} s`;
      const isTold = state.error === this.#toldError;
      this.#line(isTold ? next : `${failureText(state.error, this.#options)}: ${next}`);
    }
  }

  #connected(master: MasterAddress, bytes: Uint8Array): void {
    const { host, port } = master;
    const name = masterName(host, port);
    const key = encodeKey(bytes);
    this.#line(`connected to ${name}, key ${key}`);
    if (this.#isPinned(master) || this.#toldUnpinned.has(name)) return;
    this.#toldUnpinned.add(name);
    this.#line(
      `the key of ${name} is not pinned, so any other would do as well: if this is the right one, ` +
        `run: ${pinCommand({ host, port, key: bytes }, this.#options)}`,
    );
  }

  #line(text: string): void {
    this.#write(escapeControls(text));
  }
}
