import { dirname, join } from "node:path";
import type { Crypto } from "./crypto.ts";
import { decodeKey, encodeKey } from "./keys.ts";
import type { KeyPair } from "./primitives.ts";

/** Far above what is written; what is longer is no key file. */
const MAX_FILE_BYTES = 4096;

/** Read and write for the owner, nothing for others. */
const FILE_MODE = 0o600;

/** The same for directories that have to be made. */
const DIRECTORY_MODE = 0o700;

/** The permissions of group and others. */
const OTHERS_BITS = 0o077;

/** A key file that cannot be used; the message says why and what to do, and never the key. */
export class KeyFileError extends Error {
  /** Tells it from other errors. */
  override readonly name = "KeyFileError";
  /** The file. */
  readonly path: string;

  /**
   * Names the file and what is wrong with it.
   *
   * @param problem What is wrong and what to do, to stand behind the file's name.
   */
  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`key file "${path}" ${problem}`, options);
    this.path = path;
  }
}

/**
 * Reads the private key of a file, or makes file and key when there is none.
 *
 * @throws KeyFileError when others may read the file, or it is damaged, or it cannot be read or
 * made. A file that is there is never overwritten.
 */
export function loadKeyFile(
  path: string,
  crypto: Crypto,
): { readonly keyPair: KeyPair; readonly isNew: boolean } {
  const keyPair = readIfThere(path, crypto);
  if (keyPair !== undefined) return { keyPair, isNew: false };
  return { keyPair: createKeyFile(path, crypto), isNew: true };
}

/**
 * Makes a new key and a file for it, which only its owner may read, and which is whole on disk when
 * this returns.
 *
 * @throws KeyFileError when there is a file already, or it cannot be made.
 */
export function createKeyFile(path: string, crypto: Crypto): KeyPair {
  const keyPair = crypto.keyPair();
  const directory = dirname(path);
  const temporary = join(directory, `.key-${crypto.random(8).toHex()}.tmp`);
  let isTaken: boolean;
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
    try {
      writeDurably(temporary, textOf(keyPair));
      isTaken = !linkUnlessTaken(temporary, path);
    } finally {
      removeIfThere(temporary);
    }
    syncDirectory(directory);
  } catch (cause) {
    throw new KeyFileError(
      path,
      `cannot be made (${messageOf(cause)}): let this user write to "${directory}", or name ` +
        "another place",
      { cause },
    );
  }
  if (isTaken) throw new KeyFileError(path, "is there already: move it away if you want a new key");
  return keyPair;
}

/**
 * Reads the private key of a file.
 *
 * @throws KeyFileError when there is none, or others may read it, or it is damaged.
 */
export function readKeyFile(path: string, crypto: Crypto): KeyPair {
  const keyPair = readIfThere(path, crypto);
  if (keyPair === undefined) throw new KeyFileError(path, "is not there: make it first");
  return keyPair;
}

function readIfThere(path: string, crypto: Crypto): KeyPair | undefined {
  let text: string;
  try {
    // Opening a pipe would wait for someone to write to it.
    if (!Deno.statSync(path).isFile) {
      throw new KeyFileError(path, "is no file: name another place for the key");
    }
    using file = Deno.openSync(path);
    const { size, mode } = file.statSync();
    if (((mode ?? 0) & OTHERS_BITS) !== 0) {
      throw new KeyFileError(
        path,
        `has mode ${
          octal(mode)
        }, so that others may read it: run \`chmod 600 ${path}\`, and make ` +
          "a new key if others may have read it",
      );
    }
    if (size > MAX_FILE_BYTES) throw damaged(path, `it has ${size} bytes`);
    const content = new Uint8Array(size);
    const length = file.readSync(content) ?? 0;
    text = new TextDecoder().decode(content.subarray(0, length));
    content.fill(0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof KeyFileError) throw error;
    throw new KeyFileError(path, `cannot be read (${messageOf(error)}): check its owner`, {
      cause: error,
    });
  }
  return keyPairOf(path, text, crypto);
}

function keyPairOf(path: string, text: string, crypto: Crypto): KeyPair {
  const lines = text.split("\n").map((line) => line.trim());
  const keys = lines.filter((line) => line !== "" && !line.startsWith("#"));
  const [key] = keys;
  if (key === undefined || keys.length > 1) {
    throw damaged(path, `it has ${keys.length} lines that are no comments, and not one`);
  }
  const privateKey = decodeKey(key);
  if (privateKey === undefined) throw damaged(path, "its key is not 32 bytes in base64");
  return crypto.keyPair(privateKey);
}

function textOf({ privateKey, publicKey }: KeyPair): string {
  return [
    "# Private key of a netPanzer master, game server or client: who has it can pass for it.",
    "# Keep it secret and keep a copy of it.",
    `# Its public key, for all to know: ${encodeKey(publicKey)}`,
    encodeKey(privateKey),
    "",
  ].join("\n");
}

function writeDurably(path: string, text: string): void {
  using file = Deno.openSync(path, { write: true, createNew: true, mode: FILE_MODE });
  const content = new TextEncoder().encode(text);
  let written = 0;
  while (written < content.length) written += file.writeSync(content.subarray(written));
  file.syncSync();
}

/** Unlike a renaming, this puts nothing in the place of what someone made in the meantime. */
function linkUnlessTaken(from: string, to: string): boolean {
  try {
    Deno.linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}

/** A new name is on disk only once its directory is. */
function syncDirectory(path: string): void {
  using directory = Deno.openSync(path);
  directory.syncSync();
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function damaged(path: string, what: string): KeyFileError {
  return new KeyFileError(
    path,
    `is damaged (${what}): put a copy of it back, or move it away to get a new key`,
  );
}

function octal(mode: number | null): string {
  return ((mode ?? 0) & 0o777).toString(8).padStart(4, "0");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
