/**
 * Bytes to messages of the old-style text protocol.
 *
 * Grammar: tokens separated by runs of `\`; a message is a command token, key/value pairs, and the
 * token `final`. Messages follow one another on a connection and may be split at any byte.
 *
 * @module
 */

import { MAX_MESSAGE_BYTES, MAX_PAIRS, MAX_TOKEN_BYTES } from "./limits.ts";

/** One message: its first token and the pairs that follow it. */
export interface TextMessage {
  /** First token, for example `heartbeat`; empty when there was none. */
  readonly command: string;
  /** Pairs in the order they came; a repeated key keeps its first value. */
  readonly values: ReadonlyMap<string, string>;
}

/** What came out of the bytes: a message, or the reason why the stream cannot be read further. */
export type Decoded =
  | { readonly type: "message"; readonly message: TextMessage }
  | { readonly type: "refused"; readonly reason: string };

const BACKSLASH = 0x5c;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const FINAL = new TextEncoder().encode("final");
const utf8 = new TextDecoder();

/** Command plus pairs, plus a last key without a value. */
const MAX_TOKENS = 1 + 2 * MAX_PAIRS + 1;

/** How far a token agrees with `final` that does not any more. */
const NOT_FINAL = -1;

function isLineEnd(byte: number): boolean {
  return byte === LINE_FEED || byte === CARRIAGE_RETURN;
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

function messageOf(bytes: Uint8Array): TextMessage {
  const tokens = utf8.decode(bytes).split("\\").filter((token) => token !== "");
  // The end token; whatever ended it (a line end) is not part of the bytes handed in.
  tokens.pop();
  const values = new Map<string, string>();
  for (let i = 1; i + 1 < tokens.length; i += 2) {
    const key = tokens[i] as string;
    if (!values.has(key)) values.set(key, tokens[i + 1] as string);
  }
  return { command: tokens[0] ?? "", values };
}

/**
 * Incremental decoder of one connection. Holds at most {@link MAX_MESSAGE_BYTES} bytes; never
 * throws, whatever it is fed. After a refusal it yields nothing more.
 */
export class TextDecoderStream {
  #carry: Uint8Array | undefined;
  #carried = 0;
  #length = 0;
  #tokens = 0;
  #tokenLength = 0;
  /** Bytes of `final` that the token begins with and consists of, or {@link NOT_FINAL}. */
  #finalMatched = 0;
  /** Whether nothing but spaces has followed `final` in its token. */
  #finalPadded = false;
  #refused = false;

  /** Whether part of a message has come and its end has not. */
  get inMessage(): boolean {
    return this.#tokens > 0 || this.#tokenLength > 0;
  }

  /**
   * Takes the next bytes of the connection.
   *
   * @param chunk Read before this returns, not kept.
   * @returns What they completed, in order; a refusal is always the last.
   */
  push(chunk: Uint8Array): Decoded[] {
    const decoded: Decoded[] = [];
    let start = 0;
    for (let i = 0; i < chunk.length && !this.#refused; i++) {
      const byte = chunk[i] as number;
      if (!this.inMessage && (isSpace(byte) || isLineEnd(byte))) {
        // Separators that came before it separate nothing.
        this.#reset();
        start = i + 1;
        continue;
      }
      const endsToken = byte === BACKSLASH;
      if (this.#isFinal() && (isLineEnd(byte) || (endsToken && !this.#finalPadded))) {
        decoded.push({ type: "message", message: this.#complete(chunk.subarray(start, i)) });
        start = i + 1;
        continue;
      }
      const reason = endsToken ? this.#endToken() : this.#extendToken(byte);
      if (reason !== undefined) {
        this.#refused = true;
        this.#reset();
        decoded.push({ type: "refused", reason });
      }
    }
    if (this.#length > 0) this.#keep(chunk.subarray(start));
    return decoded;
  }

  /**
   * The connection's other side will send no more: `final` counts as complete without what
   * usually follows it.
   *
   * @returns The message that this ended, if any.
   */
  end(): Decoded[] {
    if (!this.#isFinal()) return [];
    return [{ type: "message", message: this.#complete(new Uint8Array(0)) }];
  }

  #isFinal(): boolean {
    return this.#finalMatched === FINAL.length;
  }

  #endToken(): string | undefined {
    if (this.#tokenLength > 0) this.#tokens++;
    this.#beginToken();
    if (this.#tokens > MAX_TOKENS) return `More than ${MAX_PAIRS} pairs in one message`;
    return this.#lengthen();
  }

  #extendToken(byte: number): string | undefined {
    if (this.#isFinal() && isSpace(byte)) this.#finalPadded = true;
    else if (byte === FINAL[this.#finalMatched] && !this.#finalPadded) this.#finalMatched++;
    else this.#finalMatched = NOT_FINAL;
    this.#tokenLength++;
    if (this.#tokenLength > MAX_TOKEN_BYTES) {
      return `A token is longer than ${MAX_TOKEN_BYTES} bytes`;
    }
    return this.#lengthen();
  }

  #beginToken(): void {
    this.#tokenLength = 0;
    this.#finalMatched = 0;
    this.#finalPadded = false;
  }

  #lengthen(): string | undefined {
    this.#length++;
    return this.#length > MAX_MESSAGE_BYTES
      ? `The message is longer than ${MAX_MESSAGE_BYTES} bytes`
      : undefined;
  }

  #complete(rest: Uint8Array): TextMessage {
    let bytes = rest;
    if (this.#carried > 0) {
      this.#keep(rest);
      bytes = (this.#carry as Uint8Array).subarray(0, this.#carried);
    }
    const message = messageOf(bytes);
    this.#reset();
    return message;
  }

  #keep(bytes: Uint8Array): void {
    this.#carry ??= new Uint8Array(MAX_MESSAGE_BYTES);
    this.#carry.set(bytes, this.#carried);
    this.#carried += bytes.length;
  }

  #reset(): void {
    // The buffer goes too, so that an idle connection costs next to nothing.
    this.#carry = undefined;
    this.#carried = 0;
    this.#length = 0;
    this.#tokens = 0;
    this.#beginToken();
  }
}

/**
 * Reads a UDP datagram, which is one message whether or not `final` ends it.
 *
 * @param bytes The whole datagram.
 * @returns The message; undefined when it does not start with `\` (then it is no request) or is
 * over a limit.
 */
export function decodeDatagram(bytes: Uint8Array): TextMessage | undefined {
  if (bytes[0] !== BACKSLASH || bytes.length > MAX_MESSAGE_BYTES) return undefined;
  const decoder = new TextDecoderStream();
  let [decoded] = decoder.push(bytes);
  decoded ??= decoder.end()[0];
  decoded ??= decoder.push(UNFINISHED_END)[0];
  return decoded?.type === "message" ? decoded.message : undefined;
}

const UNFINISHED_END = new TextEncoder().encode("\\final\\");
