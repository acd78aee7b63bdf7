const encoder = new TextEncoder();

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(text);
  for (let written = 0; written < bytes.length;) {
    written += stream.writeSync(bytes.subarray(written));
  }
}

/** Writes a result. */
export function print(text: string): void {
  writeAll(Deno.stdout, `${text}\n`);
}

/** Tells the user something that is not the result. */
export function tell(text: string): void {
  writeAll(Deno.stderr, `${text}\n`);
}
