/**
 * Bytes for people.
 *
 * @module
 */

/** Bytes of a line. */
const WIDTH = 16;

function line(bytes: Uint8Array, offset: number): string {
  const part = bytes.subarray(offset, offset + WIDTH);
  const digits = [...part].map((byte) => byte.toString(16).padStart(2, "0"));
  const halves = [digits.slice(0, WIDTH / 2), digits.slice(WIDTH / 2)];
  const columns = halves.map((half) => half.join(" ").padEnd(3 * WIDTH / 2 - 1)).join("  ");
  const printable = [...part].map((byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."
  );
  return `${offset.toString(16).padStart(4, "0")}  ${columns}  |${printable.join("")}|`;
}

/** Lines of offset, bytes and what of them can be printed, 16 bytes each. */
export function hexDump(bytes: Uint8Array): string[] {
  const lines = Math.ceil(bytes.length / WIDTH);
  return Array.from({ length: lines }, (_, index) => line(bytes, index * WIDTH));
}
