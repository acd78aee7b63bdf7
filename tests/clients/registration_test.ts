import assert from "node:assert/strict";
import {
  ClientError,
  type ClientState,
  type MasterAddress,
  RegistrationClient,
  type RegistrationOptions,
  RING_1,
} from "../../clients/mod.ts";
import { encodeKey } from "../../crypto/mod.ts";
import type { ErrorCode, MasterEntry, Registered, ServerReport } from "../../protocol/mod.ts";
import { sleep, until } from "../_helpers.ts";
import { FakeMaster, type FakePeer, gcrypt, type Received, type Script } from "./_fake_master.ts";
import { FakeTiming } from "./_fake_timing.ts";

const keyPair = gcrypt.keyPair();

const description = {
  gamename: "netpanzer",
  name: "Bob's tanks",
  port: 3030,
  protocol: 1122,
  admin: "bob@example.org",
  settings: { gamestyle: "Objective" },
};

function status(players: number): ServerReport {
  return { map: "Two clans", players, max_players: 8, roster: [] };
}

function registered(more: Partial<Registered> = {}): Registered {
  return { type: "registered", number: 17, interval: 60, listed: true, masters: [], ...more };
}

function ring1(script: Script, port = 0): FakeMaster {
  return new FakeMaster(script, { prologue: RING_1.prologue, port });
}

/** Registers whoever comes, answers `bye`, and keeps what came. */
function goodMaster(came: Received[] = [], answer: Registered = registered()): Script {
  return async (peer) => {
    for (let message; (message = await peer.receive());) {
      came.push(message);
      if (message.type === "register") await peer.send(answer);
      if (message.type === "bye") await peer.send({ type: "bye" });
    }
  };
}

/** A client, and all that it told. */
class Told {
  readonly timing = new FakeTiming();
  readonly registered: Registered[] = [];
  readonly listed: boolean[] = [];
  readonly refused: ClientError[] = [];
  readonly states: ClientState[] = [];
  readonly client: RegistrationClient;

  constructor(masters: readonly MasterAddress[], more: Partial<RegistrationOptions> = {}) {
    this.client = new RegistrationClient({
      crypto: gcrypt,
      keyPair,
      masters,
      server: description,
      onRegistered: (answer) => this.registered.push(answer),
      onListed: ({ listed }) => this.listed.push(listed),
      onRefused: (error) => this.refused.push(error),
      onState: (state) => this.states.push(state),
      timing: this.timing,
      ...more,
    });
  }

  /** States as `type port`, with the seconds to wait. */
  get story(): string[] {
    return this.states.map((state) => {
      if (state.type === "closed") return "closed";
      const wait = state.type === "waiting" ? ` ${state.seconds}` : "";
      return `${state.type} ${state.master?.port}${wait}`;
    });
  }

  get waits(): number[] {
    return this.states.flatMap((state) => state.type === "waiting" ? state.seconds : []);
  }

  async start(registrations = 1): Promise<void> {
    this.client.start();
    await until("registered", () => this.registered.length >= registrations);
  }
}

Deno.test("RegistrationClient: registers, hears that it is listed, says bye", async () => {
  const came: Received[] = [];
  let key = "";
  await using master = ring1(async (peer) => {
    key = encodeKey(peer.clientKey);
    came.push(await peer.expect("register"));
    await peer.send(registered({ listed: false, reason: "not challenged yet" }));
    await peer.send({ type: "listed", listed: true });
    came.push(await peer.expect("bye"));
    await peer.send({ type: "bye" });
    await peer.waitForClose();
  });
  const told = new Told([master.address]);
  await told.start();
  await until("listed", () => told.listed.length > 0);
  await told.client.stop();
  assert.deepEqual(came, [{ ...description, type: "register" }, { type: "bye" }]);
  assert.equal(key, encodeKey(keyPair.publicKey));
  assert.equal(told.registered[0]?.reason, "not challenged yet");
  assert.deepEqual(told.listed, [true]);
  const { port } = master;
  assert.deepEqual(told.story, [`connecting ${port}`, `connected ${port}`, "closed"]);
  assert.deepEqual(told.timing.waiting, []);
});

