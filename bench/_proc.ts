/**
 * What the system tells of a process.
 *
 * @module
 */

/** Clock ticks a second in /proc: fixed for all of Linux's architectures in use. */
const TICKS_PER_SECOND = 100;

/** Memory of a process in bytes, all threads together. */
export interface Memory {
  /** Resident pages. */
  readonly rss: number;
  /** The same with shared pages counted by their share; undefined when it may not be read. */
  readonly pss: number | undefined;
}

function cpuSecondsIn(path: string): number {
  const stat = Deno.readTextFileSync(path);
  // The command's name, in parentheses, may hold anything; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Seconds of CPU time that a process has used, user and system, all threads, ended ones too. */
export function cpuSeconds(pid: number): number {
  return cpuSecondsIn(`/proc/${pid}/stat`);
}

/** The same of one thread; the main one has the number of the process. */
export function threadCpuSeconds(pid: number, thread: number): number {
  return cpuSecondsIn(`/proc/${pid}/task/${thread}/stat`);
}

function kilobytes(text: string, key: string): number | undefined {
  const value = new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text)?.[1];
  return value === undefined ? undefined : Number(value) * 1024;
}

/**
 * Memory of a process now.
 *
 * @throws Error when the process has ended.
 */
export function memory(pid: number): Memory {
  const rss = kilobytes(Deno.readTextFileSync(`/proc/${pid}/status`), "VmRSS");
  if (rss === undefined) throw new Error(`/proc/${pid}/status has no VmRSS: has it ended?`);
  try {
    return { rss, pss: kilobytes(Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`), "Pss") };
  } catch {
    return { rss, pss: undefined };
  }
}
