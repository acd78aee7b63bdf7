/**
 * Lists of ring 2: CPU time a request on connections that stay open, against sealing and sending the
 * same messages in C.
 *
 * @module
 */

import type { Socket } from "node:net";
import { type Crypto, FRAME_OVERHEAD_BYTES, openCrypto } from "../crypto/mod.ts";
import type { ListRequest } from "../protocol/mod.ts";
import { Browser, openAll, openSocket, patiently } from "./_browsers.ts";
import { compileWithGcrypt } from "./_compile.ts";
import { aim, type Report } from "./_report.ts";
import {
  prepareDatabase,
  type Server,
  startMasterserver,
  startSealing,
  type Workplace,
} from "./_servers.ts";
import { interleave, ratios, spread } from "./_statistics.ts";

const SERVERS = 10_000;

/** Rounds that count. */
const ROUNDS = 7;

/** Lists of a round. */
const LISTS = 100;

/**
 * Connections that ask in turn, one at a time: the masterserver takes 50 messages a second from one
 * address for long.
 */
const CONNECTIONS = 8;

/** Aim, as a ratio of CPU time. */
const LIST_TO_C = 2;

const REQUEST: ListRequest = { type: "list", filter: { gamename: "netpanzer" } };

const decoder = new TextDecoder();

/** A server, and how it is asked. */
interface Subject {
  readonly server: Server;
  readonly sockets: readonly Socket[];
  /** Asks on the connection of that number. */
  readonly ask: (connection: number) => void;
  readonly close: () => void;
}

interface Round {
  /** Microseconds of CPU time a request. */
  readonly cpu: number;
  /** Microseconds until the answer was there. */
  readonly p50: number;
  readonly p99: number;
}

/** The messages of a list, which is looked through for completeness. */
async function firstList(browser: Browser): Promise<readonly Uint8Array[]> {
  const messages: Uint8Array[] = [];
  const complete = new Promise<number>((resolve, reject) => {
    let servers = 0;
    browser.onMessage = (plaintext) => {
      messages.push(plaintext);
      const text = decoder.decode(plaintext);
      const page = JSON.parse(text);
      if (page.type !== "servers") return reject(new Error(`a list is answered with ${text}`));
      servers += page.servers.length;
      if (page.last) resolve(servers);
    };
  });
  browser.send(REQUEST);
  const servers = await patiently(complete, "the first list");
  if (servers !== SERVERS) throw new Error(`a list has ${servers} servers and not ${SERVERS}`);
  return messages;
}

/** Messages behind their lengths, as servers/sealing.c reads them. */
function messagesFile(messages: readonly Uint8Array[]): Uint8Array {
  const file = new Uint8Array(messages.reduce((sum, { length }) => sum + 2 + length, 0));
  let offset = 0;
  for (const message of messages) {
    file[offset] = message.length >> 8;
    file[offset + 1] = message.length;
    file.set(message, offset + 2);
    offset += 2 + message.length;
  }
  return file;
}

/** Settles once so many bytes have come. */
function received(socket: Socket, bytes: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let total = 0;
  const count = (chunk: Uint8Array): void => {
    total += chunk.length;
    if (total < bytes) return;
    socket.off("data", count);
    if (total === bytes) resolve();
    else reject(new Error(`an answer has ${total} bytes and not ${bytes}`));
  };
  socket.on("data", count);
  return promise;
}

/** All that is sent is the same each time, so that counting tells when an answer is complete. */
async function listRound(subject: Subject, round: number, bytes: number): Promise<Round> {
  const { server, sockets, ask } = subject;
  const latencies: number[] = [];
  const before = server.cpuSeconds();
  for (let i = 0; i < LISTS; i++) {
    const connection = (round * LISTS + i) % sockets.length;
    const started = performance.now();
    const answer = received(sockets[connection] as Socket, bytes);
    ask(connection);
    await patiently(answer, `an answer of ${bytes} bytes from ${server.name}`);
    latencies.push((performance.now() - started) * 1000);
  }
  const cpu = (server.cpuSeconds() - before) / LISTS * 1e6;
  latencies.sort((a, b) => a - b);
  const quantile = (share: number) => latencies[Math.floor((LISTS - 1) * share)] ?? NaN;
  return { cpu, p50: quantile(0.5), p99: quantile(0.99) };
}

