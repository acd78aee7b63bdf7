import { RegistrationClient } from "../../clients/mod.ts";
import type { KeyPair } from "../../crypto/mod.ts";
import type { Registered } from "../../protocol/mod.ts";
import { type Master, PORTS } from "./_network.ts";
import { CRYPTO, REPORT } from "./_secure_peers.ts";
import { soon } from "./_until.ts";

let lastPort = 10_000;

/** A game server with a name, registered by ring 1. */
export class NamedServer implements AsyncDisposable {
  readonly id: string;
  readonly #client: RegistrationClient;
  /** Codes of what the master refused. */
  readonly refusals: string[] = [];

  private constructor(id: string, client: (server: NamedServer) => RegistrationClient) {
    this.id = id;
    this.#client = client(this);
  }

  /** Registers one at a master and waits for the answer. */
  static async register(
    master: Master,
    name: string,
    keyPair: KeyPair = CRYPTO.keyPair(),
  ): Promise<NamedServer> {
    const port = ++lastPort;
    const answer = Promise.withResolvers<Registered>();
    const made = new NamedServer(`${master.testIp}:${port}`, (server) =>
      new RegistrationClient({
        crypto: CRYPTO,
        keyPair,
        masters: [{ host: master.control, port: PORTS.ring1 }],
        server: { gamename: "netpanzer", name, port, protocol: 1122, admin: "", settings: {} },
        onRegistered: (registered) => answer.resolve(registered),
        onRefused: (error) => {
          server.refusals.push(error.code ?? error.failure);
          answer.reject(error);
        },
      }));
    const client = made.#client;
    client.report(REPORT);
    client.start();
    try {
      await soon(`the registration of ${name}`, answer.promise);
      return made;
    } catch (error) {
      await client.stop();
      throw error;
    }
  }

  /** Says that it is empty, and so that it lives, before its time for that. */
  report(): void {
    this.#client.report({ ...REPORT, players: 0, roster: [] });
  }

  /** Says goodbye and ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.stop();
  }
}
