/** A network that is cut in two for minutes, and what becomes of everything that happens meanwhile. */

import assert from "node:assert/strict";
import { BrowserClient, ClientError } from "../../clients/mod.ts";
import type { KeyPair } from "../../crypto/mod.ts";
import { GameServers, untilAllList } from "./_game_servers.ts";
import { NamedServer } from "./_named_server.ts";
import { type Master, MasterNetwork, PORTS, slowDown } from "./_network.ts";
import { CRYPTO } from "./_secure_peers.ts";
import { tell } from "./_tell.ts";
import { pause, until } from "./_until.ts";

/** What a partition is like. */
export interface PartitionOptions {
  readonly name: string;
  /** Seconds of silence after which a server is dead. */
  readonly aliveTimeout: number;
  /** Milliseconds between heartbeats. */
  readonly beatMs: number;
  /** Milliseconds for which the network is cut. */
  readonly cutMs: number;
  /** Milliseconds within which all masters agree once it is whole again. */
  readonly healMs: number;
}

/** Game servers that each master has before the cut. */
const SERVERS_PER_MASTER = 20;

/** Milliseconds between two rounds of changes during the cut. */
const ROUND_MS = 5000;

/** Milliseconds that all masters have to go on agreeing. */
const STEADY_MS = 10_000;

/** Milliseconds that a master which has not heard of a server waits longer than those who have. */
const GRACE_MS = 10_000;

/** Milliseconds for changes to arrive in a network that is whole. */
const ARRIVAL_MS = 10_000;

async function login(master: Master, user: string, keyPair: KeyPair): Promise<string> {
  await using browser = new BrowserClient({
    crypto: CRYPTO,
    keyPair,
    masters: [{ host: master.control, port: PORTS.ring2 }],
  });
  try {
    return (await browser.login(user)).type;
  } catch (error) {
    if (error instanceof ClientError && error.code !== undefined) return error.code;
    throw error;
  }
}

/** What both sides give away while they do not know of each other. */
class DoubleClaims implements AsyncDisposable {
  readonly #keys = [CRYPTO.keyPair(), CRYPTO.keyPair()] as const;
  #servers: NamedServer[] = [];

  constructor(readonly left: Master, readonly right: Master) {}

  /** Ids of the servers that should be listed in the end. */
  get winners(): string[] {
    return this.#servers.filter((_, i) => i !== 1).map(({ id }) => id);
  }

