/** Channel against dissononce, an implementation in Python, over the pipes of its process. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Channel, ChannelEvent, KeyPair } from "../../crypto/mod.ts";
import { Random } from "../_helpers.ts";
import { missingDissononce, PYTHON } from "./_python.ts";
import {
  channelOf,
  cryptoTest,
  delivered,
  dispose,
  gcrypt,
  LENGTHS,
  pieces,
  randomBytes,
  type Ring,
  RING_0,
  RING_1,
  RING_2,
  type Role,
  ROLES,
  sent,
} from "./_wire.ts";

const PEER = fileURLToPath(new URL("_dissononce_peer.py", import.meta.url));

/** What the peer tells about a session. */
interface Report {
  readonly handshake_hash: string;
  readonly local_key: string;
  readonly remote_key: string;
}

/** The peer's process at the other end of a channel's wire. */
class Dissononce {
  readonly #child: Deno.ChildProcess;
  readonly #wire: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #writing: Promise<void> = Promise.resolve();

  constructor(ring: Ring, role: Role, rekeyAfter: number | undefined) {
    const options = {
      role,
      pattern: ring.pattern,
      prologue: ring.prologue.toHex(),
      static: gcrypt().keyPair().privateKey.toHex(),
      ...(ring.psk === undefined ? {} : { psk: ring.psk.toHex() }),
      ...(rekeyAfter === undefined ? {} : { rekey_after: rekeyAfter }),
    };
    this.#child = new Deno.Command(PYTHON, {
      args: ["-B", PEER, JSON.stringify(options)],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#wire = this.#child.stdin.getWriter();
  }

  /** Queues bytes. Not to be waited for: the peer may be waiting for us to read. */
  write(data: Uint8Array): void {
    this.#queue(() => this.#wire.write(data.slice()));
  }

  /** Tells it that no more is going to be written. */
  close(): void {
    this.#queue(() => this.#wire.close());
  }

  get output(): AsyncIterable<Uint8Array> {
    return this.#child.stdout;
  }

  /** What it tells of the session; rejects when it did not end in peace. */
  async report(): Promise<Report> {
    const told = await new Response(this.#child.stderr).text();
    const { code } = await this.#child.status;
    assert.equal(code, 0, told);
    return JSON.parse(told);
  }

  #queue(action: () => Promise<void>): void {
    // Where writing fails the peer is gone, and its report says why.
    this.#writing = this.#writing.then(action).catch(() => undefined);
  }
}

/** Sends messages to a peer that sends them back; resolves to all that the channel said. */
async function exchange(
  channel: Channel,
  peer: Dissononce,
  messages: readonly Uint8Array[],
  random: Random,
): Promise<ChannelEvent[]> {
  const said: ChannelEvent[] = [];
  let left = messages.length;
  const take = (events: readonly ChannelEvent[]) => {
    said.push(...events);
    for (const frame of sent(events)) peer.write(frame);
    for (const { type } of events) {
      if (type === "open") { for (const message of messages) peer.write(channel.seal(message)); }
      if (type === "message") left--;
      if (type === "failed" || (type === "message" && left === 0)) peer.close();
    }
  };
  take(channel.start());
  for await (const chunk of peer.output) {
    for (const piece of pieces(chunk, random)) take(channel.receive(piece));
  }
  return said;
}

function interop(ring: Ring, role: Role, rekeyAfter: number | undefined): void {
  const rekeyed = rekeyAfter === undefined ? "" : `, new keys every ${rekeyAfter} messages`;
  const title = `Channel: as ${role} it talks to dissononce (${ring.title}${rekeyed})`;
  cryptoTest(title, async () => {
    const random = new Random(0x64697373);
    const lengths = [...LENGTHS, ...Array.from({ length: 150 }, () => random.below(2000))];
    const messages = lengths.map((length) => randomBytes(random, length));
    const ours: KeyPair = gcrypt().keyPair();
    const channel = channelOf(ring, role, {
      staticKey: ours,
      ...(rekeyAfter === undefined ? {} : { rekeyAfter }),
    });
    const peer = new Dissononce(
      ring,
      role === "initiator" ? "responder" : "initiator",
      rekeyAfter,
    );
    const events = await exchange(channel, peer, messages, random);
    const report = await peer.report();
    const open = events.filter((event) => event.type === "open");
    assert.equal(open.length, 1);
    assert.equal(open[0]?.handshakeHash.toHex(), report.handshake_hash);
    assert.equal(open[0]?.remoteKey.toHex(), report.local_key);
    assert.equal(report.remote_key, ours.publicKey.toHex());
    assert.deepEqual(delivered(events), messages);
    assert.equal(channel.pending, 0);
    dispose(channel);
  }, missingDissononce);
}

for (const role of ROLES) {
  for (const ring of [RING_0, RING_1, RING_2]) interop(ring, role, undefined);
  interop(RING_0, role, 1);
  interop(RING_1, role, 7);
}