function reportLists(
  report: Report,
  section: string,
  results: ReadonlyMap<Subject, readonly Round[]>,
): void {
  for (const [{ server }, rounds] of results) {
    const figure = (key: keyof Round) => ({
      name: key,
      unit: "µs",
      value: spread(rounds.map((round) => round[key])),
    });
    const figures = [figure("cpu"), figure("p50"), figure("p99")];
    report({ type: "figures", section, subject: server.name, figures });
  }
  const [master, c] = [...results];
  if (!master || !c) return;
  const cpu = ([, rounds]: [Subject, readonly Round[]]) => rounds.map((round) => round.cpu);
  const what = `${master[0].server.name} : ${c[0].server.name}`;
  report(aim(section, what, ratios(cpu(master), cpu(c)), LIST_TO_C));
}

async function openBrowsers(
  server: Server,
  port: number,
  crypto: Crypto,
): Promise<{ subject: Subject; messages: readonly Uint8Array[] }> {
  const browsers = await openAll(CONNECTIONS, (client) => Browser.connect(port, client, crypto));
  const messages = await firstList(browsers[0] as Browser);
  for (const browser of browsers) browser.release();
  const subject: Subject = {
    server,
    sockets: browsers.map(({ socket }) => socket),
    ask: (connection) => browsers[connection]?.send(REQUEST),
    close: () => browsers.forEach((browser) => browser.close()),
  };
  return { subject, messages };
}

async function openSealing(server: Server): Promise<Subject> {
  const sockets = await openAll(CONNECTIONS, (client) => openSocket(server.port, client));
  const request = new TextEncoder().encode(JSON.stringify(REQUEST));
  return {
    server,
    sockets,
    ask: (connection) => sockets[connection]?.write(request),
    close: () => sockets.forEach((socket) => socket.destroy()),
  };
}

/** Lists on open connections. */
export async function measureSecureLists(workplace: Workplace, report: Report): Promise<void> {
  const title = `ring 2, list of ${SERVERS} servers`;
  const opened = openCrypto();
  if (opened.type === "unavailable") {
    report({ type: "skipped", section: title, reason: opened.message });
    return;
  }
  using crypto = opened.crypto;
  const compiled = await compileWithGcrypt(workplace, "servers/sealing.c");
  await using cleanup = new AsyncDisposableStack();
  const master = await startMasterserver(workplace, {
    name: "masterserver",
    database: await prepareDatabase(workplace, SERVERS),
    servers: SERVERS,
    settings: ["game.status-interval=0"],
  });
  cleanup.defer(() => master.stop());
  const { subject, messages } = await openBrowsers(master, master.clientPort, crypto);
  const subjects = [subject];
  const bytes = messages.reduce((sum, { length }) => sum + length + FRAME_OVERHEAD_BYTES, 0);
  const section = `${title}, ${bytes} bytes in ${messages.length} messages: per request`;
  if (compiled.type === "compiled") {
    const path = `${workplace.directory}/messages`;
    await Deno.writeFile(path, messagesFile(messages));
    const c = await startSealing(workplace, compiled.program, path);
    cleanup.defer(() => c.stop());
    subjects.push(await openSealing(c));
  } else report({ type: "skipped", section, reason: `C sealing server: ${compiled.reason}` });
  cleanup.defer(() => subjects.forEach(({ close }) => close()));
  reportLists(
    report,
    section,
    await interleave(subjects, ROUNDS, (each, round) => listRound(each, round, bytes)),
  );
}
