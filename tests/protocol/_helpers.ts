import { type Decoded, TextDecoderStream } from "../../protocol/mod.ts";
import { bytes, type Random } from "../_helpers.ts";

/** A decoded item as plain data, to compare. */
export type Plain =
  | { readonly command: string; readonly values: readonly (readonly [string, string])[] }
  | { readonly refused: string };

export function plain(decoded: readonly Decoded[]): Plain[] {
  return decoded.map((item) =>
    item.type === "refused" ? { refused: item.reason } : {
      command: item.message.command,
      values: [...item.message.values],
    }
  );
}

/** Everything that comes out of chunks, the end of the stream included. */
export function decodeChunks(chunks: readonly Uint8Array[]): Plain[] {
  const decoder = new TextDecoderStream();
  const decoded: Decoded[] = [];
  for (const chunk of chunks) decoded.push(...decoder.push(chunk));
  decoded.push(...decoder.end());
  return plain(decoded);
}

export function decodeWhole(data: Uint8Array | string): Plain[] {
  return decodeChunks([typeof data === "string" ? bytes(data) : data]);
}

export function decodeByteByByte(data: Uint8Array | string): Plain[] {
  const whole = typeof data === "string" ? bytes(data) : data;
  return decodeChunks(Array.from(whole, (byte) => Uint8Array.of(byte)));
}

/** What a text without surprises decodes to. */
export function message(command: string, ...values: (readonly [string, string])[]): Plain {
  return { command, values };
}

/** Cuts at random places. */
export function cut(data: Uint8Array, random: Random): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < data.length;) {
    const end = at + 1 + random.below(data.length - at);
    chunks.push(data.subarray(at, end));
    at = end;
  }
  return chunks;
}

/** Messages as real peers send them, and some that they should not. */
export const SAMPLES: readonly string[] = [
  "\\heartbeat\\gamename\\netpanzer\\port\\3030\\protocol\\1122\\final\\",
  "\\quit\\port\\3030\\final\\",
  "\\list\\gamename\\netpanzer\\final\\",
  "\\list\\gamename\\master\\final\\list\\gamename\\netpanzer\\final\\",
  "\\heartbeat\\port\\28900\\gamename\\master\\password\\xxx\\final\\",
  "\\gamename\\gamespy2\\gamever\\2.2\\location\\5\\validate\\Wabc\\final\\" +
  "\\list\\\\gamename\\netpanzer\\final\\",
  "\\status\\final\\",
  "\\echo\\0123456789abcdef0123456789abcdef",
  "\\list\\gamename\\__proto__\\final\r\n",
];