Deno.test("RegistrationClient: stopping again or before a start does nothing, starting does", async () => {
  const told = new Told([{ host: "127.0.0.1", port: 1 }]);
  const stopped = told.client.stop();
  assert.equal(told.client.stop(), stopped);
  await stopped;
  assert.throws(() => told.client.start(), /make a new one/);
  assert.deepEqual(told.story, []);
});

Deno.test("RegistrationClient: starting twice registers once", async () => {
  await using master = ring1(goodMaster());
  const told = new Told([master.address]);
  told.client.start();
  await told.start();
  await told.client.stop();
  assert.equal(master.accepted, 1);
});

Deno.test("RegistrationClient: a master that does not answer bye is left after 2 s", async () => {
  await using master = ring1(async (peer) => {
    await peer.expect("register");
    await peer.send(registered());
    await peer.waitForClose();
  });
  const told = new Told([master.address]);
  await told.start();
  let stopped = false;
  const stopping = told.client.stop().then(() => stopped = true);
  await told.timing.advance(1999);
  assert.equal(stopped, false);
  await told.timing.advance(1);
  await stopping;
  assert.equal(told.story.at(-1), "closed");
});

Deno.test("RegistrationClient: a stop before the registration's answer says bye too", async () => {
  const came: string[] = [];
  await using master = ring1(async (peer) => {
    came.push((await peer.expect("register")).type);
    came.push((await peer.expect("bye")).type);
    await peer.send({ type: "bye" });
    await peer.waitForClose();
  });
  const told = new Told([master.address]);
  told.client.start();
  await until("asked", () => came.length === 1);
  await told.client.stop();
  assert.deepEqual(came, ["register", "bye"]);
  assert.deepEqual(told.registered, []);
});

Deno.test("RegistrationClient: sends what is being played with the registration, then regularly", async () => {
  const came: Received[] = [];
  await using master = ring1(goodMaster(came, registered({ interval: 30 })));
  const told = new Told([master.address]);
  told.client.report(status(1));
  await told.start();
  assert.deepEqual(came, [{ ...description, type: "register", status: status(1) }]);
  await told.timing.advance(29_999);
  assert.equal(came.length, 1);
  await told.timing.advance(1);
  await until("the first report", () => came.length === 2);
  assert.deepEqual(came[1], { type: "status", ...status(1) });
  await told.timing.advance(30_000);
  await until("the second report", () => came.length === 3);
  await told.client.stop();
});

Deno.test("RegistrationClient: news are sent at once, though at most every 2 s", async () => {
  const came: Received[] = [];
  await using master = ring1(goodMaster(came));
  const told = new Told([master.address]);
  await told.start();
  await told.timing.advance(10_000);
  const players = () => came.flatMap((message) => message.type === "status" ? message.players : []);
  told.client.report(status(1));
  await until("news", () => players().length === 1);
  for (const count of [2, 3, 4]) {
    told.client.report(status(count));
    await told.timing.advance(600);
  }
  assert.deepEqual(players(), [1]);
  await told.timing.advance(200);
  await until("more news", () => players().length === 2);
  told.client.report(status(4));
  await told.timing.advance(59_000);
  assert.deepEqual(players(), [1, 4], "the same again is no news");
  await told.timing.advance(1000);
  await until("regularly", () => players().length === 3);
  await told.client.stop();
  assert.deepEqual(players(), [1, 4, 4]);
});

Deno.test("RegistrationClient: news while the registration is under way are sent after it", async () => {
  const came: Received[] = [];
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  await using master = ring1(async (peer) => {
    await peer.expect("register");
    asked.resolve();
    await answer.promise;
    await peer.send(registered());
    for (let message; (message = await peer.receive());) came.push(message);
  });
  const told = new Told([master.address]);
  told.client.report(status(1));
  told.client.start();
  await asked.promise;
  told.client.report(status(2));
  answer.resolve();
  await told.timing.advance(2000);
  await until("news", () => came.length === 1);
  assert.equal(came[0]?.players, 2);
  const stopping = told.client.stop();
  await told.timing.advance(2000);
  await stopping;
});

