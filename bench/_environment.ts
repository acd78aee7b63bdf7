/**
 * Where the benchmarks run: in a network namespace of their own, in a directory of their own.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** The project's top folder, with a `/` at the end. */
export const ROOT: string = fileURLToPath(new URL("..", import.meta.url));

/** This folder, with a `/` at the end. */
export const BENCH: string = fileURLToPath(new URL(".", import.meta.url));

/** The deno that runs this also runs what is measured. */
export const DENO: string = Deno.execPath();

/** Set to `1` inside the namespace. */
const NAMESPACE_VARIABLE = "MASTERSERVER_BENCH_NAMESPACE";

/** As root directly; else as the root of a user namespace, where the system allows those. */
const NAMESPACES: readonly (readonly string[])[] = [["unshare", "-n"], ["unshare", "-rn"]];

/** Brings up loopback, which a new namespace has down, and becomes the command that follows. */
const WITH_LOOPBACK = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

const encoder = new TextEncoder();

/** A program's exit status and what it wrote; undefined when there is no such program. */
export interface Finished {
  /** Exit status 0. */
  readonly ok: boolean;
  /** Standard output. */
  readonly stdout: string;
  /** Standard error. */
  readonly stderr: string;
}

/** Runs a program without input to its end. */
export async function capture(
  program: string,
  args: readonly string[],
): Promise<Finished | undefined> {
  try {
    const output = await new Deno.Command(program, { args: [...args], stdin: "null" }).output();
    const decoder = new TextDecoder();
    return {
      ok: output.success,
      stdout: decoder.decode(output.stdout),
      stderr: decoder.decode(output.stderr),
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Writes a line to standard output. */
export function print(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

/** Writes a line about what is going on to standard error. */
export function tell(line: string): void {
  Deno.stderr.writeSync(encoder.encode(`${line}\n`));
}

/** Whether this process is inside the namespace already. */
export function isIsolated(): boolean {
  return Deno.env.get(NAMESPACE_VARIABLE) === "1";
}

/** Calls back when the person at the terminal or the system wants this to end. */
export function onInterrupt(callback: () => void): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, callback);
}

/**
 * Runs a module of this folder again in a network namespace whose loopback is up.
 *
 * @returns Its exit status; undefined when no namespace can be had.
 */
export async function runIsolated(
  module: string,
  args: readonly string[],
): Promise<number | undefined> {
  for (const namespace of NAMESPACES) {
    const [program, ...rest] = [...namespace, ...WITH_LOOPBACK];
    if (program === undefined) continue;
    const possible = await capture(program, [...rest, "true"]);
    if (!possible?.ok) continue;
    const command = new Deno.Command(program, {
      // Nothing less than all lets Deno read /proc, which is where the figures come from.
      args: [...rest, DENO, "run", "--frozen", "--allow-all", module, ...args],
      cwd: ROOT,
      env: { [NAMESPACE_VARIABLE]: "1" },
    });
    const child = command.spawn();
    onInterrupt(() => child.kill("SIGTERM"));
    return (await child.status).code;
  }
  return undefined;
}

/** The machine in one line each: what the figures depend on. */
export async function describeMachine(): Promise<string[]> {
  const cpu = /^model name\s*:\s*(.*)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1];
  const kernel = (await Deno.readTextFile("/proc/sys/kernel/osrelease")).trim();
  const [load] = (await Deno.readTextFile("/proc/loadavg")).split(" ");
  return [
    `${new Date().toISOString().slice(0, 10)}, Deno ${Deno.version.deno}, Linux ${kernel}`,
    `${navigator.hardwareConcurrency} × ${cpu ?? "unknown processor"}, load ${load} at start`,
  ];
}
