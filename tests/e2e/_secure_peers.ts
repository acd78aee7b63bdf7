import { BrowserClient, RegistrationClient } from "../../clients/mod.ts";
import { type Crypto, type KeyPair, openCrypto } from "../../crypto/mod.ts";
import type { Registered, ServerReport } from "../../protocol/mod.ts";
import type { DaemonProcess } from "./_daemon.ts";
import { soon } from "./_until.ts";

function opened(): Crypto {
  const outcome = openCrypto();
  if (outcome.type === "unavailable") throw new Error(outcome.message);
  return outcome.crypto;
}

/** libgcrypt, for all tests of a file. */
export const CRYPTO: Crypto = opened();

/** Settings that turn the encrypted rings on, on any free ports. */
export const ENCRYPTED = { "network.smport": 0, "network.cmport": 0 } as const;

export const REPORT: ServerReport = {
  map: "Two clans",
  players: 1,
  max_players: 8,
  roster: [{ name: "Ann", kills: 2, deaths: 1, points: 3 }],
};

/** A game server of a test, registered by ring 1. */
export interface RegisteredServer extends AsyncDisposable {
  readonly registered: Registered;
  readonly client: RegistrationClient;
}

/** A client of ring 2. */
export function browser(daemon: DaemonProcess, keyPair: KeyPair = CRYPTO.keyPair()): BrowserClient {
  const masters = [{ host: "127.0.0.1", port: daemon.port("ring 2") }];
  return new BrowserClient({ crypto: CRYPTO, keyPair, masters });
}

/** Registers a server and waits for the answer; an error of the master is thrown. */
export async function register(
  daemon: DaemonProcess,
  name: string,
  port: number,
  keyPair: KeyPair = CRYPTO.keyPair(),
): Promise<RegisteredServer> {
  const answer = Promise.withResolvers<Registered>();
  const client = new RegistrationClient({
    crypto: CRYPTO,
    keyPair,
    masters: [{ host: "127.0.0.1", port: daemon.port("ring 1") }],
    server: { gamename: "netpanzer", name, port, protocol: 1122, admin: "", settings: {} },
    onRegistered: (registered) => answer.resolve(registered),
    onRefused: (error) => answer.reject(error),
  });
  client.report(REPORT);
  client.start();
  try {
    const registered = await soon(`the registration of ${name}`, answer.promise);
    return { registered, client, [Symbol.asyncDispose]: () => client.stop() };
  } catch (error) {
    await client.stop();
    throw error;
  }
}