Deno.test("RegistrationClient: without a report it pings, so that the master hears of it", async () => {
  let peer: FakePeer | undefined;
  await using master = ring1(async (it) => {
    peer = it;
    await goodMaster([], registered({ interval: 10 }))(it);
  });
  const told = new Told([master.address]);
  await told.start();
  await told.timing.advance(10_000);
  await until("a ping", () => peer?.pings === 1);
  await told.timing.advance(10_000);
  await until("another ping", () => peer?.pings === 2);
  await told.client.stop();
});

Deno.test("RegistrationClient: intervals below 1 s and above 600 s are brought into bounds", async () => {
  for (const [interval, ms] of [[1, 1000], [86_400, 600_000]] as const) {
    const came: Received[] = [];
    await using master = ring1(goodMaster(came, registered({ interval })));
    const told = new Told([master.address]);
    told.client.report(status(1));
    await told.start();
    await told.timing.advance(ms - 1);
    assert.equal(came.length, 1);
    await told.timing.advance(1);
    await until("a report", () => came.length === 2);
    await told.client.stop();
  }
});

Deno.test("RegistrationClient: fails over to the next master, and registers again after a loss", async () => {
  const [first, second]: [Received[], Received[]] = [[], []];
  const a = ring1(goodMaster(first));
  await using b = ring1(goodMaster(second));
  const told = new Told([a.address, b.address]);
  told.client.report(status(3));
  await told.start();
  const ports = [a.port, b.port];
  await a[Symbol.asyncDispose]();
  await until("registered elsewhere", () => told.registered.length === 2);
  assert.deepEqual(second, [{ ...description, type: "register", status: status(3) }]);
  assert.equal(told.waits[0], 0, "at once");
  await told.client.stop();
  assert.deepEqual(told.story, [
    `connecting ${ports[0]}`,
    `connected ${ports[0]}`,
    `waiting ${ports[0]} 0`,
    `connecting ${ports[1]}`,
    `connected ${ports[1]}`,
    "closed",
  ]);
});

Deno.test("RegistrationClient: tries all masters at once, then backs off with jitter", async () => {
  const gone = [1, 2].map(() => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    listener.close();
    return { host: "127.0.0.1", port: listener.addr.port };
  });
  const told = new Told(gone);
  told.client.start();
  for (let tries = 2; tries <= 10; tries++) {
    await until("another try", () => told.waits.length === tries);
    await told.timing.advance((told.waits.at(-1) ?? 0) * 1000);
  }
  assert.deepEqual(told.waits.slice(0, 10), [0, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]);
  await told.client.stop();
  assert.equal(told.story.at(-1), "closed");
});

Deno.test("RegistrationClient: a master that registers and closes is no tight loop", async () => {
  await using master = ring1(async (peer) => {
    await peer.expect("register");
    await peer.send(registered());
  });
  const told = new Told([master.address]);
  told.client.start();
  for (let tries = 1; tries <= 4; tries++) {
    await until("lost", () => told.waits.length === tries);
    await sleep(20);
    assert.equal(master.accepted, tries);
    await told.timing.advance((told.waits.at(-1) ?? 0) * 1000);
  }
  assert.deepEqual(told.waits.slice(0, 4), [0.5, 1, 2, 4]);
  await told.client.stop();
});

Deno.test("RegistrationClient: a connection that had lasted is opened again at once", async () => {
  await using master = ring1(goodMaster());
  const told = new Told([master.address]);
  await told.start();
  await told.timing.advance(30_000);
  master.cut();
  await until("registered again", () => told.registered.length === 2);
  assert.deepEqual(told.waits, [0]);
  await told.client.stop();
});

