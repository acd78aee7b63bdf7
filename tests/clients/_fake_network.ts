import type { Hello, Peer } from "../../clients/mod.ts";
import { networkKey, PROLOGUES } from "../../crypto/mod.ts";
import { encodePeers } from "../../protocol/mod.ts";
import { FakeMaster, type FakeMasterOptions, type FakePeer, gcrypt } from "./_fake_master.ts";

/** The secret of the network. */
export const PASSWORD = "open sesame";

/** What it makes. */
export const PSK: Uint8Array = networkKey(gcrypt, PASSWORD);

/** A master's id, from its key. */
export function idOf(publicKey: Uint8Array): string {
  return publicKey.subarray(0, 8).toHex();
}

/** Another master as one sees it. */
export function otherMaster(number: number, more: Partial<Peer> = {}): Peer {
  return {
    id: number.toString(16).padStart(16, "0"),
    name: `master ${number}`,
    host: `m${number}.example.org`,
    port: 6060,
    state: "connected",
    since: 1_000_000,
    lag_ms: number,
    clock_ms: 0,
    behind: 0,
    sent_bytes: 1000 * number,
    received_bytes: 2000 * number,
    records: number,
    ...more,
  };
}

/** What happens with an observer's connection once both have said who they are. */
export type NetworkScript = (peer: FakePeer) => Promise<void> | void;

/** A master of the network that says who it is. */
export class FakeNetworkMaster extends FakeMaster {
  /** Hellos of observers that came. */
  readonly hellos: Hello[];

  constructor(
    script: NetworkScript,
    hello: Partial<Hello> = {},
    options: FakeMasterOptions = {},
  ) {
    const hellos: Hello[] = [];
    const keyPair = options.keyPair ?? gcrypt.keyPair();
    super(async (peer) => {
      await peer.send({
        type: "hello",
        version: 1,
        id: idOf(keyPair.publicKey),
        name: "alpha.example.org",
        ports: { ring0: 6060 },
        time: 1_600_000,
        program: "0.1.0",
        ...hello,
      });
      const came = await peer.receive();
      if (came === undefined) return;
      hellos.push(came as unknown as Hello);
      await script(peer);
    }, { prologue: PROLOGUES.ring0, psk: PSK, ...options, keyPair });
    this.hellos = hellos;
  }
}

/** Answers each question for the others, all alike. */
export function tells(peers: readonly Peer[]): NetworkScript {
  return async (peer) => {
    for (let message; (message = await peer.receive());) {
      if (message.type !== "peers") throw new Error(`"${message.type}" is no question`);
      for (const part of encodePeers(peers)) await peer.sendPlain(part);
    }
  };
}
