import assert from "node:assert/strict";
import { runCommand } from "./_command.ts";
import { flood } from "./_flood.ts";
import { GAME_PORT, GameServers, untilAllList, Watcher } from "./_game_servers.ts";
import { shell } from "./_namespace.ts";
import { endToEnd } from "./_needs.ts";
import { gameAddress, type Master, MasterNetwork, PORTS } from "./_network.ts";
import { heartbeat } from "./_peers.ts";
import { Observer } from "./_observer.ts";
import { tell } from "./_tell.ts";
import { pause, until } from "./_until.ts";
import { type Side, WireTap } from "./_wire_tap.ts";

const REFUSED = "a handshake failed on ring 0";
const NOT_CONNECTED = "no connection with another master";
const LOST = "lost the connection with another master";

/** Milliseconds within which a link that broke is there again. */
const AGAIN_MS = 45_000;

/** Addresses of the tap: each time that a link breaks soon, the same one is tried again later. */
const TAPS = 20;

type Bytes = Uint8Array<ArrayBuffer>;

function flipped(piece: Bytes): Bytes {
  const changed = piece.slice();
  // Behind the length of the first message, so that the other side does not wait for more.
  const place = 2 + Math.floor(Math.random() * (piece.length - 2));
  changed[place] = (changed[place] ?? 0) ^ (1 << Math.floor(Math.random() * 8));
  return changed;
}

/** What somebody between two masters can do without their keys. */
const TAMPERING: readonly ((piece: Bytes) => Bytes[])[] = [
  (piece) => [flipped(piece)],
  // Once more.
  (piece) => [piece, piece],
  // Not at all.
  () => [],
  // With something of one's own.
  (piece) => [Uint8Array.of(0, 20, ...new Uint8Array(20)), piece],
  // With a wrong length.
  (piece) => {
    const changed = piece.slice();
    changed[1] = (changed[1] ?? 0) ^ 1;
    return [changed];
  },
];

/** Two masters, their servers, and how they stand to each other. */
class Pair implements AsyncDisposable {
  readonly #observers: readonly [Observer, Observer];

  private constructor(
    readonly masters: readonly [Master, Master],
    readonly servers: GameServers,
    observers: readonly [Observer, Observer],
  ) {
    this.#observers = observers;
  }

  static async of(near: Master, far: Master, servers: GameServers): Promise<Pair> {
    return new Pair([near, far], servers, [await Observer.open(near), await Observer.open(far)]);
  }

