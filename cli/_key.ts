import {
  ClientError,
  type KnownMasters,
  KnownMastersError,
  masterName,
  RING_2,
  SecureConnection,
  writeKnownMasters,
} from "../clients/mod.ts";
import { createKeyFile, decodeKey, encodeKey, readKeyFile } from "../crypto/mod.ts";
import { AGENT_KEY } from "./_agent.ts";
import { type ConfigurationOptions, problemsOf, readConfiguration } from "./_configuration.ts";
import { EXIT, Exit } from "./_exit.ts";
import { print, tell } from "./_output.ts";
import {
  belowHome,
  clientExit,
  knownMasters,
  openedCrypto,
  type PinsOption,
  pinsPath,
  RING_1_PORT,
  RING_2_PORT,
  withKeyFile,
} from "./_secure.ts";
import { parseHostPort } from "./_targets.ts";

/** Milliseconds to wait for a master's key. */
const TIMEOUT_MS = 12_000;

/** Options of `key show`. */
export interface KeyShowOptions extends ConfigurationOptions {
  /** Key file to show, whoever's it is. */
  readonly file?: string;
  /** Whether the agent's key is meant. */
  readonly agent?: boolean;
}

/** Options of `key pin`. */
export interface KeyPinOptions extends PinsOption {
  /** Whether another key that is pinned gives way. */
  readonly replace?: boolean;
}

function agentKeyPath(): string {
  const path = belowHome(AGENT_KEY);
  if (path === undefined) {
    throw new Exit(EXIT.NO_INPUT, "HOME is not set: name the key file with --file FILE");
  }
  return path;
}

function masterKeyPath(options: KeyShowOptions): string {
  const loaded = readConfiguration(options);
  if (!loaded.ok) throw new Exit(EXIT.CONFIG, problemsOf(loaded));
  return loaded.config.system.keyFile;
}

/**
 * Prints a public key.
 *
 * @throws Exit when there is no key to show.
 */
export function keyShow(options: KeyShowOptions): number {
  if (options.agent && options.file !== undefined) {
    throw new Exit(EXIT.USAGE, "--agent and --file name two keys: leave one of them out");
  }
  const path = options.file ?? (options.agent ? agentKeyPath() : masterKeyPath(options));
  using crypto = openedCrypto();
  const { publicKey } = withKeyFile(EXIT.NO_INPUT, () => readKeyFile(path, crypto));
  print(encodeKey(publicKey));
  return EXIT.OK;
}

/**
 * Makes a key file and prints its public key.
 *
 * @throws Exit when it cannot be made, or is there already.
 */
export function keyNew(path: string): number {
  using crypto = openedCrypto();
  const { publicKey } = withKeyFile(EXIT.CANT_CREATE, () => createKeyFile(path, crypto));
  print(encodeKey(publicKey));
  return EXIT.OK;
}

/** Asks a master for its key. */
async function keyOf(host: string, port: number): Promise<Uint8Array> {
  using crypto = openedCrypto();
  try {
    await using connection = await SecureConnection.connect({ host, port }, {
      crypto,
      ring: RING_2,
      keyPair: crypto.keyPair(),
      timeoutMs: TIMEOUT_MS,
    });
    return connection.remoteKey;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    throw clientExit(error, {});
  }
}

function decodedKey(text: string): Uint8Array {
  // As it comes out of a file or a mail.
  const key = decodeKey(text.trim());
  if (key) return key;
  throw new Exit(
    EXIT.USAGE,
    `"${text}" is no key: 32 bytes in base64, 44 characters, as masterserver key show prints it`,
  );
}

/** Pins a key under one name; says what was done. */
function pinOne(
  known: KnownMasters,
  target: { readonly host: string; readonly port: number },
  key: Uint8Array,
  replace: boolean,
): string {
  const { host, port } = target;
  const name = masterName(host, port);
  const outcome = known.pin(host, port, key);
  if (outcome.type === "added") return `pinned ${name}`;
  if (outcome.type === "same") return `${name} was pinned already`;
  const pinned = encodeKey(outcome.pinned);
  if (!replace) {
    throw new Exit(
      EXIT.PROTOCOL,
      `${name} is pinned with another key, ${pinned}, not ${encodeKey(key)}: either the master's ` +
        "key was changed or somebody else answers in its place. Ask whoever runs it, and if the " +
        "new key is right, run this again with --replace",
    );
  }
  known.replace(host, port, key);
  return `pinned ${name} in place of ${pinned}`;
}

/**
 * Pins a master's key, as it is given or as the master shows it, and prints it.
 *
 * @throws Exit when the key cannot be had, or another one is pinned.
 */
export async function keyPin(
  target: string,
  given: string | undefined,
  options: KeyPinOptions,
): Promise<number> {
  const { host, port } = parseHostPort(target);
  const path = pinsPath(options);
  if (path === undefined) {
    throw new Exit(EXIT.CANT_CREATE, "HOME is not set: name the file of pins with --pins FILE");
  }
  const before = given === undefined ? undefined : decodedKey(given);
  const known = knownMasters(options);
  const key = before ?? await keyOf(host, port ?? RING_2_PORT);
  // A master has one key for all its rings, and whoever names no port means all of them.
  const ports = port === undefined ? [RING_1_PORT, RING_2_PORT] : [port];
  const done = ports.map((each) => {
    return pinOne(known, { host, port: each }, key, options.replace ?? false);
  });
  try {
    writeKnownMasters(path, known);
  } catch (error) {
    if (!(error instanceof KnownMastersError)) throw error;
    throw new Exit(EXIT.CANT_CREATE, error.message);
  }
  print(encodeKey(key));
  for (const line of done) tell(`${line} in ${path}`);
  return EXIT.OK;
}
