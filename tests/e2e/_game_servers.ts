import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { gameAddress, type Master, PORTS } from "./_network.ts";
import { heartbeat, TextConnection } from "./_peers.ts";
import { pause, until } from "./_until.ts";

/** Port of every game server: each has an address of its own. */
export const GAME_PORT = 3030;

const FINAL = "\\final\\";

let lastNumber = 0;

/** Old-style game servers, and what all masters should come to list. */
export class GameServers {
  readonly #homes = new Map<string, Master>();
  readonly #moved = new Set<string>();
  /** What each of them says comes after what it said before. */
  readonly #turns = new Map<string, Promise<void>>();

  /** Those that live, sorted. */
  get live(): string[] {
    return [...this.#homes.keys()].sort();
  }

  /** Those that say that they live at one of these masters. */
  at(masters: readonly Master[]): string[] {
    return [...this.#homes].flatMap(([id, home]) => masters.includes(home) ? [id] : []);
  }

  /** Some of those, the oldest first. */
  olderAt(masters: readonly Master[], count: number): string[] {
    return this.at(masters).slice(0, count);
  }

  /** Whether one has been at several masters. */
  hasMoved(id: string): boolean {
    return this.#moved.has(id);
  }

  /** A new one registers; its `ip:port`. */
  async register(master: Master): Promise<string> {
    const id = `${gameAddress(++lastNumber)}:${GAME_PORT}`;
    await this.beat(id, master);
    return id;
  }

  /** Several new ones register, some at a time. */
  async registerMany(count: number, masters: readonly Master[]): Promise<string[]> {
    const ids: string[] = [];
    while (ids.length < count) {
      const next = masters.slice(0, count - ids.length);
      ids.push(...await Promise.all(next.map((master) => this.register(master))));
    }
    return ids;
  }

  /** One says that it lives, at a master or where it did last. */
  beat(id: string, master?: Master): Promise<void> {
    return this.#inTurn(id, async () => {
      const at = master ?? this.#homes.get(id);
      // It has left since.
      if (!at) return;
      const answer = await at.ask(heartbeat(GAME_PORT), { from: ipOf(id) });
      assert.equal(answer, FINAL, `the heartbeat of ${id} at ${at.name}`);
      const before = this.#homes.get(id);
      if (before && before !== at) this.#moved.add(id);
      this.#homes.set(id, at);
    });
  }

  /** All say that they live, each where it did last. */
  async beatAll(): Promise<void> {
    for (const id of this.live) await this.beat(id);
  }

  /** One leaves, at a master or where it was last. */
  quit(id: string, master?: Master): Promise<void> {
    return this.#inTurn(id, async () => {
      const at = master ?? this.#homes.get(id);
      if (!at) throw new Error(`${id} is registered nowhere`);
      const answer = await at.ask(`\\quit\\port\\${GAME_PORT}\\final\\`, { from: ipOf(id) });
      assert.equal(answer, FINAL, `the end of ${id} at ${at.name}`);
      this.#homes.delete(id);
    });
  }

  /** One is silent from now on. */
  forget(id: string): void {
    this.#homes.delete(id);
  }

  /** Heartbeats of all, again and again, until it is disposed of. */
  keepBeating(everyMs: number): AsyncDisposable {
    let isOver = false;
    const beating = (async () => {
      while (!isOver) {
        const next = performance.now() + everyMs;
        await this.beatAll();
        while (!isOver && performance.now() < next) await pause(50);
      }
    })();
    return {
      async [Symbol.asyncDispose]() {
        isOver = true;
        await beating;
      },
    };
  }

  #inTurn(id: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(id) ?? Promise.resolve()).then(work);
    // Whoever waits for it learns of a failure; the next one is not stopped by it.
    this.#turns.set(id, turn.catch(() => {}));
    return turn;
  }
}

function ipOf(id: string): string {
  return id.slice(0, id.lastIndexOf(":"));
}

/** What is in one list and not in the other, for messages. */
function difference(seen: readonly string[], expected: readonly string[]): string {
  const [has, wanted] = [new Set(seen), new Set(expected)];
  const missing = expected.filter((id) => !has.has(id));
  const extra = seen.filter((id) => !wanted.has(id));
  return `${missing.length} missing: ${missing.slice(0, 20)}; ${extra.length} too many: ${
    extra.slice(0, 20)
  }`;
}

/** Waits until all masters list the same game servers; the milliseconds that took. */
export async function untilAllList(
  masters: readonly Master[],
  expected: () => readonly string[],
  within: number,
): Promise<number> {
  const start = performance.now();
  await Promise.all(masters.map(async (master) => {
    let seen: string[] = [];
    await until(`${master.name} lists what is expected`, async () => {
      seen = await master.servers();
      return isDeepStrictEqual(seen, expected());
    }, {
      within: within - (performance.now() - start),
      explain: () => `${difference(seen, expected())}\n${master.daemon.rawLog().slice(-3000)}`,
    });
  }));
  return performance.now() - start;
}

/** Asks one master again and again whether it lists a game server, over one connection. */
export class Watcher implements AsyncDisposable {
  readonly #connection: TextConnection;

  private constructor(readonly master: Master, connection: TextConnection) {
    this.#connection = connection;
  }

  static async open(master: Master): Promise<Watcher> {
    const connection = await TextConnection.open(PORTS.ring2bis, { to: master.control });
    return new Watcher(master, connection);
  }

  /** Waits until one is listed, or is not any more; the milliseconds since a time. */
  async delay(name: string, isListed: boolean, since: number, within: number): Promise<number> {
    await until(`${name} ${isListed ? "listed" : "gone"} at ${this.master.name}`, async () => {
      this.#connection.send(`\\list\\gamename\\netpanzer\\hostname\\${name}\\final\\`);
      return (await this.#connection.answer() !== FINAL) === isListed;
    }, { within });
    return performance.now() - since;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }
}
