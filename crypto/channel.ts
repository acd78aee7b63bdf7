import { frameOf, FrameReader, LENGTH_BYTES, writeLength } from "./_frames.ts";
import { TAG_BYTES } from "./_sizes.ts";
import type { CipherState } from "./cipher_state.ts";
import type { Role } from "./handshake_types.ts";
import { HandshakeState, MAX_NOISE_MESSAGE_BYTES } from "./noise.ts";
import type { KeyPair, NoisePrimitives } from "./primitives.ts";

/** Bytes of the longest plaintext of one message: the longest Noise message less its tag. */
export const MAX_MESSAGE_BYTES: number = MAX_NOISE_MESSAGE_BYTES - TAG_BYTES;

/** After so many messages a direction gets its next key; both sides have to count alike. */
const REKEY_AFTER = 2 ** 20;

/** How many bytes longer than its plaintext a frame is: its length and its tag. */
export const FRAME_OVERHEAD_BYTES: number = LENGTH_BYTES + TAG_BYTES;

const NOTHING = new Uint8Array(0);

/** The handshake of a channel: ring 0 has a pre-shared key, rings 1 and 2 have none. */
export type Pattern = "XX" | "XXpsk3";

/** What a channel starts from. */
export interface ChannelOptions {
  /** What does the cryptography. */
  readonly primitives: NoisePrimitives;
  /** The side that connects is the initiator. */
  readonly role: Role;
  /** Which handshake, by ring. */
  readonly pattern: Pattern;
  /** One of {@linkcode PROLOGUES}; both sides need the same. */
  readonly prologue: Uint8Array;
  /** One's own identity. */
  readonly staticKey: KeyPair;
  /** 32 bytes, for XXpsk3 and only there. */
  readonly psk?: Uint8Array;
  /** In place of a new one, for published vectors and worked examples only. */
  readonly ephemeralKey?: KeyPair;
  /** Messages of one direction under one key, 2^20 by default; other numbers are for tests. */
  readonly rekeyAfter?: number;
  /** The number of each direction's first message, 0 by default; others are for tests. */
  readonly firstNonce?: bigint;
}

/** What comes out of a channel. */
export type ChannelEvent =
  | {
    readonly type: "send";
    /** A whole frame, length and message, to put on the wire. */
    readonly bytes: Uint8Array;
  }
  | {
    readonly type: "open";
    /** The peer's static key, which it has proved to hold: 32 bytes. */
    readonly remoteKey: Uint8Array;
    /** The same on both sides of this connection and on no other: 32 bytes. */
    readonly handshakeHash: Uint8Array;
  }
  | {
    readonly type: "message";
    /** Memory of its own, for the receiver to keep. */
    readonly plaintext: Uint8Array;
  }
  | {
    readonly type: "failed";
    /** Why the connection has to be closed, for a log. Nothing comes after it. */
    readonly reason: string;
  };

/** One direction's cipher, and how many messages it has left until its next key. */
interface Direction {
  readonly cipher: CipherState;
  messagesLeft: number;
}

/** Where a channel stands. */
type State =
  | { readonly type: "new" }
  | { readonly type: "handshake" }
  | { readonly type: "open"; readonly sending: Direction; readonly receiving: Direction }
  | { readonly type: "closed" };

const CLOSED: State = { type: "closed" };

/**
 * One side of an encrypted connection: a Noise handshake, then messages.
 *
 * Bytes in, events out: it knows no sockets and no time. On the wire each Noise message stands
 * behind its length, two bytes, big end first. Payloads of the handshake are empty. Whatever a peer
 * does wrong ends in one `failed` event, after which all keys are wiped.
 */
export class Channel implements Disposable {
  readonly #handshake: HandshakeState;
  readonly #frames = new FrameReader();
  readonly #rekeyAfter: number;
  readonly #firstNonce: bigint;
  #state: State;

  /**
   * Takes memory outside of JavaScript, so it has to be disposed of.
   *
   * @throws RangeError when a key has a wrong length, or a psk is missing or of no use.
   */
  constructor(options: ChannelOptions) {
    const { rekeyAfter = REKEY_AFTER, firstNonce = 0n } = options;
    if (!Number.isSafeInteger(rekeyAfter) || rekeyAfter < 1) {
      throw new RangeError(`rekeyAfter is ${rekeyAfter}, and not a whole number from 1 on`);
    }
    this.#handshake = new HandshakeState(options);
    this.#rekeyAfter = rekeyAfter;
    this.#firstNonce = firstNonce;
    this.#state = { type: "new" };
  }

  /** Whether messages can be sealed: after `open` and before `failed` or disposal. */
  get isOpen(): boolean {
    return this.#state.type === "open";
  }

  /** How many bytes of an unfinished frame are held: never over 65,537. */
  get pending(): number {
    return this.#frames.pending;
  }

