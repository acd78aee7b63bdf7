/**
 * Ring 0 between real masterservers: what heartbeats and changes cost each of them, all threads.
 *
 * @module
 */

import { openCrypto } from "../crypto/mod.ts";
import { type CPrograms, putLoad } from "./_load.ts";
import { type Bytes, MasterNetwork, type Member, pause } from "./_network_members.ts";
import { HEARTBEAT } from "./_population.ts";
import type { Figure, Report } from "./_report.ts";
import type { Workplace } from "./_servers.ts";
import { spread } from "./_statistics.ts";

/** Networks: servers, and for how many masters each is measured as it grows. */
const NETWORKS = [
  { servers: 10_000, masters: [1, 5] },
  // More would take longer to come up than all else takes.
  { servers: 100_000, masters: [1, 2] },
];

/** Seconds between heartbeats of a server: what the game has built in. */
const HEARTBEAT_S = 300;

/** Seconds that are measured. */
const WINDOW_S = 5;

/** Milliseconds for what changes have caused, such as writing them to databases. */
const SETTLE_MS = 1500;

/** Share of a processor below which a master that has joined is at rest; seconds that it may take. */
const REST_CPU = 0.1;
const REST_S = 15;

/** Changes at one master, as fast as it takes them: a second of CPU time there. */
const CHANGES = 1000;

const FINAL_BYTES = "\\final\\".length;

const MEGABYTE = 1024 * 1024;

/** What a master has used and sent, in units a second. */
interface Usage {
  readonly cpu: number;
  readonly main: number;
  readonly sent: number;
  readonly received: number;
  readonly memory: number;
}

/** A network that is measured. */
class Measured {
  readonly #network: MasterNetwork;
  readonly #programs: CPrograms;
  readonly #servers: number;
  /** Number of the next server whose heartbeat comes. */
  #next = 0;
  #round = 0;

  constructor(network: MasterNetwork, programs: CPrograms, servers: number) {
    this.#network = network;
    this.#programs = programs;
    this.#servers = servers;
  }

  /** Waits until nobody has anything to do but what always is. */
  async rest(): Promise<void> {
    for (let second = 0; second < REST_S; second++) {
      const before = this.#network.members.map(({ server }) => server.cpuSeconds());
      await pause(1000);
      const busiest = Math.max(
        ...this.#network.members.map(({ server }, i) => server.cpuSeconds() - (before[i] ?? 0)),
      );
      if (busiest < REST_CPU) return;
    }
  }

  /** Seconds in which nothing but heartbeats comes. */
  async window(): Promise<Usage[]> {
    const { members } = this.#network;
    const before = await this.#usage();
    const begun = performance.now();
    const each = this.#servers / HEARTBEAT_S / members.length;
    let due = 0;
    for (let second = 1; second <= WINDOW_S; second++) {
      due += each;
      const count = Math.floor(due);
      due -= count;
      // Not all at once, as they do not come so either.
      for (const member of members) await this.#beat(member, count, HEARTBEAT);
      await pause(Math.max(0, begun + second * 1000 - performance.now()));
    }
    const seconds = (performance.now() - begun) / 1000;
    const after = await this.#usage();
    return after.map((now, i) => {
      const then = before[i] ?? now;
      return {
        cpu: (now.cpu - then.cpu) / seconds,
        main: (now.main - then.main) / seconds,
        sent: (now.sent - then.sent) / seconds,
        received: (now.received - then.received) / seconds,
        memory: now.memory,
      };
    });
  }

  /** Many servers say something new at the first master; what that costs for each change. */
  async change(): Promise<Usage[]> {
    const request = HEARTBEAT.replace("\\final\\", `\\hostname\\round ${++this.#round}\\final\\`);
    const before = await this.#usage();
    await this.#beat(this.#network.first, CHANGES, request);
    await pause(SETTLE_MS);
    const after = await this.#usage();
    return after.map((now, i) => {
      const then = before[i] ?? now;
      return {
        cpu: (now.cpu - then.cpu) / CHANGES,
        main: (now.main - then.main) / CHANGES,
        sent: (now.sent - then.sent) / CHANGES,
        received: (now.received - then.received) / CHANGES,
        memory: now.memory,
      };
    });
  }

  async #beat({ server }: Member, count: number, request: string): Promise<void> {
    if (count === 0) return;
    const first = this.#next;
    this.#next += count;
    const clients = this.#servers;
    await putLoad(this.#programs, server, { count, first, clients, bytes: FINAL_BYTES, request });
  }

  async #usage(): Promise<Usage[]> {
    const bytes = await this.#network.bytes();
    return this.#network.members.map(({ server }, i): Usage => {
      const { sent, received } = bytes[i] as Bytes;
      return {
        cpu: server.cpuSeconds(),
        main: server.mainCpuSeconds(),
        sent,
        received,
        memory: server.memory().rss,
      };
    });
  }
}

function usageFigures(usage: readonly Usage[], perSecond: boolean): Figure[] {
  const [cpuUnit, cpuScale] = perSecond ? ["ms/s", 1e3] as const : ["µs", 1e6] as const;
  const [byteUnit, byteScale] = perSecond ? ["KB/s", 1 / 1024] as const : ["bytes", 1] as const;
  const figure = (name: string, key: keyof Usage, unit: string, scale: number): Figure => ({
    name,
    unit,
    value: spread(usage.map((each) => each[key] * scale)),
  });
  return [
    figure("cpu", "cpu", cpuUnit, cpuScale),
    figure("of it main thread", "main", cpuUnit, cpuScale),
    figure("sent", "sent", byteUnit, byteScale),
    figure("received", "received", byteUnit, byteScale),
    ...(perSecond ? [figure("rss", "memory", "MB", 1 / MEGABYTE)] : []),
  ];
}

async function measureSize(
  workplace: Workplace,
  programs: CPrograms,
  report: Report,
  { servers, masters }: typeof NETWORKS[number],
): Promise<void> {
  const opened = openCrypto();
  if (opened.type === "unavailable") {
    return report({ type: "skipped", section: `${servers} servers`, reason: opened.message });
  }
  using crypto = opened.crypto;
  await using network = new MasterNetwork(workplace, crypto);
  await network.begin(servers);
  const measured = new Measured(network, programs, servers);
  const heartbeats =
    `ring 0, ${servers} servers, a heartbeat each ${HEARTBEAT_S} s: each whole masterserver`;
  for (const size of masters) {
    await network.join(size - network.members.length, servers);
    await measured.rest();
    const figures = usageFigures(await measured.window(), true);
    report({ type: "figures", section: heartbeats, subject: `masters: ${size}`, figures });
  }
  const changes = `ring 0, ${servers} servers, ${masters.at(-1)} masterservers: a server's change`;
  await measured.change();
  const [first, ...others] = await measured.change();
  for (const [subject, usage] of [["where it is made", [first]], ["elsewhere", others]] as const) {
    const figures = usageFigures(usage.flatMap((each) => each ?? []), false);
    report({ type: "figures", section: changes, subject, figures });
  }
}

/** Networks of few masters, all of them real. */
export async function measureNetwork(
  workplace: Workplace,
  programs: CPrograms,
  report: Report,
): Promise<void> {
  for (const each of NETWORKS) await measureSize(workplace, programs, report, each);
}
