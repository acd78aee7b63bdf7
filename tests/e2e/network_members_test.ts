import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { writeDatabase } from "../../bench/_population.ts";
import { BrowserClient } from "../../clients/mod.ts";
import { runCommand } from "./_command.ts";
import { Game } from "./_game.ts";
import { GAME_PORT, Watcher } from "./_game_servers.ts";
import { endToEnd } from "./_needs.ts";
import { gameAddress, type Master, MasterNetwork, PASSWORD, PORTS } from "./_network.ts";
import { heartbeat, MASTERS } from "./_peers.ts";
import { CRYPTO } from "./_secure_peers.ts";
import { tell } from "./_tell.ts";
import { pause, until } from "./_until.ts";

/** Milliseconds within which a change is at all masters. */
const EVERYWHERE_MS = 1000;

/** Milliseconds within which masters have found each other. */
const FOUND_MS = 15_000;

const REGISTRATIONS = 50;

/** Servers of a network that an empty master joins. */
const MANY_SERVERS = 20_000;

/** Milliseconds from its first connection until it lists them; a busy machine takes longer. */
const JOINED_MS = 15_000;

/** What the log says of a new connection. */
const CONNECTED = "connected with another master";

/** Waits until all masters list all of them. */
async function untilTheyKnowEachOther(masters: readonly Master[]): Promise<void> {
  const expected = masters.map(({ listEntry }) => listEntry).sort();
  await Promise.all(masters.map(async (master) => {
    let seen: string[] = [];
    await until(`${master.name} lists all masters`, async () => {
      seen = await master.masters();
      return isDeepStrictEqual(seen, expected);
    }, { within: FOUND_MS, explain: () => `${seen}\n${master.daemon.rawLog()}` });
  }));
}

/** How a master stands to the others: name and state of each, by the command. */
async function peersOf(master: Master): Promise<string[]> {
  const { code, stdout, stderr } = await runCommand(master.home, [
    "peers",
    `${master.control}:${PORTS.ring0}`,
    ...["--set", `game.masterserver-password=${PASSWORD}`],
    "--json",
  ]);
  assert.equal(code, 0, stderr);
  const { peers } = JSON.parse(stdout) as {
    peers: { name: string; host: string; state: string }[];
  };
  return peers.map(({ name, host, state }) => `${name} ${host} ${state}`).sort();
}

async function mastersByRing2(master: Master): Promise<string[]> {
  await using browser = new BrowserClient({
    crypto: CRYPTO,
    keyPair: CRYPTO.keyPair(),
    masters: [{ host: master.control, port: PORTS.ring2 }],
  });
  return (await browser.masters()).map(({ name, host, ports }) =>
    `${name} ${host} ${ports["ring2"]}`
  ).sort();
}

/** Milliseconds from changes at one master after the other until each of the others lists them. */
async function delaysOf(
  masters: readonly Master[],
  isListed: boolean,
  message: (number: number) => string,
): Promise<number[]> {
  await using stack = new AsyncDisposableStack();
  const watchers = await Promise.all(masters.map((master) => Watcher.open(master)));
  for (const watcher of watchers) stack.use(watcher);
  const delays: number[] = [];
  for (let number = 0; number < REGISTRATIONS; number++) {
    const at = masters[number % masters.length] as Master;
    const answer = await at.ask(message(number), { from: gameAddress(60_000 + number) });
    const since = performance.now();
    assert.equal(answer, "\\final\\");
    delays.push(
      ...await Promise.all(
        watchers.filter(({ master }) => master !== at)
          .map((watcher) => watcher.delay(`name${number}`, isListed, since, EVERYWHERE_MS)),
      ),
    );
    // Nobody registers in step with what masters do every so many milliseconds.
    await pause(Math.random() * 40);
  }
  return delays.sort((a, b) => a - b);
}

function tellDelays(what: string, delays: readonly number[]): void {
  const middle = delays[Math.floor(delays.length / 2)] ?? NaN;
  const most = delays.at(-1) ?? NaN;
  tell(`${what} known everywhere: p50 ${middle.toFixed(0)} ms, max ${most.toFixed(0)} ms`);
  assert.ok(most < EVERYWHERE_MS);
}

/** `ip:port` of each master that a neighbour file holds. */
function neighborsIn(text: string): string[] {
  const values = new Map(
    [...text.matchAll(/^\s*((?:ip|port)[0-9]+)\s*=\s*"?([^;"\s]+)"?;?\s*$/gm)]
      .map(([, key, value]) => [key, value]),
  );
  const places: string[] = [];
  for (let i = 0; values.has(`ip${i}`); i++) {
    places.push(`${values.get(`ip${i}`)}:${values.get(`port${i}`)}`);
  }
  return places.sort();
}

