/**
 * The servers that are measured: starting, asking, observing and stopping them.
 *
 * @module
 */

import { BENCH, DENO, ROOT } from "./_environment.ts";
import { LIST_REQUEST, listAnswer, writeDatabase } from "./_population.ts";
import { cpuSeconds, type Memory, memory, threadCpuSeconds } from "./_proc.ts";

/** Milliseconds between two looks whether a server listens: the error of the times to start. */
const POLL_MS = 2;

/** Milliseconds after which a server that does not answer is given up. */
const START_PATIENCE_MS = 30_000;

/** Milliseconds that a server gets to stop by itself. */
const STOP_PATIENCE_MS = 10_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A running server. */
export interface Server {
  /** For the report. */
  readonly name: string;
  /** TCP port on loopback. */
  readonly port: number;
  /** Milliseconds from exec to the end of the first complete answer. */
  readonly startMs: number;
  /** Seconds of CPU time so far, user and system, all threads, ended ones included. */
  cpuSeconds(): number;
  /** Memory now. */
  memory(): Memory;
  /** Ends it. */
  stop(): Promise<void>;
}

/** A running masterserver; its `port` is that of ring 1 bis. */
export interface Masterserver extends Server {
  /** Port of ring 2, where libgcrypt is installed. */
  readonly clientPort: number;
  /** Port of ring 0, where there is a password and libgcrypt is installed. */
  readonly masterPort: number;
  /** Its log, a JSON object a line. */
  readonly logFile: string;
  /** Seconds of CPU time of its main thread so far, which has the registry. */
  mainCpuSeconds(): number;
}

interface StartOptions {
  readonly name: string;
  readonly port: number;
  readonly program: string;
  readonly args: readonly string[];
  /** Asks it something and tells how many bytes the answer has; for a list when undefined. */
  readonly ask?: (port: number) => Promise<number>;
  /** Bytes of the first answer that counts as complete; any when undefined. */
  readonly complete?: number;
  /** File to be quoted when it does not come up. */
  readonly log?: string;
}

/** A directory for files, and ports that nobody else uses. */
export interface Workplace {
  /** Directory, without a `/` at the end. */
  readonly directory: string;
  /** Takes the next port. */
  nextPort(): number;
}

/** First of the ports used; below those that the system gives to clients. */
const FIRST_PORT = 20_000;

/** Makes a workplace in a directory. */
export function makeWorkplace(directory: string): Workplace {
  let port = FIRST_PORT;
  return { directory, nextPort: () => port++ };
}

/** Bytes of the answer to a list request at a port of loopback. */
export async function askList(port: number): Promise<number> {
  using tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  await tcp.write(encoder.encode(LIST_REQUEST));
  const buffer = new Uint8Array(256 * 1024);
  let total = 0;
  let tail = "";
  while (!tail.endsWith("\\final\\")) {
    const count = await tcp.read(buffer);
    if (count === null) throw new Deno.errors.UnexpectedEof(`port ${port} closed amid its answer`);
    total += count;
    tail = (tail + decoder.decode(buffer.subarray(Math.max(0, count - 7), count))).slice(-7);
  }
  return total;
}

function isNotYet(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionRefused ||
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.UnexpectedEof;
}