  /** Does what breaks the link, and waits until it is there again, and both agree. */
  async breakLink(breaks: () => void): Promise<void> {
    const before = await this.#since();
    breaks();
    // Both have something to tell, so that there is something to be changed on its way.
    await this.servers.registerMany(2, this.masters);
    // What is lost is missed when the next one comes.
    await this.servers.registerMany(2, this.masters);
    await until("another connection", async () => {
      return (await this.#since()).every((since, i) => since > (before[i] ?? Infinity));
    }, { within: AGAIN_MS, explain: () => this.masters[1].daemon.rawLog().slice(-3000) });
    await this.untilEqual();
  }

  untilEqual(): Promise<number> {
    return untilAllList(this.masters, () => this.servers.live, AGAIN_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const observer of this.#observers) await observer[Symbol.asyncDispose]();
  }

  #since(): Promise<number[]> {
    const [[near, far], [atNear, atFar]] = [this.masters, this.#observers];
    return Promise.all([atNear.connectedSince(far), atFar.connectedSince(near)]);
  }
}

endToEnd(
  "network: who does not know the password, or is between two masters, changes nothing",
  ["links"],
  async () => {
    await using network = await MasterNetwork.create({ size: 4 });
    const [first, second, stranger, far] = network.masters as [Master, Master, Master, Master];
    // The fourth is reached by nobody but through the tap.
    network.partition([first, second, stranger], [far]);
    shell(`${far.namespace.enter} ip route add unreachable ${first.ip}/32`);
    await using tap = new WireTap({ hostname: first.control, port: PORTS.ring0 });
    const tapped = Array.from({ length: TAPS }, (_, i) => `${gameAddress(51_000 + i)}:${tap.port}`);
    await Promise.all([
      first.start(),
      second.start({ "masters.peer": first.peer }),
      stranger.start({ "masters.peer": first.peer, "game.masterserver-password": "hush-6061" }),
      far.start({ "masters.peer": tapped }),
    ]);
    const servers = new GameServers();
    await servers.registerMany(10, [first, far]);
    await untilAllList([first, far], () => servers.live, 15_000);
    const [session] = tap.recordings;
    assert.ok(session);

    await checkStranger(first, stranger);

    await using pair = await Pair.of(first, far, servers);
    const sides: readonly Side[] = ["initiator", "responder"];
    const started = performance.now();
    for (const change of TAMPERING) {
      for (const side of sides) {
        await pair.breakLink(() => tap.once(side, change));
      }
    }
    const seconds = (performance.now() - started) / 1000;
    tell(`${TAMPERING.length * 2} broken links are whole again after ${seconds.toFixed(1)} s`);
    for (const { daemon } of pair.masters) await daemon.logged(LOST);
    await checkHandshakes(tap, pair);
    await checkReplay(tap, session.initiator, session.responder, first, far);
    await pair.untilEqual();
    // Nobody passes on what others have changed, but it is found by comparing.
    await untilAllList([second], () => servers.live, AGAIN_MS);
    for (const { daemon } of network.masters) {
      assert.deepEqual(daemon.log().filter(({ level }) => level === "ERROR"), []);
    }
  },
);

/** A master with another password is told so, and so is the one that it came to. */
async function checkStranger(master: Master, stranger: Master): Promise<void> {
  const there = await master.daemon.logged(REFUSED, { fields: { address: stranger.ip } });
  const here = await stranger.daemon.logged(NOT_CONNECTED, { fields: { address: master.peer } });
  for (const line of [there, here]) {
    assert.equal(line.level, "WARN");
    assert.match(String(line["reason"]), /another masterserver-password/);
  }
  await stranger.ask(heartbeat(GAME_PORT), { from: gameAddress(50_000) });
  await pause(1000);
  assert.ok(!(await master.servers()).includes(`${gameAddress(50_000)}:${GAME_PORT}`));
  assert.ok(!(await master.masters()).includes(stranger.listEntry));
  assert.deepEqual(await stranger.masters(), [stranger.listEntry]);
  const { code, stderr } = await runCommand(stranger.home, [
    "peers",
    `${master.control}:${PORTS.ring0}`,
    ...["--set", "game.masterserver-password=hush-6061"],
  ]);
  assert.notEqual(code, 0);
  assert.match(stderr, /masterserver-password differs/);
}

/** Each of the three messages of a handshake is changed on its way. */
async function checkHandshakes(
  tap: WireTap,
  pair: Pair,
): Promise<void> {
  for (let message = 0; message < 3; message++) {
    const { connections } = tap;
    await pair.breakLink(() => {
      let seen = 0;
      // The connection there is has to go first.
      tap.once("initiator", (piece) => {
        tap.tamper = (next) => {
          // What the other side of that one still says does not count.
          if (tap.connections === connections || seen++ !== message) return [next];
          tap.tamper = undefined;
          return [flipped(next)];
        };
        return [flipped(piece)];
      });
    });
    assert.ok(tap.connections >= connections + 2, "a handshake failed");
  }
}

/** What was once said is said again, to each of the two. */
async function checkReplay(
  tap: WireTap,
  initiator: readonly Bytes[],
  responder: readonly Bytes[],
  master: Master,
  far: Master,
): Promise<void> {
  for (const length of [1, 2, initiator.length]) {
    using connection = await Deno.connect({ hostname: master.control, port: PORTS.ring0 });
    const buffer = new Uint8Array(64 * 1024);
    for (const piece of initiator.slice(0, length)) {
      await connection.write(piece).catch(() => {});
      // Its answers come between them, as they did then.
      if (piece === initiator[0]) await connection.read(buffer);
    }
    if (length === 1) continue;
    const end = await connection.read(buffer).catch(() => null);
    assert.equal(end, null, "the end, and nothing that somebody has to decrypt");
  }
  await master.daemon.logged(REFUSED, { fields: { address: master.testIp } });
  tap.impostor = responder;
  const { connections } = tap;
  tap.once("responder", (piece) => [flipped(piece)]);
  await until("attempts at the impostor", () => tap.connections >= connections + 2, {
    within: AGAIN_MS,
  });
  await until("what the far one says of the impostor", () => {
    return far.daemon.lines(NOT_CONNECTED).some(({ address, reason }) =>
      String(address).endsWith(`:${tap.port}`) && /another masterserver-password/.test(`${reason}`)
    );
  }, { within: 10_000 });
  tap.impostor = undefined;
}

/** Connections of strangers. */
const STRANGERS = 1500;

/** Milliseconds within which a change is everywhere, flood or no flood. */
const EVERYWHERE_MS = 1000;

endToEnd(
  "network: strangers by the hundred do not come between its members",
  ["links"],
  async () => {
    await using network = await MasterNetwork.create({ size: 2 });
    const [first, second] = network.masters as [Master, Master];
    await network.startChain();
    await until("the link", async () => (await first.masters()).length === 2, { within: 10_000 });
    await using watcher = await Watcher.open(second);
    const flooding = flood({
      host: first.control,
      port: PORTS.ring0,
      count: STRANGERS,
      perSecond: 300,
    });
    let isOver = false;
    const taken = flooding.finally(() => isOver = true);
    const delays: number[] = [];
    while (!isOver) {
      const name = `name${delays.length}`;
      const message = heartbeat(GAME_PORT, "netpanzer", `\\hostname\\${name}`);
      assert.equal(
        await first.ask(message, { from: gameAddress(30_000 + delays.length) }),
        "\\final\\",
      );
      delays.push(await watcher.delay(name, true, performance.now(), EVERYWHERE_MS));
      await pause(100);
    }
    const most = Math.max(...delays).toFixed(0);
    tell(
      `${await taken} strangers: ${delays.length} changes meanwhile, each everywhere within ${most} ms`,
    );
    assert.ok(await taken > STRANGERS / 2, "they do reach it");
    for (const { daemon } of network.masters) {
      assert.deepEqual(daemon.lines(LOST), []);
      assert.deepEqual(daemon.log().filter(({ level }) => level === "ERROR"), []);
    }
    // Who comes back while they are at it, too, is let in.
    await using _more = disposable(flood({
      host: first.control,
      port: PORTS.ring0,
      count: STRANGERS / 3,
      perSecond: 300,
    }));
    await second.kill();
    await second.start({ "masters.peer": first.peer });
    await until("both again", async () => (await second.masters()).length === 2, {
      within: 15_000,
    });
    await until("all servers", async () => (await second.servers()).length === delays.length);
  },
);

/** Is waited for at the end. */
function disposable(promise: Promise<unknown>): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await promise;
    },
  };
}
