const encoder = new TextEncoder();

/** Prints a figure that a test has measured. */
export function tell(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}
