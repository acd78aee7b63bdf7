/** A session that is the same each time, as an attacker who saw all of it could send it again. */

import assert from "node:assert/strict";
import type { Channel } from "../../crypto/mod.ts";
import {
  channelOf,
  type ChannelSetup,
  dispose,
  framed,
  keyOf,
  type Ring,
  type Role,
  ROLES,
  session,
} from "./_wire.ts";

/** Frames for one role, in the order in which they went to it. */
export interface Wire {
  readonly handshake: readonly Uint8Array[];
  readonly transport: readonly Uint8Array[];
}

export class Recording {
  readonly ring: Ring;
  /** What was received by each. */
  readonly to: Readonly<Record<Role, Wire>>;
  readonly handshakeHash: Uint8Array;
  readonly #setups: Readonly<Record<Role, ChannelSetup>>;

  /** A session with fixed keys, in which either side sends all of the messages. */
  constructor(ring: Ring, label: string, messages: readonly Uint8Array[], rekeyAfter = 2 ** 20) {
    const setup = (role: Role): ChannelSetup => ({
      staticKey: keyOf(`${label}, ${role}, static`),
      ephemeralKey: keyOf(`${label}, ${role}, ephemeral`),
      rekeyAfter,
    });
    this.ring = ring;
    this.#setups = { initiator: setup("initiator"), responder: setup("responder") };
    const { initiator, responder, handshake, events } = session(ring, this.#setups);
    const [first, second, third] = handshake;
    this.to = {
      initiator: {
        handshake: [second],
        transport: messages.map((message) => responder.seal(message)),
      },
      responder: {
        handshake: [first, third],
        transport: messages.map((message) => initiator.seal(message)),
      },
    };
    const open = events.initiator.find((event) => event.type === "open");
    this.handshakeHash = open?.handshakeHash ?? new Uint8Array(0);
    dispose(initiator, responder);
  }

  /** Everything that a role received. */
  frames(role: Role): readonly Uint8Array[] {
    return [...this.to[role].handshake, ...this.to[role].transport];
  }

  publicKey(role: Role): Uint8Array {
    return this.#setups[role].staticKey?.publicKey ?? new Uint8Array(0);
  }

  /** A new channel that takes the recorded frames for its own session's. */
  victim(role: Role): Channel {
    return started(channelOf(this.ring, role, this.#setups[role]), role);
  }

  /** A new channel with the same static key, for which the recorded frames are old. */
  victimWithNewEphemeral(role: Role): Channel {
    const { ephemeralKey: _, ...setup } = this.#setups[role];
    return started(channelOf(this.ring, role, setup), role);
  }

  /** The same after the handshake. */
  openVictim(role: Role): Channel {
    const channel = this.victim(role);
    for (const frame of this.to[role].handshake) channel.receive(frame);
    return channel;
  }
}

function started(channel: Channel, role: Role): Channel {
  assert.equal(channel.start().length, role === "initiator" ? 1 : 0);
  return channel;
}

/** Replaces one of several. */
export function replaced<T>(all: readonly T[], index: number, by: T): T[] {
  return all.map((each, at) => at === index ? by : each);
}

/** A frame whose content was replaced, with the length that goes with it. */
export function reframed(
  frame: Uint8Array,
  change: (content: Uint8Array) => Uint8Array,
): Uint8Array {
  return framed(change(frame.subarray(2)));
}

/** Each frame of the handshake with the role that receives it and its place among those. */
export function handshakeFrames(
  recording: Recording,
): { role: Role; index: number; frame: Uint8Array }[] {
  return ROLES.flatMap((role) =>
    recording.to[role].handshake.map((frame, index) => ({ role, index, frame }))
  );
}
