import { type Decoded, encodeError, TextDecoderStream, type TextMessage } from "../protocol/mod.ts";
import { type Connection, type Connections, writeAll } from "./_connections.ts";
import type { RequestMemo } from "./_request_memo.ts";

/** What a message is answered with. */
export interface Answer {
  /** Bytes to send; undefined for a message without an answer. */
  readonly bytes: Uint8Array | undefined;
  /** Whether the connection closes after it. */
  readonly close: boolean;
}

/** One connection of the old-style text protocol, as its messages see it. */
export interface TextSession {
  readonly connection: Connection;
  /** Whether a GameSpy preamble came, which changes how lists look. */
  gamespy: boolean;
}

/** Answers one message. */
export type AnswerMessage = (
  message: TextMessage,
  session: TextSession,
) => Answer | Promise<Answer>;

/** What a session reports of itself. */
export interface SessionEvents {
  /** Bytes came that are no message of the protocol; the connection closes. */
  malformed(connection: Connection, reason: string): void;
}

/** Reads messages off a connection and answers each, in order, until either side has enough. */
export async function serveText(
  connection: Connection,
  connections: Connections,
  answerMessage: AnswerMessage,
  events: SessionEvents,
  memo: RequestMemo,
): Promise<void> {
  const decoder = new TextDecoderStream();
  const session: TextSession = { connection, gamespy: false };
  const buffer = connections.takeBuffer();
  try {
    for (;;) {
      const count = await connection.tcp.read(buffer);
      const decoded = count === null
        ? decoder.end()
        : decode(decoder, memo, buffer.subarray(0, count));
      connection.busy = true;
      for (const item of decoded) {
        if (item.type === "refused") {
          events.malformed(connection, item.reason);
          await connections.dismiss(connection.tcp, encodeError(item.reason));
          return;
        }
        const answering = answerMessage(item.message, session);
        const answer = answering instanceof Promise ? await answering : answering;
        if (answer.bytes) await writeAll(connection.tcp, answer.bytes);
        if (answer.close) return;
        connections.touch(connection);
      }
      connection.busy = decoder.inMessage;
      if (count === null || (connections.stopping && !connection.busy)) return;
    }
  } finally {
    connections.returnBuffer(buffer);
  }
}

function decode(
  decoder: TextDecoderStream,
  memo: RequestMemo,
  bytes: Uint8Array,
): readonly Decoded[] {
  if (decoder.inMessage) return decoder.push(bytes);
  const known = memo.recall(bytes);
  if (known) return known;
  const decoded = decoder.push(bytes);
  if (!decoder.inMessage) memo.remember(bytes, decoded);
  return decoded;
}
