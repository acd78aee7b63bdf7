/**
 * Two whole masterservers and the connection between them: an empty one that is told of many
 * servers, and how long a registration at one takes to the lists of the other.
 *
 * @module
 */

import { openCrypto } from "../crypto/mod.ts";
import { LIST_REQUEST, listAnswer } from "./_population.ts";
import { aim, type Figure, type Report } from "./_report.ts";
import {
  type Masterserver,
  prepareDatabase,
  startMasterserver,
  type Workplace,
} from "./_servers.ts";
import { spread } from "./_statistics.ts";

/** Servers that an empty master is told of. */
const MANY_SERVERS = 100_000;

const BRING_UP_RUNS = 2;

/** Aim. */
const BRING_UP_S = 5;

/** Milliseconds between two looks whether masters are connected. */
const CONNECT_LOOK_MS = 100;

/**
 * Milliseconds between two looks whether all are listed. Each takes a whole list, which is made anew
 * while servers come; more often would measure that.
 */
const LIST_LOOK_MS = 200;

/** Milliseconds after which what does not come is given up. */
const PATIENCE_MS = 60_000;

/** Registrations that count, and those before them. */
const REGISTRATIONS = 300;
const WARM_UP_REGISTRATIONS = 20;

/** Milliseconds between two registrations at most: they are to meet the masters' timers anywhere. */
const PAUSE_MS = 20;

/** Port of the first server that registers; all are at one address. */
const FIRST_PORT = 10_000;

const CONNECTED = "connected with another master";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const SETTINGS = [
  "game.masterserver-password=benchmark",
  // Nobody answers challenges here, nor polls.
  "game.verify-servers=no",
  "game.status-interval=0",
  `game.servers-per-address=${REGISTRATIONS + WARM_UP_REGISTRATIONS}`,
];

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Asks ring 1 bis something; the whole answer. */
async function ask({ port }: Masterserver, request: string): Promise<string> {
  using tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  await tcp.write(encoder.encode(request));
  const buffer = new Uint8Array(256 * 1024);
  let answer = "";
  while (!answer.endsWith("\\final\\")) {
    const count = await tcp.read(buffer);
    if (count === null) throw new Deno.errors.UnexpectedEof(`"${request}" gets half an answer`);
    answer += decoder.decode(buffer.subarray(0, count));
  }
  return answer;
}

/** Milliseconds since 1970 at which a master was connected with another; undefined before that. */
async function connectedAt({ logFile }: Masterserver): Promise<number | undefined> {
  const log = await Deno.readTextFile(logFile);
  const line = log.split("\n").find((each) => each.includes(`"${CONNECTED}"`));
  return line === undefined ? undefined : Date.parse(JSON.parse(line)["@timestamp"]);
}