endToEnd(
  "network: five masters that know one each find all, and tell all of each change at once",
  ["links"],
  async () => {
    await using network = await MasterNetwork.create({ size: 5 });
    const { masters } = network;
    const started = performance.now();
    await network.startChain();
    await untilTheyKnowEachOther(masters);
    tell(`five masters in a chain: ${Math.round(performance.now() - started)} ms to a mesh`);
    for (const master of masters) {
      const others = masters.filter((other) => other !== master);
      assert.deepEqual(
        await peersOf(master),
        others.map(({ name, ip }) => `${name} ${ip} connected`),
      );
      assert.deepEqual(
        await mastersByRing2(master),
        masters.map(({ name, ip }) => `${name} ${ip} ${PORTS.ring2}`),
      );
      assert.deepEqual(
        (await master.listedAtRing2Bis(MASTERS)).sort(),
        masters.map(({ listEntry }) => listEntry).sort(),
      );
    }

    const register = (number: number) =>
      heartbeat(GAME_PORT, "netpanzer", `\\hostname\\name${number}`);
    tellDelays("registrations", await delaysOf(masters, true, register));
    const expected = Array.from(
      { length: REGISTRATIONS },
      (_, number) => `${gameAddress(60_000 + number)}:${GAME_PORT}`,
    ).sort();
    for (const master of masters) assert.deepEqual(await master.servers(), expected);
    // The next master is another one than that at which the server has registered.
    const [first, ...rest] = masters;
    const quit = () => `\\quit\\port\\${GAME_PORT}\\final\\`;
    tellDelays("quits", await delaysOf([...rest, first as Master], false, quit));
    for (const master of masters) assert.deepEqual(await master.servers(), []);

    const third = network.at(3);
    const file = Deno.readTextFileSync(`${third.home}/neighbors`);
    const others = masters.filter((other) => other !== third);
    assert.deepEqual(neighborsIn(file), others.map(({ peer }) => peer).sort(), file);
    await third.stop();
    await network.at(1).ask(register(0), { from: gameAddress(60_000) });
    // Without a word about anybody.
    await third.start({});
    await untilTheyKnowEachOther(masters);
    await until("what it has missed", async () => (await third.servers()).length === 1);
    assert.deepEqual(
      await peersOf(third),
      others.map(({ name, ip }) => `${name} ${ip} connected`),
    );
    for (const { daemon } of masters) {
      assert.deepEqual(daemon.log().filter(({ level }) => level === "ERROR"), []);
    }
  },
);

endToEnd(
  "network: a new empty master has all servers within seconds, and lists a real one of another's",
  ["links", "netpanzer"],
  async () => {
    await using network = await MasterNetwork.create({
      size: 3,
      set: { "game.verify-servers": "yes" },
    });
    const { masters } = network;
    const [full, second, empty] = masters as [Master, Master, Master];
    Deno.mkdirSync(`${full.home}/.netpanzer`, { recursive: true });
    await writeDatabase(`${full.home}/.netpanzer/masterserver.db`, MANY_SERVERS);
    await full.start();
    await second.start({ "masters.peer": full.peer });
    for (const master of [second, empty]) {
      if (!master.runs) await master.start({ "masters.peer": second.peer });
      const line = await master.daemon.logged(CONNECTED);
      const counted = await until("all servers", async () => {
        const { length } = await master.servers();
        return length === MANY_SERVERS && Date.now();
      }, { within: 60_000, explain: () => master.daemon.rawLog() });
      const took = counted - Date.parse(line["@timestamp"]);
      tell(`an empty master with ${MANY_SERVERS} servers: ${took} ms from the connection to all`);
      assert.ok(took < JOINED_MS, `${took} ms`);
    }
    assert.deepEqual(await empty.servers(), await full.servers());
    await using _game = new Game(full.home, GAME_PORT + 1, full.control);
    const id = `${full.testIp}:${GAME_PORT + 1}`;
    await full.daemon.logged("server listed", { fields: { server: id }, within: 20_000 });
    const listed = performance.now();
    await until("a server that another master has verified", async () => {
      return (await empty.servers()).includes(id);
    });
    assert.ok(performance.now() - listed < EVERYWHERE_MS);
  },
);
