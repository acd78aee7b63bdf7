/** Masters that are killed, and that come back with what they knew a long time ago. */

import assert from "node:assert/strict";
import { GameServers, untilAllList } from "./_game_servers.ts";
import { heartbeat } from "./_peers.ts";
import { gameAddress, type Master, MasterNetwork } from "./_network.ts";
import { tell } from "./_tell.ts";
import { pause, until } from "./_until.ts";

/** Milliseconds between two registrations, on average. */
const EVERY_MS = 50;

/** Port of the servers that register while masters are killed. */
const PORT = 4040;

/** Every so many registrations an earlier server leaves. */
const QUIT_EACH = 5;

/** Milliseconds that a master is away, and that it is back before the next one goes. */
const AWAY_MS = 1500;

/** Milliseconds within which all agree in the end. */
const AGREED_MS = 60_000;

/** Registrations and goodbyes, one after the other, whatever happens to whom they are said to. */
class Stream implements AsyncDisposable {
  readonly #masters: () => readonly Master[];
  /** Where each has registered: nobody else has to know of it when it leaves a moment later. */
  readonly #live = new Map<string, Master>();
  readonly #running: Promise<void>;
  #isOver = false;
  answered = 0;
  /** What was tried again, because its first master was killed before its answer. */
  repeated = 0;

  constructor(masters: () => readonly Master[]) {
    this.#masters = masters;
    this.#running = this.#run();
  }

  /** Those that were told that they are registered, and not that they are gone, sorted. */
  get live(): string[] {
    return [...this.#live.keys()].sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let number = 1; !this.#isOver; number++) {
      const next = performance.now() + EVERY_MS * 2 * Math.random();
      const from = gameAddress(20_000 + number);
      const master = await this.#say(heartbeat(PORT), from, () => anyOf(this.#masters()));
      this.#live.set(`${from}:${PORT}`, master);
      if (number % QUIT_EACH === 0) await this.#quitOne();
      await pause(Math.max(0, next - performance.now()));
    }
  }

  async #quitOne(): Promise<void> {
    const there = this.#masters();
    const [id, home] = anyOf([...this.#live].filter(([, master]) => there.includes(master))) ?? [];
    if (id === undefined) return;
    await this.#say(`\\quit\\port\\${PORT}\\final\\`, id.slice(0, id.indexOf(":")), () => home);
    this.#live.delete(id);
  }

  /** Says something until it is answered, for a master may be killed before it does; to whom. */
  #say(message: string, from: string, choose: () => Master | undefined): Promise<Master> {
    return until("an answer of a master", async () => {
      const master = choose();
      try {
        if (await master?.ask(message, { from }) === "\\final\\") {
          this.answered++;
          return master;
        }
      } catch {
        // It is not there any more.
      }
      this.repeated++;
      return undefined;
    }, { within: 20_000 });
  }
}

function anyOf<T>(choices: readonly T[]): T | undefined {
  return choices[Math.floor(Math.random() * choices.length)];
}

/** Kills one master after the other under a stream of changes, and starts each again. */
export async function crashes(): Promise<void> {
  await using network = await MasterNetwork.create({ size: 4 });
  const { masters } = network;
  await network.startChain();
  const down = new Set<Master>();
  const stream = new Stream(() => masters.filter((master) => !down.has(master)));
  {
    await using _running = stream;
    for (const [i, master] of masters.entries()) {
      await pause(AWAY_MS);
      // It is not told apart from the others before it is killed, but a moment later.
      const killed = master.kill();
      await pause(5);
      down.add(master);
      await killed;
      await pause(AWAY_MS);
      const peer = masters[(i + 1) % masters.length] as Master;
      await master.start({ "masters.peer": peer.peer });
      down.delete(master);
    }
    await pause(AWAY_MS);
  }
  const took = await untilAllList(masters, () => stream.live, AGREED_MS);
  tell(
    `${stream.answered} changes while each of four masters is killed once, ${stream.repeated} said` +
      ` twice: all agree ${Math.round(took)} ms after the last`,
  );
  assert.ok(stream.answered > 100, `only ${stream.answered} answers`);
}

/** Seconds of silence after which servers of {@link oldState} are dead. */
const SHORT_TIMEOUT = 5;

/** Milliseconds between their heartbeats. */
const SHORT_BEAT_MS = 1000;

/** Milliseconds for which nobody may come back: longer than anybody is waited for. */
const WATCHED_MS = 25_000;

/** Starts a master with the state of long ago: nobody comes back who is dead. */
export async function oldState(): Promise<void> {
  await using network = await MasterNetwork.create({
    size: 3,
    set: { "game.server-alive-timeout": SHORT_TIMEOUT },
  });
  const { masters } = network;
  const [first, second, third] = masters as [Master, Master, Master];
  await network.startChain();
  const servers = new GameServers();
  await servers.registerMany(30, masters);
  await untilAllList(masters, () => servers.live, 10_000);
  await third.kill();
  // A third quits, a third falls silent, a third goes on at another master, and some are new.
  const dead: string[] = [];
  for (const [i, id] of servers.live.entries()) {
    if (i % 3 === 0) await servers.quit(id, first);
    else if (i % 3 === 1) servers.forget(id);
    else await servers.beat(id, second);
    if (i % 3 !== 2) dead.push(id);
  }
  await servers.registerMany(5, [first, second]);
  await using _beating = servers.keepBeating(SHORT_BEAT_MS);
  // Longer than it is remembered who is gone.
  await pause(SHORT_TIMEOUT * 1000 * 2 + 6000);
  await untilAllList([first, second], () => servers.live, 10_000);
  await third.start({ "masters.peer": first.peer });
  const end = performance.now() + WATCHED_MS;
  let agreedAt = Infinity;
  while (performance.now() < end) {
    for (const master of masters) {
      const listed = await master.servers();
      const back = dead.filter((id) => listed.includes(id));
      assert.deepEqual(back, [], `dead, and listed by ${master.name}`);
      if (master === third && listed.join() === servers.live.join()) {
        agreedAt = Math.min(agreedAt, performance.now());
      } else if (master !== third) assert.deepEqual(listed, servers.live);
    }
    await pause(100);
  }
  assert.ok(agreedAt < end, "it lists those that live");
  await untilAllList(masters, () => servers.live, 1000);
}
