/**
 * Lists as JSON, spread over as few messages as they fit into.
 *
 * @module
 */

import { quoteText } from "./_texts.ts";
import { MAX_CHANNEL_MESSAGE_BYTES } from "./channel_limits.ts";

/** A list within a message. */
export interface List {
  /** JSON before its entries. */
  readonly open: string;
  /** Its entries as JSON. */
  readonly entries: Iterable<string>;
  /** JSON behind its entries. */
  readonly close: string;
}

/** A whole message as JSON, around lists that commas stand between; whether more parts follow. */
export type Wrap = (lists: string, more: boolean) => string;

const encoder = new TextEncoder();

/** What a text is encoded into to be measured: of a longer one it is enough to know that it is. */
const scratch = new Uint8Array(MAX_CHANNEL_MESSAGE_BYTES + 1);

/** Bytes of a text in UTF-8; Infinity when it is longer than any message. */
export function utf8Bytes(text: string): number {
  const { read, written } = encoder.encodeInto(text, scratch);
  return read === text.length && written < scratch.length ? written : Infinity;
}

function tooLong(entry: string): RangeError {
  return new RangeError(
    "An entry is too long for a message, hold its texts to their limits before it is told: " +
      quoteText(entry),
  );
}

/**
 * Parts of one message, in order. A list that does not fit goes on in the next part, where it is
 * opened again.
 *
 * @param maxEntries Most entries of a part.
 * @throws RangeError when an entry does not fit into a message by itself.
 */
export function partsOf(
  wrap: Wrap,
  lists: Iterable<List>,
  maxEntries = Infinity,
): Uint8Array<ArrayBuffer>[] {
  const room = MAX_CHANNEL_MESSAGE_BYTES -
    Math.max(utf8Bytes(wrap("", true)), utf8Bytes(wrap("", false)));
  const parts: string[] = [];
  let [part, bytes, count] = ["", 0, 0];

  function endPart(): void {
    parts.push(part);
    [part, bytes, count] = ["", 0, 0];
  }

  for (const { open, entries, close } of lists) {
    const around = utf8Bytes(open) + utf8Bytes(close) + 1;
    let isOpen = false;
    const begin = (): void => {
      part += part === "" ? open : `,${open}`;
      bytes += around;
      isOpen = true;
    };
    for (const entry of entries) {
      const size = utf8Bytes(entry) + 1;
      if (size + around > room) throw tooLong(entry);
      if (bytes + size + (isOpen ? 0 : around) > room || count >= maxEntries) {
        if (isOpen) part += close;
        endPart();
        isOpen = false;
      }
      const isFirst = !isOpen;
      if (!isOpen) begin();
      part += isFirst ? entry : `,${entry}`;
      bytes += size;
      count++;
    }
    if (!isOpen && bytes + around > room) endPart();
    if (!isOpen) begin();
    part += close;
  }
  if (part !== "" || parts.length === 0) endPart();
  return parts.map((lists, index) => encoder.encode(wrap(lists, index < parts.length - 1)));
}