Deno.test("RegistrationClient: honours retry_after, and turns to another master meanwhile", async () => {
  const busy: Script = async (peer) => {
    await peer.expect("register");
    await peer.send({ type: "error", code: "busy", message: "later", retry_after: 100 });
  };
  await using a = ring1(busy);
  await using b = ring1(busy);
  const told = new Told([a.address, b.address]);
  told.client.start();
  await until("both refused", () => told.waits.length === 2);
  assert.deepEqual(told.waits, [0, 105]);
  await told.timing.advance(104_999);
  assert.deepEqual([a.accepted, b.accepted], [1, 1]);
  a.script = goodMaster();
  await told.timing.advance(1);
  await until("registered", () => told.registered.length === 1);
  await told.client.stop();
  assert.deepEqual(told.refused, [], "what goes away by itself is no refusal");
});

Deno.test("RegistrationClient: a lasting refusal is told and tried again only slowly", async () => {
  const cases = [["name_taken", 240, 330], ["bad_request", 240, 330], ["unauthorized", 48, 66]];
  for (const [code, least, most] of cases as [ErrorCode, number, number][]) {
    const refuse: Script = async (peer) => {
      await peer.expect("register");
      await peer.send({ type: "error", code, message: "Not\u0007 this name" });
    };
    await using a = ring1(refuse);
    await using b = ring1(refuse);
    const told = new Told([a.address, b.address]);
    told.client.start();
    await until("refused", () => told.waits.length === 1);
    assert.deepEqual(told.refused.map((error) => error.code), [code]);
    assert.match(told.refused[0]?.message ?? "", /^[\P{C}]*Not[\P{C}]* this name/u);
    const [wait = 0] = told.waits;
    assert.ok(wait >= least && wait <= most, `${wait} s`);
    await told.timing.advance(wait * 1000 - 1);
    assert.deepEqual([a.accepted, b.accepted], [1, 0]);
    b.script = goodMaster();
    await told.timing.advance(1);
    await until("registered", () => told.registered.length === 1);
    await told.client.stop();
  }
});

Deno.test("RegistrationClient: a master with another key is left alone for minutes", async () => {
  await using a = ring1(goodMaster());
  await using b = ring1(goodMaster());
  const told = new Told([{ ...a.address, key: b.keyPair.publicKey }, b.address]);
  await told.start();
  const waiting = told.states.find((state) => state.type === "waiting");
  assert.equal(waiting?.type === "waiting" && waiting.error.failure, "wrong-key");
  b.cut();
  await until("lost", () => told.waits.length === 2);
  await told.timing.advance((told.waits.at(-1) ?? 0) * 1000);
  await until("registered again", () => told.registered.length === 2);
  assert.equal(a.accepted, 1);
  await told.client.stop();
});

Deno.test("RegistrationClient: turns to masters that it was told of, and checks their keys", async () => {
  const [good, bad]: [Received[], Received[]] = [[], []];
  await using other = ring1(goodMaster(good));
  await using impostor = ring1(goodMaster(bad));
  await using nameless = ring1(goodMaster(bad));
  const entry = (port: number, key: string): MasterEntry => {
    return { name: "m", host: "127.0.0.1", ports: { ring1: port, ring2: 1 }, key };
  };
  const masters = [
    { ...entry(1, encodeKey(other.keyPair.publicKey)), ports: { ring2: 3040 } },
    entry(nameless.port, ""),
    entry(impostor.port, encodeKey(other.keyPair.publicKey)),
    entry(other.port, encodeKey(other.keyPair.publicKey)),
  ];
  const first = ring1(goodMaster([], registered({ masters })));
  const told = new Told([first.address]);
  await told.start();
  await first[Symbol.asyncDispose]();
  await until("registered elsewhere", () => told.registered.length === 2);
  assert.deepEqual([good.length, bad.length, nameless.accepted], [1, 0, 0]);
  assert.deepEqual(told.waits, [0, 0]);
  await told.client.stop();
});

