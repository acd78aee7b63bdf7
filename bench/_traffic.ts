/**
 * Lists and heartbeats: CPU time a request, against servers that do nothing else.
 *
 * @module
 */

import { type CPrograms, type Latency, type LoadOptions, putLoad } from "./_load.ts";
import { HEARTBEAT, LIST_REQUEST, listAnswer } from "./_population.ts";
import { aim, type Report } from "./_report.ts";
import {
  prepareDatabase,
  type Server,
  startBareDeno,
  startEpoll,
  startMasterserver,
  type Workplace,
} from "./_servers.ts";
import { interleave, ratios, spread } from "./_statistics.ts";

/** Rounds that count. */
const ROUNDS = 11;

/** Requests of the round that warms up, in rounds: by then the compilers are done with the code. */
const WARM_UP = 4;

/** Client addresses that lists are asked from. */
const LIST_CLIENTS = 10_000;

/** How many servers are listed, and requests of a round: about half a second of CPU time each. */
const LISTS = [
  { servers: 20, count: 15_000 },
  { servers: 1000, count: 12_000 },
  { servers: 10_000, count: 6000 },
];

/** Heartbeats of a round: all rounds together are one of each of many servers, and more. */
const HEARTBEATS = 20_000;
const HEARTBEAT_ROUNDS = 7;
const FEW_SERVERS = 100;
const MANY_SERVERS = 100_000;

/**
 * Milliseconds after a round of heartbeats within which the daemon writes to its database; that
 * belongs to their cost.
 */
const SETTLE_MS = 1800;

/** Servers are asked for their status for as long as they live; that is no part of a request. */
const NO_POLLS = "game.status-interval=0";

/** Aims, as ratios of CPU time. */
const LIST_TO_DENO = 1.3;
const LIST_TO_C = 2;
const HEARTBEAT_TO_C = 3;
const MANY_TO_FEW = 1.15;

interface Round extends Latency {
  /** Microseconds of CPU time a request. */
  readonly cpu: number;
}

/** One round on one server; what it does within `settleMs` after the last answer counts too. */
async function loadRound(
  programs: CPrograms,
  server: Server,
  round: number,
  load: Omit<LoadOptions, "first">,
  settleMs = 0,
): Promise<Round> {
  const count = round === 0 ? load.count * WARM_UP : load.count;
  const before = server.cpuSeconds();
  const latency = await putLoad(programs, server, { ...load, count, first: round * load.count });
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  return { ...latency, cpu: (server.cpuSeconds() - before) / count * 1e6 };
}

function reportRounds(
  report: Report,
  section: string,
  results: ReadonlyMap<Server, readonly Round[]>,
): void {
  for (const [{ name }, rounds] of results) {
    const figure = (key: keyof Round, label: string) => ({
      name: label,
      unit: "µs",
      value: spread(rounds.map((round) => round[key])),
    });
    report({
      type: "figures",
      section,
      subject: name,
      figures: [figure("cpu", "cpu"), figure("p50", "p50"), figure("p99", "p99")],
    });
  }
}

function reportRatio(
  report: Report,
  section: string,
  results: ReadonlyMap<Server, readonly Round[]>,
  [numerator, denominator]: readonly [Server, Server],
  atMost: number,
): void {
  const cpu = (server: Server) => (results.get(server) ?? []).map((round) => round.cpu);
  const what = `${numerator.name} : ${denominator.name}`;
  report(aim(section, what, ratios(cpu(numerator), cpu(denominator)), atMost));
}

async function withServers<T>(
  starts: readonly (() => Promise<Server>)[],
  use: (servers: readonly Server[]) => Promise<T>,
): Promise<T> {
  const servers: Server[] = [];
  try {
    for (const start of starts) servers.push(await start());
    return await use(servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** Lists of every size, against a bare Deno server and one in C. */
export async function measureLists(
  workplace: Workplace,
  programs: CPrograms,
  report: Report,
): Promise<void> {
  for (const { servers, count } of LISTS) {
    const answer = listAnswer(servers);
    const answerFile = `${workplace.directory}/list-${servers}`;
    await Deno.writeFile(answerFile, answer);
    const section = `list of ${servers} servers, ${answer.length} bytes: per request`;
    await withServers([
      async () =>
        startMasterserver(workplace, {
          name: "masterserver",
          database: await prepareDatabase(workplace, servers),
          servers,
          settings: [NO_POLLS],
        }),
      () => startBareDeno(workplace, answerFile),
      () => startEpoll(workplace, programs.epoll, answerFile),
    ], async (subjects) => {
      const results = await interleave(subjects, ROUNDS, async (server, round) => {
        return await loadRound(programs, server, round, {
          count,
          clients: LIST_CLIENTS,
          bytes: answer.length,
          request: LIST_REQUEST,
        });
      });
      reportRounds(report, section, results);
      const [master, deno, c] = subjects as [Server, Server, Server];
      reportRatio(report, section, results, [master, deno], LIST_TO_DENO);
      reportRatio(report, section, results, [master, c], LIST_TO_C);
    });
  }
}

/** Heartbeats of registered servers, few and many, against a server in C. */
export async function measureHeartbeats(
  workplace: Workplace,
  programs: CPrograms,
  report: Report,
): Promise<void> {
  const section = "heartbeat of a registered server: per request";
  const answerFile = `${workplace.directory}/final`;
  await Deno.writeFile(answerFile, listAnswer(0));
  const master = async (servers: number) =>
    startMasterserver(workplace, {
      name: `masterserver, ${servers}`,
      database: await prepareDatabase(workplace, servers),
      servers,
      settings: [NO_POLLS],
    });
  await withServers([
    () => master(FEW_SERVERS),
    () => master(MANY_SERVERS),
    () => startEpoll(workplace, programs.epoll, answerFile),
  ], async (subjects) => {
    const [few, many, c] = subjects as [Server, Server, Server];
    const results = await interleave(subjects, HEARTBEAT_ROUNDS, async (server, round) => {
      return await loadRound(programs, server, round, {
        count: HEARTBEATS,
        clients: server === few ? FEW_SERVERS : MANY_SERVERS,
        bytes: listAnswer(0).length,
        request: HEARTBEAT,
      }, server === c ? 0 : SETTLE_MS);
    });
    reportRounds(report, section, results);
    reportRatio(report, section, results, [few, c], HEARTBEAT_TO_C);
    reportRatio(report, section, results, [many, c], HEARTBEAT_TO_C);
    reportRatio(report, section, results, [many, few], MANY_TO_FEW);
  });
}