async function firstAnswer(
  { name, port, ask = askList, complete, log }: StartOptions,
  started: number,
): Promise<number> {
  for (;;) {
    try {
      const bytes = await ask(port);
      if (complete === undefined || bytes === complete) return performance.now() - started;
    } catch (error) {
      if (!isNotYet(error)) throw error;
    }
    if (performance.now() - started > START_PATIENCE_MS) {
      const said = log === undefined ? "" : await Deno.readTextFile(log).catch(() => "");
      throw new Error(
        `${name} gives no complete answer within ${START_PATIENCE_MS / 1000} s; its log: "${said}"`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Servers that have not ended. */
const running = new Set<Deno.ChildProcess>();

/** Ends all servers at once, for when the benchmarks are interrupted. */
export function killServers(): void {
  for (const child of running) child.kill("SIGKILL");
}

async function start(
  options: StartOptions,
): Promise<Server & Pick<Masterserver, "mainCpuSeconds">> {
  const { name, port, program, args } = options;
  const command = new Deno.Command(program, {
    args: [...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  const started = performance.now();
  const child = command.spawn();
  running.add(child);
  void child.status.then(() => running.delete(child));
  const stop = async () => {
    if (running.has(child)) child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_PATIENCE_MS);
    await child.status;
    clearTimeout(timer);
  };
  try {
    const startMs = await firstAnswer(options, started);
    const { pid } = child;
    return {
      name,
      port,
      startMs,
      cpuSeconds: () => cpuSeconds(pid),
      mainCpuSeconds: () => threadCpuSeconds(pid, pid),
      memory: () => memory(pid),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Arguments of deno.json's `start` task, without `deno`. */
async function startTask(): Promise<string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const [program, ...args] = String(tasks.start).trim().split(/\s+/);
  if (program !== "deno" || args.at(-1) !== "mod.ts") {
    throw new Error(
      `deno.json's task "start" is "${tasks.start}"; write it as: deno run FLAGS mod.ts`,
    );
  }
  return args;
}

/** How a masterserver is started for a measurement. */
export interface MasterserverOptions {
  /** Name in the report. */
  readonly name: string;
  /** A database that {@link writeDatabase} wrote; it is copied. */
  readonly database: string;
  /** Servers that its first list has to have; any list will do when undefined. */
  readonly servers?: number;
  /** Further settings as `section.key=value`. */
  readonly settings?: readonly string[];
}

/** Starts the masterserver as the `start` task does, on files and ports of its own. */
export async function startMasterserver(
  workplace: Workplace,
  { name, database, servers, settings = [] }: MasterserverOptions,
): Promise<Masterserver> {
  const port = workplace.nextPort();
  const clientPort = workplace.nextPort();
  const masterPort = workplace.nextPort();
  const base = `${workplace.directory}/masterserver-${port}`;
  await Deno.copyFile(database, `${base}.db`);
  // A configuration of its own keeps the one in the home directory out of it.
  await Deno.writeTextFile(
    `${base}.ini`,
    `[network]
mmport = ${masterPort};
smport = ${workplace.nextPort()};
cmport = ${clientPort};
osport = ${port};
ocport = ${workplace.nextPort()};
[console]
port = ${workplace.nextPort()};
[database]
base = ${base}.db;
[system]
logfile = ${base}.log;
keyfile = ${base}.key;
servercachefile = ${base}.neighbors;
`,
  );
  const server = await start({
    name,
    port,
    program: DENO,
    args: [
      ...await startTask(),
      "--config",
      `${base}.ini`,
      ...settings.flatMap((setting) => ["--set", setting]),
    ],
    ...(servers === undefined ? {} : { complete: listAnswer(servers).length }),
    log: `${base}.log`,
  });
  return { ...server, clientPort, masterPort, logFile: `${base}.log` };
}

/** Starts the bare server on Deno, which answers everything with the bytes of a file. */
export function startBareDeno(workplace: Workplace, answerFile: string): Promise<Server> {
  const port = workplace.nextPort();
  return start({
    name: "bare Deno server",
    port,
    program: DENO,
    args: [
      "run",
      "--no-prompt",
      "--allow-net",
      "--allow-read",
      `${BENCH}servers/bare.ts`,
      String(port),
      answerFile,
    ],
  });
}

/** Starts the epoll server in C, which answers everything with the bytes of a file. */
export function startEpoll(
  workplace: Workplace,
  program: string,
  answerFile: string,
): Promise<Server> {
  const port = workplace.nextPort();
  return start({ name: "C epoll server", port, program, args: [String(port), answerFile] });
}

/** Starts the server in C that seals and sends the messages of a file. */
export function startSealing(
  workplace: Workplace,
  program: string,
  messagesFile: string,
): Promise<Server> {
  const port = workplace.nextPort();
  const ask = async (): Promise<number> => {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return 0;
  };
  return start({
    name: "C sealing server",
    port,
    program,
    args: [String(port), messagesFile],
    ask,
  });
}

/** Writes a database for {@link startMasterserver}. */
export async function prepareDatabase(
  { directory }: Workplace,
  servers: number,
): Promise<string> {
  const path = `${directory}/${servers}-servers-${crypto.randomUUID()}.db`;
  await writeDatabase(path, servers);
  return path;
}
