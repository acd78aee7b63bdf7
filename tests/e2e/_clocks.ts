/** Masters whose clocks are an hour off. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { GameServers, untilAllList } from "./_game_servers.ts";
import { shell } from "./_namespace.ts";
import { COMPILER } from "./_needs.ts";
import { type Master, MasterNetwork } from "./_network.ts";
import { pause, until } from "./_until.ts";

const PRELOADED = fileURLToPath(new URL("./fixtures/wrong_clock.c", import.meta.url));

const HOUR_S = 3600;

/** Seconds of silence after which a server is dead. */
const ALIVE_S = 10;

const BEAT_MS = 2000;

/** Milliseconds for a change to be everywhere. */
const EVERYWHERE_MS = 2000;

/**
 * Milliseconds until a silent server is dead everywhere, where it has been heard of and, 10 s later,
 * where it has been told of; what is measured in whole seconds, and a busy machine, come on top.
 */
const DEAD_MS = (ALIVE_S + 10 + 5) * 1000;

/** What the operator is to be told. */
const WARNING = "the clock of another master is wrong, or this one's: let both follow NTP";

/** Waits until a master has warned of another one's clock. */
async function untilWarned(master: Master, other: Master, hours: number): Promise<void> {
  const line = await master.daemon.logged(WARNING, {
    within: 10_000,
    fields: { master: other.name },
  });
  assert.equal(line.level, "WARN");
  const ahead = Number(line["ahead_s"]);
  assert.ok(Math.abs(ahead - hours * HOUR_S) < 60, `${master.name} says ${ahead} s`);
}

/** Until a time, everyone who lives is listed everywhere; gives who else was, and when last. */
async function watch(
  masters: readonly Master[],
  servers: GameServers,
  ms: number,
): Promise<Map<string, number>> {
  const end = performance.now() + ms;
  const seen = new Map<string, number>();
  while (performance.now() < end) {
    for (const master of masters) {
      const live = servers.live;
      const listed = new Set(await master.servers());
      for (const id of live) assert.ok(listed.has(id), `${master.name} lists ${id}, which lives`);
      for (const id of listed) if (!live.includes(id)) seen.set(id, performance.now());
    }
    await pause(200);
  }
  return seen;
}

/** Some fall silent at once; all masters list them as long as they should, and no longer. */
async function watchSilent(
  masters: readonly Master[],
  at: readonly Master[],
  servers: GameServers,
): Promise<void> {
  const silent = await servers.registerMany(at.length, at);
  const since = performance.now();
  await untilAllList(masters, () => servers.live, EVERYWHERE_MS);
  for (const id of silent) servers.forget(id);
  const seen = await watch(masters, servers, DEAD_MS + 2000 - (performance.now() - since));
  for (const id of silent) {
    const lived = (seen.get(id) ?? since) - since;
    assert.ok(lived > (ALIVE_S - 2) * 1000 && lived < DEAD_MS, `${id} was listed for ${lived} ms`);
  }
  await untilAllList(masters, () => servers.live, 1000);
}

/** One master is an hour ahead, one an hour behind: nobody lives longer for it, or shorter. */
export async function wrongClocks(): Promise<void> {
  const library = `${Deno.makeTempDirSync({ prefix: "masterserver-clock-" })}/wrong_clock.so`;
  try {
    shell(`${COMPILER} -shared -fPIC -O2 -o ${library} ${PRELOADED}`);
    await using network = await MasterNetwork.create({
      size: 4,
      set: { "game.server-alive-timeout": ALIVE_S },
    });
    const { masters } = network;
    const [first, second, ahead, behind] = masters as [Master, Master, Master, Master];
    const clock = (hours: number) => ({
      LD_PRELOAD: library,
      WRONG_CLOCK: String(hours * HOUR_S),
    });
    await Promise.all([
      first.start(),
      second.start({ "masters.peer": first.peer }),
      ahead.start({ "masters.peer": first.peer }, clock(1)),
      behind.start({ "masters.peer": second.peer }, clock(-1)),
    ]);
    const servers = new GameServers();
    await servers.registerMany(12, masters);
    await using _beating = servers.keepBeating(BEAT_MS);
    await untilAllList(masters, () => servers.live, 15_000);
    for (const right of [first, second]) {
      await untilWarned(right, ahead, 1);
      await untilWarned(ahead, right, -1);
      await untilWarned(right, behind, -1);
      await untilWarned(behind, right, 1);
    }

    // Whatever was done where, what is done later counts.
    for (const [here, there] of [[ahead, first], [ahead, behind], [behind, second]] as const) {
      const [id] = await servers.registerMany(1, [here]) as [string];
      await untilAllList(masters, () => servers.live, EVERYWHERE_MS);
      for (const [quitAt, backAt] of [[there, here], [here, there]] as const) {
        await servers.quit(id, quitAt);
        await untilAllList(masters, () => servers.live, EVERYWHERE_MS);
        await servers.beat(id, backAt);
        await untilAllList(masters, () => servers.live, EVERYWHERE_MS);
      }
    }
    await watchSilent(masters, [first, ahead, behind], servers);

    // What a clock that was ahead has left in the database.
    await moveAway(ahead, second, servers);
    await servers.registerMany(3, [ahead]);
    await untilAllList(masters, () => servers.live, EVERYWHERE_MS);
    const left = servers.at([ahead]);
    for (const id of left) servers.forget(id);
    await ahead.stop();
    await ahead.start({ "masters.peer": first.peer }, {});
    await until("the end of the silent ones", async () => {
      const lists = await Promise.all(masters.map((master) => master.servers()));
      return lists.every((list) => left.every((id) => !list.includes(id)));
    }, { within: DEAD_MS });
    await untilAllList(masters, () => servers.live, EVERYWHERE_MS);
  } finally {
    Deno.removeSync(library.slice(0, library.lastIndexOf("/")), { recursive: true });
  }
}

/** Servers go on at another master. */
async function moveAway(from: Master, to: Master, servers: GameServers): Promise<void> {
  for (const id of servers.at([from])) await servers.beat(id, to);
}
