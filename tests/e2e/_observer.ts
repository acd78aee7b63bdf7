import { NetworkObserver } from "../../clients/mod.ts";
import { networkKey } from "../../crypto/mod.ts";
import type { Peer } from "../../protocol/mod.ts";
import { type Master, PASSWORD, PORTS } from "./_network.ts";
import { CRYPTO } from "./_secure_peers.ts";

const KEY = networkKey(CRYPTO, PASSWORD);

/** Asks a master again and again how it stands to the others. */
export class Observer implements AsyncDisposable {
  readonly #observer: NetworkObserver;

  private constructor(observer: NetworkObserver) {
    this.#observer = observer;
  }

  static async open({ control }: Master): Promise<Observer> {
    const observer = await NetworkObserver.connect(
      { host: control, port: PORTS.ring0 },
      { crypto: CRYPTO, keyPair: CRYPTO.keyPair(), psk: KEY, program: "test" },
    );
    return new Observer(observer);
  }

  /** How it stands to one of them; undefined when it does not know it. */
  async peer({ name }: Master): Promise<Peer | undefined> {
    return (await this.#observer.view()).peers.find((peer) => peer.name === name);
  }

  /** Since when it is connected with one of them, milliseconds since 1970; 0 while it is not. */
  async connectedSince(other: Master): Promise<number> {
    const peer = await this.peer(other);
    return peer?.state === "connected" ? peer.since ?? 0 : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#observer.close();
  }
}
