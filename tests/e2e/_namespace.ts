import assert from "node:assert/strict";
import { soon } from "./_until.ts";

/** Runs lines of a shell script, each of which has to succeed. */
export function shell(...lines: readonly string[]): string {
  const script = lines.join("\n");
  const { success, stdout, stderr } = new Deno.Command("sh", { args: ["-ec", script] })
    .outputSync();
  const decoder = new TextDecoder();
  assert.ok(success, `${script}\n${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** Whether a line of a shell script succeeds. */
export function canShell(line: string): boolean {
  const args = ["-c", line];
  return new Deno.Command("sh", { args, stdout: "null", stderr: "null" }).outputSync().success;
}

/**
 * A network namespace that nobody else knows by name: it is gone with its last process, whatever
 * becomes of the tests.
 */
export class Namespace implements AsyncDisposable {
  readonly #holder: Deno.ChildProcess;

  private constructor(holder: Deno.ChildProcess) {
    this.#holder = holder;
  }

  /** Makes one with nothing but loopback. */
  static async create(): Promise<Namespace> {
    // It ends when its input does, and so with this process.
    const holder = new Deno.Command("unshare", {
      args: ["-n", "sh", "-c", "ip link set lo up && echo ready && exec cat"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = holder.stdout.getReader();
    const { value = new Uint8Array() } = await soon("a network namespace", reader.read());
    await reader.cancel();
    assert.equal(new TextDecoder().decode(value), "ready\n");
    return new Namespace(holder);
  }

  /** A process in it. */
  get pid(): number {
    return this.#holder.pid;
  }

  /** Command that becomes another one in it, as words. */
  get inside(): readonly string[] {
    return ["nsenter", "-t", String(this.pid), "-n"];
  }

  /** The same for a script. */
  get enter(): string {
    return this.inside.join(" ");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.stdin.close();
    await soon("the end of a namespace", this.#holder.status);
  }
}
