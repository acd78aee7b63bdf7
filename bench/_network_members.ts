/**
 * Networks of real masterservers on one machine, and what they say of each other.
 *
 * @module
 */

import { NetworkObserver } from "../clients/mod.ts";
import { type Crypto, networkKey } from "../crypto/mod.ts";
import type { Peer } from "../protocol/mod.ts";
import { listAnswer } from "./_population.ts";
import {
  askList,
  type Masterserver,
  prepareDatabase,
  startMasterserver,
  type Workplace,
} from "./_servers.ts";

/** Shared by the masters of a network. */
const PASSWORD = "benchmark";

const SETTINGS = [
  `game.masterserver-password=${PASSWORD}`,
  // Nobody answers challenges here, nor polls.
  "game.verify-servers=no",
  "game.status-interval=0",
];

/** Milliseconds after which a network that does not get on is given up. */
const PATIENCE_MS = 60_000;

/** Milliseconds between two looks at who knows what. */
const LOOK_MS = 20;

/** Lets some milliseconds pass. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A masterserver of a network, and a connection over which it is asked about the others. */
export interface Member {
  readonly server: Masterserver;
  readonly observer: NetworkObserver;
}

/** What went between masters. */
export interface Bytes {
  readonly sent: number;
  readonly received: number;
}

/** A network that grows. */
export class MasterNetwork implements AsyncDisposable {
  readonly members: Member[] = [];
  readonly #workplace: Workplace;
  readonly #crypto: Crypto;
  readonly #key: Uint8Array;

  constructor(workplace: Workplace, crypto: Crypto) {
    this.#workplace = workplace;
    this.#crypto = crypto;
    this.#key = networkKey(crypto, PASSWORD);
  }

  /** The first master. */
  get first(): Member {
    const [first] = this.members;
    if (!first) throw new Error("the network has no master yet");
    return first;
  }

  /** Begins with one that has servers in its database. */
  async begin(servers: number): Promise<void> {
    await this.#add(await prepareDatabase(this.#workplace, servers), servers);
  }

  /** Empty ones join at the same time; settles when they list all. */
  async join(masters: number, servers: number): Promise<void> {
    const peer = `masters.peer=127.0.0.1:${this.first.server.masterPort}`;
    const empty = await prepareDatabase(this.#workplace, 0);
    const joined: Member[] = [];
    // Starting takes a processor for a second.
    for (let i = 0; i < masters; i++) joined.push(await this.#add(empty, undefined, [peer]));
    const complete = listAnswer(servers).length;
    const isComplete = async ({ server, observer }: Member): Promise<boolean> => {
      const { peers } = await observer.view();
      // Asking for a long list again and again would slow it down.
      const likely = peers.reduce((sum, { records = 0 }) => sum + records, 0);
      return likely >= servers && await askList(server.port) === complete;
    };
    for (const member of joined) await patiently("a list of all", () => isComplete(member));
    const others = this.members.length - 1;
    const isConnected = ({ state }: Peer) => state === "connected";
    for (const { observer } of this.members) {
      await patiently("a mesh", async () => {
        return (await observer.view()).peers.filter(isConnected).length === others;
      });
    }
  }

  /** What each master has sent to all others, and received of them. */
  bytes(): Promise<Bytes[]> {
    return Promise.all(this.members.map(async ({ observer }) => {
      const { peers } = await observer.view();
      return {
        sent: peers.reduce((sum, { sent_bytes }) => sum + sent_bytes, 0),
        received: peers.reduce((sum, { received_bytes }) => sum + received_bytes, 0),
      };
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { observer } of this.members) await observer.close();
    await Promise.all(this.members.map(({ server }) => server.stop()));
  }

  async #add(
    database: string,
    servers: number | undefined,
    settings: readonly string[] = [],
  ): Promise<Member> {
    const server = await startMasterserver(this.#workplace, {
      name: `masterserver ${this.members.length + 1}`,
      database,
      ...(servers === undefined ? {} : { servers }),
      settings: [...SETTINGS, ...settings],
    });
    try {
      const member = { server, observer: await this.#observe(server.masterPort) };
      this.members.push(member);
      return member;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async #observe(port: number): Promise<NetworkObserver> {
    const begun = performance.now();
    for (;;) {
      try {
        return await NetworkObserver.connect({ host: "127.0.0.1", port }, {
          crypto: this.#crypto,
          keyPair: this.#crypto.keyPair(),
          psk: this.#key,
          program: "benchmark",
        });
      } catch (error) {
        // Ring 0 is up a moment after the others.
        if (performance.now() - begun > PATIENCE_MS) throw error;
        await pause(LOOK_MS);
      }
    }
  }
}

async function patiently(what: string, look: () => Promise<boolean>): Promise<void> {
  const begun = performance.now();
  while (!await look()) {
    if (performance.now() - begun > PATIENCE_MS) {
      throw new Error(`${what} does not come within ${PATIENCE_MS / 1000} s`);
    }
    await pause(LOOK_MS);
  }
}