Deno.test("RegistrationClient: a silent, wrong or departing master is left for the next", async () => {
  const scripts: readonly Script[] = [
    (peer) => peer.waitForClose(),
    async (peer) => {
      await peer.sendPlain(new Uint8Array(3));
      await peer.waitForClose();
    },
    async (peer) => {
      await peer.send({ type: "bye" });
      await peer.waitForClose();
    },
    async (peer) => {
      await peer.expect("register");
      await peer.send({ type: "error", code: "shutting_down", message: "bye" });
      await peer.waitForClose();
    },
  ];
  for (const script of scripts) {
    await using a = ring1(script);
    await using b = ring1(goodMaster());
    const told = new Told([a.address, b.address]);
    told.client.start();
    await told.timing.advance(30_000);
    await until("registered elsewhere", () => told.registered.length === 1);
    assert.equal(told.waits[0], 0);
    await told.client.stop();
  }
});

Deno.test("RegistrationClient: a master may register it anew, with another interval", async () => {
  let peer: FakePeer | undefined;
  const came: Received[] = [];
  await using master = ring1(async (it) => {
    peer = it;
    await goodMaster(came)(it);
  });
  const told = new Told([master.address]);
  await using client = told.client;
  client.report(status(1));
  await told.start();
  await peer?.send(registered({ interval: 5 }));
  await until("told", () => told.registered.length === 2);
  await told.timing.advance(5000);
  await until("a report", () => came.length === 2);
  assert.equal(came[1]?.type, "status");
});

Deno.test("RegistrationClient: an error about a report is told, one about the server ends it", async () => {
  let peer: FakePeer | undefined;
  const came: Received[] = [];
  await using master = ring1(async (it) => {
    peer = it;
    await goodMaster(came)(it);
  });
  const told = new Told([master.address]);
  await told.start();
  await peer?.send({ type: "error", code: "too_many", message: "slower", retry_after: 7 });
  await until("refused", () => told.refused.length === 1);
  await told.timing.advance(2000);
  told.client.report(status(1));
  await told.timing.advance(4999);
  assert.equal(came.length, 1, "it was asked to wait");
  await told.timing.advance(1);
  await until("a report", () => came.length === 2);
  assert.equal(master.accepted, 1);
  await peer?.send({ type: "error", code: "name_taken", message: "banned" });
  await until("told", () => told.waits.length === 1);
  assert.deepEqual(told.refused.map(({ code }) => code), ["too_many", "name_taken"]);
  assert.ok((told.waits[0] ?? 0) >= 240);
  await told.client.stop();
});

Deno.test("RegistrationClient: a master that has lost it gets another registration at once", async () => {
  const came: Received[] = [];
  let has = false;
  await using master = ring1(async (peer) => {
    for (let message; (message = await peer.receive());) {
      came.push(message);
      const lost = { type: "error", code: "unauthorized", message: "Register first" } as const;
      if (message.type === "register") await peer.send(registered());
      if (message.type === "register") has = true;
      if (message.type === "status" && !has) await peer.send(lost);
      if (message.type === "bye") await peer.send({ type: "bye" });
    }
  });
  const told = new Told([master.address]);
  await using client = told.client;
  client.report(status(1));
  await told.start();
  has = false;
  client.report(status(2));
  await told.timing.advance(2000);
  await until("registered again", () => told.registered.length === 2);
  assert.deepEqual(came.at(-1), { ...description, type: "register", status: status(2) });
  assert.deepEqual(told.refused.map(({ code }) => code), ["unauthorized"]);
  // Not long after the same is no accident any more.
  has = false;
  client.report(status(3));
  await told.timing.advance(2000);
  await until("waiting", () => told.waits.length === 1);
  const [wait = 0] = told.waits;
  assert.ok(wait >= 48 && wait <= 66, `${wait} s`);
  assert.equal(came.filter(({ type }) => type === "register").length, 2);
  await told.timing.advance(wait * 1000);
  await until("registered a third time", () => told.registered.length === 3);
  has = false;
  client.report(status(4));
  await told.timing.advance(2000);
  await until("and a fourth", () => told.registered.length === 4);
  assert.equal(master.accepted, 2);
  assert.equal(told.waits.length, 1);
});