  async make(name: string): Promise<void> {
    const { left, right } = this;
    this.#servers.push(await NamedServer.register(left, `${name} of both`, this.#keys[0]));
    assert.equal(await login(left, `${name} user`, this.#keys[0]), "welcome");
    await pause(50);
    this.#servers.push(await NamedServer.register(right, `${name} of both`, this.#keys[1]));
    assert.equal(await login(right, `${name} user`, this.#keys[1]), "welcome");
    this.#servers.push(await NamedServer.register(right, `${name} of the right`));
  }

  /** Checks who has what in the end. */
  async check(name: string): Promise<void> {
    const loser = this.#servers[1];
    loser?.report();
    await until("the later owner of a name is told", () => loser?.refusals.includes("name_taken"), {
      within: 30_000,
      explain: () => `it was told ${loser?.refusals}`,
    });
    for (const master of [this.left, this.right]) {
      assert.equal(await login(master, `${name} user`, this.#keys[0]), "welcome", master.name);
      assert.equal(await login(master, `${name} user`, this.#keys[1]), "name_taken", master.name);
      await assert.rejects(
        NamedServer.register(master, `${name} of the right`),
        (error) => error instanceof ClientError && error.code === "name_taken",
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) await server[Symbol.asyncDispose]();
  }
}

/** Servers come, go and move on both sides, as long as the network is cut. */
async function liveOn(
  servers: GameServers,
  [left, right]: readonly [readonly Master[], readonly Master[]],
  ms: number,
): Promise<void> {
  const end = performance.now() + ms;
  for (let round = 0; performance.now() + ROUND_MS < end; round++) {
    const next = performance.now() + ROUND_MS;
    for (const [here, there] of [[left, right], [right, left]] as const) {
      const at = here[round % here.length] as Master;
      const [fresh] = await servers.registerMany(2, here);
      // One leaves where it was heard of, one where it was only told of, and one comes back.
      const [own, moving] = servers.olderAt(there, 2);
      const known = new Set(await at.servers());
      const foreign = servers.at(there).find((id) => id !== own && id !== moving && known.has(id));
      if (own) await servers.quit(own);
      if (foreign) await servers.quit(foreign, at);
      if (moving) await servers.beat(moving, at);
      if (fresh && round % 4 === 0) {
        await servers.quit(fresh);
        await servers.beat(fresh, at);
      }
    }
    await pause(Math.max(0, next - performance.now()));
  }
  await pause(Math.max(0, end - performance.now()));
}

/** Each side lists its own, and of the other's what it has to. */
async function checkSides(
  servers: GameServers,
  sides: readonly [readonly Master[], readonly Master[]],
  before: ReadonlySet<string>,
  isForgotten: boolean,
): Promise<void> {
  const [left, right] = sides;
  for (const [here, there] of [[left, right], [right, left]] as const) {
    // Those that have moved were heard of on both sides.
    const foreign = servers.at(there).filter((id) => !servers.hasMoved(id));
    for (const master of here) {
      const listed = new Set(await master.servers());
      const own = servers.at(here);
      for (const id of own) assert.ok(listed.has(id), `${master.name} lists ${id}, which it hears`);
      for (const id of foreign) {
        if (isForgotten) assert.ok(!listed.has(id), `${master.name} gave up ${id}`);
        else if (before.has(id)) assert.ok(listed.has(id), `${master.name} goes on listing ${id}`);
      }
    }
  }
}

/** Cuts a network of five between the second and the third, and heals it. */
export async function partition(options: PartitionOptions): Promise<void> {
  const { name, aliveTimeout, beatMs, cutMs, healMs } = options;
  await using network = await MasterNetwork.create({
    size: 5,
    set: { "game.server-alive-timeout": aliveTimeout },
  });
  const { masters } = network;
  const [left, right] = [masters.slice(0, 2), masters.slice(2)] as const;
  await network.startChain();
  const slow = slowDown(network.at(5));
  const servers = new GameServers();
  await servers.registerMany(SERVERS_PER_MASTER * masters.length, masters);
  await using claims = new DoubleClaims(network.at(2), network.at(4));
  await untilAllList(masters, () => servers.live, 20_000);
  {
    await using _beating = servers.keepBeating(beatMs);
    const before = new Set(servers.live);
    const [silent] = servers.olderAt(left, 1);
    if (silent) servers.forget(silent);
    network.partition(left, right);
    await claims.make(name);
    await liveOn(servers, [left, right], cutMs);
    const isForgotten = cutMs > aliveTimeout * 1000 + GRACE_MS;
    await checkSides(servers, [left, right], before, isForgotten);

    network.heal();
    const expected = (): string[] => {
      const late = !isForgotten && silent !== undefined ? [silent] : [];
      return [...servers.live, ...claims.winners, ...late].sort();
    };
    const took = await untilAllList(masters, expected, healMs);
    tell(
      `${name}: cut for ${cutMs / 1000} s, all agree ${Math.round(took)} ms after it` +
        ` (the cable of m5: ${slow ?? "as fast as the others, it cannot be made slow here"})`,
    );
    await claims.check(name);
    const end = performance.now() + STEADY_MS;
    while (performance.now() < end) {
      for (const master of masters) assert.deepEqual(await master.servers(), expected());
      await pause(100);
    }
    const [fresh] = await servers.registerMany(1, [network.at(1)]);
    assert.ok(fresh);
    await untilAllList(masters, expected, ARRIVAL_MS);
  }
  for (const { daemon } of masters) {
    assert.deepEqual(daemon.log().filter(({ level }) => level === "ERROR"), []);
  }
}
