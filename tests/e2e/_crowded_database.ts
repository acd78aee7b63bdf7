import assert from "node:assert/strict";
import type { Mariadb } from "../db/_mariadb.ts";
import { DaemonProcess } from "./_daemon.ts";
import { ask, entries, heartbeat } from "./_peers.ts";
import { until } from "./_until.ts";

/** Registrations under way at a time. */
const PARALLEL = 16;

/** Bound on the 99th percentile of a list's time, in milliseconds, whatever the database does. */
export const LIST_P99_MS = 50;

/** Starts a daemon on a database of this server. */
export async function daemonOn(
  server: Mariadb,
  database: string,
  home?: string,
  set: Readonly<Record<string, string | number>> = {},
): Promise<DaemonProcess> {
  return await DaemonProcess.start({
    ...(home === undefined ? {} : { home }),
    set: {
      "database.type": "mysql",
      "database.base": database,
      "database.user": "npv2",
      "database.pass": "npv2 secret",
      "database.dbport": server.port,
      "game.verify-servers": "no",
      "game.servers-per-address": 65_535,
      "game.connection-limit": 1000,
      ...set,
    },
  });
}

/** Registers servers with the game's own message; gives the ports whose answer was `\final\`. */
export async function registerMany(
  daemon: DaemonProcess,
  from: number,
  count: number,
  onAccepted: (accepted: number) => void = () => {},
  more = "",
): Promise<number[]> {
  const port = daemon.port("ring 1 bis");
  const accepted: number[] = [];
  let next = from;
  const work = async (): Promise<void> => {
    while (next < from + count) {
      const server = next++;
      try {
        if (await ask(port, heartbeat(server, "netpanzer", more)) !== "\\final\\") continue;
      } catch {
        // The master was killed: nothing was acknowledged.
        continue;
      }
      accepted.push(server);
      onAccepted(accepted.length);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return accepted;
}

/** Asks for lists until told to stop; gives their times in milliseconds, sorted. */
export async function watchLists(daemon: DaemonProcess): Promise<() => Promise<number[]>> {
  const url = new URL("./_list_watcher.ts", import.meta.url);
  const worker = new Worker(url, { type: "module" });
  const message = () =>
    new Promise<{ times: number[]; wrong?: string }>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
    });
  await message();
  worker.postMessage({ port: daemon.port("ring 2 bis") });
  return async () => {
    const result = message();
    worker.postMessage({});
    const { times, wrong } = await result;
    assert.equal(wrong, undefined, "every list is answered");
    return times.sort((a, b) => a - b);
  };
}

/** The value below which 99 of 100 lie. */
export function p99(sorted: readonly number[]): number {
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Infinity;
}

/** Ports that a list names. */
export async function listedPorts(daemon: DaemonProcess): Promise<number[]> {
  const list = await ask(daemon.port("ring 1 bis"), "\\list\\gamename\\netpanzer\\final\\");
  return entries(list).map((entry) => Number(entry.slice(entry.lastIndexOf(":") + 1)));
}

/** Waits until the database holds exactly these servers as listed, each once. */
export async function storedExactly(
  server: Mariadb,
  database: string,
  ports: readonly number[],
  within = 60_000,
): Promise<void> {
  const wanted = ports.toSorted((a, b) => a - b).join(" ");
  let found = "";
  await until("all rows in the database, each once", async () => {
    const rows = await server.sql(
      "SELECT port FROM server_data WHERE state = 'listed' ORDER BY port",
      database,
    ).catch(() => "");
    found = rows.trim().split("\n").join(" ");
    return found === wanted;
  }, {
    within,
    explain: () => `${found.split(" ").length} rows of ${ports.length}: ${found.slice(0, 200)}`,
  });
}