Deno.test("RegistrationClient: an address that another key took meanwhile is asked for every minute", async () => {
  let isTaken = false;
  await using master = ring1(async (peer) => {
    for (let message; (message = await peer.receive());) {
      const taken = { type: "error", code: "unauthorized", message: "Another key's" } as const;
      if (isTaken && message.type !== "bye") await peer.send(taken);
      else if (message.type === "register") await peer.send(registered());
      if (message.type === "bye") await peer.send({ type: "bye" });
    }
  });
  const told = new Told([master.address]);
  await using client = told.client;
  client.report(status(1));
  await told.start();
  isTaken = true;
  client.report(status(2));
  await told.timing.advance(2000);
  await until("waiting", () => told.waits.length === 1);
  assert.deepEqual(told.refused.map(({ code }) => code), ["unauthorized", "unauthorized"]);
  isTaken = false;
  await told.timing.advance((told.waits[0] ?? 0) * 1000);
  await until("registered again", () => told.registered.length === 2);
  assert.ok((told.waits[0] ?? 0) <= 66);
});

Deno.test("RegistrationClient: reaches masters over the family that it is told", async () => {
  const asked: [string, number][] = [];
  await using master = ring1(goodMaster());
  const told = new Told([{ ...master.address, host: "master.example.org" }], {
    family: 4,
    resolve: (host, family) => {
      asked.push([host, family]);
      return Promise.resolve(["127.0.0.1"]);
    },
  });
  await told.start();
  await told.client.stop();
  assert.deepEqual(asked, [["master.example.org", 4]]);
  const connected = told.states.find((state) => state.type === "connected");
  assert.equal(connected?.type === "connected" && connected.ip, "127.0.0.1");
});

Deno.test("RegistrationClient: a callback that throws is reported and disturbs nothing", async () => {
  const reported: unknown[] = [];
  const listener = (event: ErrorEvent) => {
    event.preventDefault();
    reported.push(event.error);
  };
  globalThis.addEventListener("error", listener);
  try {
    await using master = ring1(goodMaster());
    const told = new Told([master.address], {
      onState: () => {
        throw new Error("not today");
      },
    });
    await told.start();
    await told.client.stop();
    assert.equal(reported.length, 3);
  } finally {
    globalThis.removeEventListener("error", listener);
  }
});

Deno.test("RegistrationClient: what no master would take is refused before anything is sent", () => {
  const masters = [{ host: "127.0.0.1", port: 1 }];
  const isBad = (error: unknown) => error instanceof ClientError && error.code === "bad_request";
  for (const wrong of [{ name: "" }, { port: 0 }, { name: "a\u0000b" }, { country: "France" }]) {
    assert.throws(() => new Told(masters, { server: { ...description, ...wrong } }), isBad);
  }
  assert.throws(() => new Told([]), RangeError);
  const { client } = new Told(masters);
  assert.throws(() => client.report({ ...status(1), players: -1 }), isBad);
  const roster = Array.from({ length: 1000 }, () => {
    return { name: "x".repeat(60), kills: 0, deaths: 0, points: 0 };
  });
  assert.throws(() => client.report({ ...status(1), roster }), isBad);
});

Deno.test("RegistrationClient.update: is told on the same connection, and stays after a loss", async () => {
  const came: Received[] = [];
  const peers: FakePeer[] = [];
  await using master = ring1(async (peer) => {
    peers.push(peer);
    await goodMaster(came)(peer);
  });
  const told = new Told([master.address]);
  await using client = told.client;
  client.start();
  await until("the registration", () => told.registered.length === 1);
  client.update({ ...description, name: "Ann's tanks" });
  await until("the answer", () => told.registered.length === 2);
  assert.equal(peers.length, 1);
  assert.equal(came.at(-1)?.["name"], "Ann's tanks");
  // One that had lasted is opened again at once.
  await told.timing.advance(40_000);
  peers[0]?.close();
  await until("another registration", () => told.registered.length === 3);
  assert.equal(came.at(-1)?.["name"], "Ann's tanks");
});