  /**
   * The initiator's first frame as a `send` event; nothing for a responder.
   *
   * @throws Error the second time.
   */
  start(): readonly ChannelEvent[] {
    if (this.#state.type !== "new") throw new Error("a channel is started a second time");
    this.#state = { type: "handshake" };
    const events: ChannelEvent[] = [];
    if (this.#handshake.isWriting) this.#writeHandshake(events);
    return events;
  }

  /**
   * Takes bytes as they come off the wire, split anywhere.
   *
   * @returns What came of them, in order; nothing after `failed` or disposal.
   * @throws Error before it was started; never for what a peer sent.
   */
  receive(bytes: Uint8Array): readonly ChannelEvent[] {
    if (this.#state.type === "new") throw new Error("a channel receives before it was started");
    const events: ChannelEvent[] = [];
    this.#frames.feed(bytes);
    for (;;) {
      const state = this.#state;
      if (state.type === "open") {
        const message = this.#next(events, TAG_BYTES, MAX_NOISE_MESSAGE_BYTES);
        if (message === undefined) return events;
        this.#readMessage(state.receiving, message, events);
      } else if (state.type === "handshake") {
        // Payloads are empty, so that there is one length a message can have.
        const { overhead } = this.#handshake;
        const message = this.#next(events, overhead, overhead);
        if (message === undefined) return events;
        this.#readHandshake(message, events);
      } else {
        this.#frames.clear();
        return events;
      }
    }
  }

  /**
   * Seals a message.
   *
   * @returns A whole frame to put on the wire, after those sealed before it.
   * @throws RangeError over {@linkcode MAX_MESSAGE_BYTES}, Error when the channel is not open or
   * has used up its 2^64-1 messages, which closes it.
   */
  seal(plaintext: Uint8Array): Uint8Array {
    this.#sendingOf(plaintext);
    const frame = new Uint8Array(plaintext.length + FRAME_OVERHEAD_BYTES);
    this.sealInto(plaintext, frame, 0);
    return frame;
  }

  /**
   * Seals a message as `seal` does, but into memory at hand, which is the faster way for many.
   *
   * @param out Has no byte in common with the plaintext.
   * @param offset Where in `out` the frame begins.
   * @returns Where in `out` the frame ends: its length is the plaintext's and
   * {@linkcode FRAME_OVERHEAD_BYTES}.
   * @throws As `seal` does, and RangeError when `out` is too short.
   */
  sealInto(plaintext: Uint8Array, out: Uint8Array, offset: number): number {
    const sending = this.#sendingOf(plaintext);
    const length = plaintext.length + TAG_BYTES;
    const start = offset + LENGTH_BYTES;
    if (!(offset >= 0 && start + length <= out.length)) {
      throw new RangeError(
        `a frame of ${LENGTH_BYTES + length} bytes at ${offset} does not fit into ${out.length}`,
      );
    }
    sending.cipher.encryptInto(plaintext, out, start);
    writeLength(out, offset, length);
    this.#count(sending);
    return start + length;
  }

  /** Wipes all keys and lets go of everything held; nothing comes of it afterwards. */
  [Symbol.dispose](): void {
    const state = this.#state;
    this.#state = CLOSED;
    this.#handshake[Symbol.dispose]();
    this.#frames.clear();
    if (state.type !== "open") return;
    state.sending.cipher[Symbol.dispose]();
    state.receiving.cipher[Symbol.dispose]();
  }

  #next(events: ChannelEvent[], minimum: number, maximum: number): Uint8Array | undefined {
    const message = this.#frames.next(minimum, maximum);
    const length = this.#frames.refusedLength;
    if (length !== undefined) {
      const allowed = minimum === maximum ? `${minimum}` : `from ${minimum} to ${maximum}`;
      const kind = this.isOpen ? "a message" : "a handshake message";
      this.#fail(`${kind} of ${length} bytes, where it has ${allowed}`, events);
    }
    return message;
  }

  #readHandshake(message: Uint8Array, events: ChannelEvent[]): void {
    const outcome = this.#handshake.readMessage(message);
    if (outcome.type === "failed") return this.#fail(outcome.reason, events);
    if (this.#handshake.isWriting && !this.#writeHandshake(events)) return;
    if (this.#handshake.isFinished) this.#open(events);
  }

  #writeHandshake(events: ChannelEvent[]): boolean {
    const outcome = this.#handshake.writeMessage(NOTHING);
    if (outcome.type === "failed") {
      this.#fail(outcome.reason, events);
      return false;
    }
    events.push({ type: "send", bytes: frameOf(outcome.message) });
    return true;
  }

  #open(events: ChannelEvent[]): void {
    const { remoteStaticKey, handshakeHash } = this.#handshake;
    if (remoteStaticKey === undefined) throw new Error("a handshake told no static key");
    const { sending, receiving } = this.#handshake.split();
    sending.setNonce(this.#firstNonce);
    receiving.setNonce(this.#firstNonce);
    this.#state = {
      type: "open",
      sending: { cipher: sending, messagesLeft: this.#rekeyAfter },
      receiving: { cipher: receiving, messagesLeft: this.#rekeyAfter },
    };
    events.push({ type: "open", remoteKey: remoteStaticKey, handshakeHash });
  }

  #readMessage(receiving: Direction, message: Uint8Array, events: ChannelEvent[]): void {
    if (receiving.cipher.isExhausted) return this.#fail("2^64-1 messages were received", events);
    const plaintext = receiving.cipher.decryptWithAd(NOTHING, message);
    if (plaintext === undefined) {
      return this.#fail("a message that cannot be decrypted: forged, damaged or replayed", events);
    }
    this.#count(receiving);
    events.push({ type: "message", plaintext });
  }

  #sendingOf(plaintext: Uint8Array): Direction {
    if (this.#state.type !== "open") {
      throw new Error("a message is sealed on a channel that is not open");
    }
    const { length } = plaintext;
    if (length > MAX_MESSAGE_BYTES) {
      throw new RangeError(`a message has ${length} bytes, over ${MAX_MESSAGE_BYTES}`);
    }
    const { sending } = this.#state;
    if (sending.cipher.isExhausted) {
      this[Symbol.dispose]();
      throw new Error("2^64-1 messages were sent: the channel is closed");
    }
    return sending;
  }

  #count(direction: Direction): void {
    direction.messagesLeft--;
    if (direction.messagesLeft > 0) return;
    direction.cipher.rekey();
    direction.messagesLeft = this.#rekeyAfter;
  }

  #fail(reason: string, events: ChannelEvent[]): void {
    this[Symbol.dispose]();
    events.push({ type: "failed", reason });
  }
}