/** Waits for something. @throws Error when it does not come. */
async function until<T>(
  what: string,
  pauseMs: number,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what} did not come in time`);
    await pause(pauseMs);
  }
}

/** Two masters: the first one starts first, the second one connects with it. */
async function startPair(
  workplace: Workplace,
  cleanup: AsyncDisposableStack,
  second: { readonly database: string; readonly servers: number },
): Promise<readonly [Masterserver, Masterserver]> {
  const start = async (
    name: string,
    from: { readonly database: string; readonly servers: number },
    further: readonly string[],
  ) => {
    const settings = [...SETTINGS, ...further];
    const master = await startMasterserver(workplace, { name, ...from, settings });
    cleanup.defer(() => master.stop());
    return master;
  };
  const empty = { database: await prepareDatabase(workplace, 0), servers: 0 };
  const first = await start("empty master", empty, []);
  const peer = `masters.peer=127.0.0.1:${first.masterPort}`;
  return [first, await start("full master", second, [peer])];
}

interface BringUp {
  readonly seconds: number;
  /** Seconds of CPU time since the full one had started. */
  readonly emptyCpu: number;
  readonly fullCpu: number;
}

async function bringUp(workplace: Workplace, database: string): Promise<BringUp> {
  await using cleanup = new AsyncDisposableStack();
  const second = { database, servers: MANY_SERVERS };
  const [empty, full] = await startPair(workplace, cleanup, second);
  const before = full.cpuSeconds();
  const complete = listAnswer(MANY_SERVERS).length;
  const connected = await until(
    "a connection of two masters",
    CONNECT_LOOK_MS,
    () => connectedAt(empty),
  );
  const listedAt = await until("the last of many servers", LIST_LOOK_MS, async () => {
    const { length } = await ask(empty, LIST_REQUEST);
    return length === complete ? Date.now() : undefined;
  });
  return {
    seconds: (listedAt - connected) / 1000,
    emptyCpu: empty.cpuSeconds(),
    fullCpu: full.cpuSeconds() - before,
  };
}

/** From the connection of an empty master until it lists all. */
export async function measureBringUp(workplace: Workplace, report: Report): Promise<void> {
  const section =
    `ring 0, an empty master and one with ${MANY_SERVERS} servers: connection to all listed`;
  if (!hasCrypto(section, report)) return;
  const database = await prepareDatabase(workplace, MANY_SERVERS);
  const runs: BringUp[] = [];
  for (let run = 0; run < BRING_UP_RUNS; run++) runs.push(await bringUp(workplace, database));
  const figure = (name: string, key: keyof BringUp): Figure => ({
    name,
    unit: "s",
    value: spread(runs.map((each) => each[key])),
  });
  report({
    type: "figures",
    section,
    subject: "CPU time, all threads",
    figures: [figure("empty master, its start included", "emptyCpu"), figure("other", "fullCpu")],
  });
  report(aim(section, "time", figure("", "seconds").value, BRING_UP_S, "s"));
}

/** Registers a server at one master; milliseconds until the other one lists it. */
async function propagate(at: Masterserver, seen: Masterserver, port: number): Promise<number> {
  const heartbeat = `\\heartbeat\\gamename\\netpanzer\\port\\${port}\\protocol\\1122\\final\\`;
  const answer = await ask(at, heartbeat);
  const acceptedAt = performance.now();
  if (answer !== "\\final\\") throw new Error(`a registration is answered with "${answer}"`);
  const entry = `\\port\\${port}\\`;
  return await until(`the server on port ${port}`, 0, async () => {
    const list = await ask(seen, LIST_REQUEST);
    return list.includes(entry) ? performance.now() - acceptedAt : undefined;
  });
}

/** From a registration at one master to the list of the other. */
export async function measurePropagation(workplace: Workplace, report: Report): Promise<void> {
  const section =
    `ring 0, ${REGISTRATIONS} registrations: accepted at one master to listed at the other`;
  if (!hasCrypto(section, report)) return;
  await using cleanup = new AsyncDisposableStack();
  const second = { database: await prepareDatabase(workplace, 0), servers: 0 };
  const [seen, at] = await startPair(workplace, cleanup, second);
  await until("a connection of two masters", CONNECT_LOOK_MS, () => connectedAt(seen));
  const delays: number[] = [];
  for (let place = 0; place < WARM_UP_REGISTRATIONS + REGISTRATIONS; place++) {
    const delay = await propagate(at, seen, FIRST_PORT + place);
    if (place >= WARM_UP_REGISTRATIONS) delays.push(delay);
    await pause(Math.random() * PAUSE_MS);
  }
  delays.sort((a, b) => a - b);
  const quantile = (share: number) => delays[Math.floor((delays.length - 1) * share)] ?? NaN;
  const figure = (name: string, value: number): Figure => {
    return { name, unit: "ms", value: spread([value]) };
  };
  report({
    type: "figures",
    section,
    subject: "two masterservers, no way between them",
    figures: [
      figure("p50", quantile(0.5)),
      figure("p99", quantile(0.99)),
      figure("most", quantile(1)),
    ],
  });
}

function hasCrypto(section: string, report: Report): boolean {
  const opened = openCrypto();
  if (opened.type === "unavailable") {
    report({ type: "skipped", section, reason: opened.message });
    return false;
  }
  opened.crypto[Symbol.dispose]();
  return true;
}