Deno.test("RegistrationClient.update: one that is refused is told, the old one goes on", async () => {
  const came: Received[] = [];
  await using master = ring1(async (peer) => {
    for (let message; (message = await peer.receive());) {
      came.push(message);
      const isTaken = message["name"] === "Taken";
      const error = { type: "error", code: "name_taken", message: "taken" } as const;
      if (message.type === "register") await peer.send(isTaken ? error : registered());
      if (message.type === "bye") await peer.send({ type: "bye" });
    }
  });
  const told = new Told([master.address]);
  await using client = told.client;
  client.start();
  await until("the registration", () => told.registered.length === 1);
  client.update({ ...description, name: "Taken" });
  await until("the refusal", () => told.refused.length === 1);
  assert.equal(told.refused[0]?.code, "name_taken");
  client.report(status(1));
  await told.timing.advance(2000);
  await until("the report", () => came.at(-1)?.type === "status");
  assert.equal(came.filter(({ type }) => type === "register").length, 2, "on one connection");
});

Deno.test("RegistrationClient.update: each answer is about the description that it answers", async () => {
  const came: Received[] = [];
  let hold: Promise<void> | undefined = undefined;
  await using master = ring1(async (peer) => {
    for (let message; (message = await peer.receive());) {
      came.push(message);
      await hold;
      const isTaken = message["name"] === "Taken";
      const error = { type: "error", code: "name_taken", message: "taken" } as const;
      if (message.type === "register") await peer.send(isTaken ? error : registered());
      if (message.type === "bye") await peer.send({ type: "bye" });
    }
  });
  const told = new Told([master.address]);
  await using client = told.client;
  await told.start();
  const gate = Promise.withResolvers<void>();
  hold = gate.promise;
  const good = { ...description, settings: { a: "1" } };
  client.update(good);
  client.update({ ...description, name: "Taken" });
  gate.resolve();
  await until("the refusal", () => told.refused.length === 1);
  assert.equal(told.registered.length, 2);
  await told.timing.advance(30_000);
  assert.deepEqual(told.waits, [], "the registration goes on");
  master.cut();
  await until("another registration", () => told.registered.length === 3);
  assert.deepEqual(came.at(-1), { ...good, type: "register" });
  // The other way round the later one stays.
  client.update({ ...description, name: "Taken" });
  client.update(description);
  await until("both answers", () => told.registered.length === 4 && told.refused.length === 2);
  await told.timing.advance(30_000);
  master.cut();
  await until("the last registration", () => told.registered.length === 5);
  assert.deepEqual(came.at(-1), { ...description, type: "register" });
});

Deno.test("RegistrationClient.update: one refused after a loss leaves what was accepted before", async () => {
  const came: Received[] = [];
  await using master = ring1(goodMaster(came));
  const told = new Told([master.address]);
  await using client = told.client;
  await told.start();
  await told.timing.advance(30_000);
  master.script = async (peer) => {
    for (let message; (message = await peer.receive());) {
      came.push(message);
      const isTaken = message["name"] === "Taken";
      const error = { type: "error", code: "name_taken", message: "taken" } as const;
      if (message.type === "register") await peer.send(isTaken ? error : registered());
      if (message.type === "bye") await peer.send({ type: "bye" });
    }
  };
  master.cut();
  client.update({ ...description, name: "Taken" });
  await until("registered again", () => told.registered.length === 2);
  assert.deepEqual(told.refused.map(({ code }) => code), ["name_taken"]);
  assert.deepEqual(came.at(-1), { ...description, type: "register" });
  assert.deepEqual(told.waits, [0]);
});

Deno.test("RegistrationClient.update: of what no master would take, or of another server, throws", async () => {
  await using client = new Told([{ host: "127.0.0.1", port: 1 }]).client;
  assert.throws(() => client.update({ ...description, name: "" }), ClientError);
  assert.throws(() => client.update({ ...description, port: 3031 }), /3031 is another server/);
});
