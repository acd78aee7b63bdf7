import assert from "node:assert/strict";
import type { ViewStyle } from "../../cli/_live_view.ts";
import type { Output } from "../../cli/_terminal.ts";
import { Watch } from "../../cli/_watch.ts";
import { ClientError } from "../../clients/mod.ts";
import { formatEndpoint, type ServerEntry } from "../../protocol/mod.ts";
import { server } from "../clients/_fake_master.ts";
import { sleep, until } from "../_helpers.ts";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const MASTER = { host: "127.0.0.1", port: 3040 };

class Scene implements Disposable {
  readonly printed: string[] = [];
  readonly told: string[] = [];
  readonly watch: Watch;
  readonly #servers = new Map<string, ServerEntry>();
  size = { columns: 60, rows: 24 };
  failure: Error | undefined;

  constructor(
    { isTerminal = true, style = "table" }: { isTerminal?: boolean; style?: ViewStyle } = {},
  ) {
    const output: Output = {
      isTerminal,
      size: () => this.size,
      print: (text) => {
        if (this.failure) throw this.failure;
        this.printed.push(text);
      },
      tell: (text) => this.told.push(text),
    };
    this.watch = new Watch(output, style);
  }

  /** The last drawing without what moves the cursor. */
  get lines(): string[] {
    const [before = "", ...others] = (this.printed.at(-1) ?? "").split("\x1b");
    return (before + others.map((part) => part.replace(/^\[\??[0-9]*[a-zA-Z]/, "")).join(""))
      .split("\n");
  }

  list(...servers: ServerEntry[]): void {
    this.#servers.clear();
    for (const each of servers) this.#servers.set(formatEndpoint(each.ip, each.port), each);
    const { list, changed, view } = this.watch.handlers;
    view?.("live");
    list?.(this.#servers);
    changed?.({ servers, removed: [], full: true });
  }

  change(changed: ServerEntry): void {
    this.#servers.set(formatEndpoint(changed.ip, changed.port), changed);
    this.watch.handlers.changed?.({ servers: [changed], removed: [], full: false });
  }

  lose(reason = "127.0.0.1:3040 closed the connection"): void {
    this.watch.handlers.view?.("stale");
    const error = new ClientError("unavailable", reason);
    this.watch.state({ type: "waiting", seconds: 4.2, reason, error, master: MASTER });
  }

  async drawn(times: number): Promise<void> {
    await until(`${times} drawings`, () => this.printed.length >= times);
  }

  [Symbol.dispose](): void {
    this.watch[Symbol.dispose]();
  }
}

Deno.test("Watch: draws on another screen, and gives the terminal back", async () => {
  const scene = new Scene();
  scene.list(server(3030));
  await scene.drawn(1);
  assert.ok(scene.printed[0]?.startsWith(ENTER));
  assert.match(scene.lines[1] ?? "", /^Server 3030/);
  assert.equal(scene.lines[2], "1 server, 1 player");
  scene.change(server(3031));
  await scene.drawn(2);
  assert.ok(!scene.printed[1]?.includes(ENTER), "it is there already");
  assert.equal(scene.lines.length, 4);
  scene.watch[Symbol.dispose]();
  assert.equal(scene.printed.at(-1), LEAVE);
  scene.watch.redraw();
  await sleep(300);
  assert.equal(scene.printed.length, 3, "nothing is drawn on what is no longer ours");
});

Deno.test("Watch: a terminal that was never drawn on is left alone", () => {
  const scene = new Scene();
  scene.watch[Symbol.dispose]();
  assert.deepEqual(scene.printed, []);
});

Deno.test("Watch: draws four times a second at most, the last state for certain", async () => {
  using scene = new Scene();
  const begun = performance.now();
  scene.list(server(3030));
  for (let players = 1; players <= 60; players++) {
    scene.change(server(3030, { players, max_players: 100 }));
    await sleep(10);
  }
  await until("the last state", () => scene.lines[1]?.includes("60/100") === true);
  const seconds = (performance.now() - begun) / 1000;
  assert.ok(scene.printed.length <= seconds * 4 + 1, `${scene.printed.length} in ${seconds} s`);
});

Deno.test("Watch: no line is wider than the terminal, nor more than it has", async () => {
  using scene = new Scene();
  scene.size = { columns: 40, rows: 6 };
  scene.list(...Array.from({ length: 20 }, (_, i) => server(3030 + i, { name: "x".repeat(60) })));
  await scene.drawn(1);
  assert.equal(scene.lines.length, 5);
  for (const line of scene.lines) assert.ok(line.length <= 40, line);
  assert.match(scene.lines.at(-1) ?? "", /^20 servers, 20 players, 17 below$/);
  scene.size = { columns: 80, rows: 30 };
  scene.watch.redraw();
  await scene.drawn(2);
  assert.equal(scene.lines.length, 22);
});

Deno.test("Watch: says what is wrong below the table, until it is live again", async () => {
  using scene = new Scene();
  scene.size = { columns: 120, rows: 24 };
  scene.list(server(3030));
  await scene.drawn(1);
  scene.lose("127.0.0.1:3040 closed \x1b[2J it");
  await scene.drawn(2);
  assert.equal(
    scene.lines.at(-1),
    "1 server, 1 player, 127.0.0.1:3040 closed \\u001b[2J it: next try in 5 s",
  );
  assert.match(scene.lines[1] ?? "", /^Server 3030/);
  scene.watch.handlers.view?.("live");
  await scene.drawn(3);
  assert.equal(scene.lines.at(-1), "1 server, 1 player");
  assert.deepEqual(scene.told, []);
});

Deno.test("Watch: without a terminal it prints table after table, without escapes", async () => {
  using scene = new Scene({ isTerminal: false });
  scene.list(server(3030, { name: "x".repeat(100) }));
  await scene.drawn(1);
  scene.lose();
  assert.deepEqual(scene.told, ["127.0.0.1:3040 closed the connection: next try in 5 s"]);
  scene.change(server(3031));
  await scene.drawn(2);
  for (const table of scene.printed) {
    assert.ok(!table.includes("\x1b"));
    assert.ok(table.includes("x".repeat(100)), "a pipe is as wide as it has to be");
  }
});

Deno.test("Watch: as JSON every change is a line at once", () => {
  using scene = new Scene({ style: "json" });
  scene.list(server(3030, { name: "\u202e\x9b" }));
  scene.change(server(3031));
  assert.deepEqual(scene.printed.map((line) => JSON.parse(line)), [
    { servers: [server(3030, { name: "\u202e\x9b" })], removed: [], full: true },
    { servers: [server(3031)], removed: [] },
  ]);
  for (const harm of ["\n", "\u202e", "\x9b"]) {
    assert.ok(!scene.printed.some((line) => line.includes(harm)));
  }
});

Deno.test("Watch: ends when there is no list in the first place, goes on when there was one", async () => {
  using failed = new Scene();
  failed.lose("cannot reach it");
  const end = await failed.watch.ended;
  assert.ok(end.type === "failed");
  assert.equal(end.exit.status, 69);
  assert.match(end.exit.message, /cannot reach it/);
  using scene = new Scene();
  scene.list();
  scene.lose();
  const going = Symbol();
  assert.equal(await Promise.race([scene.watch.ended, sleep(50).then(() => going)]), going);
});

Deno.test("Watch: ends quietly when nobody reads it any more", async () => {
  for (const style of ["table", "json"] as const) {
    using scene = new Scene({ style, isTerminal: false });
    scene.failure = new Deno.errors.BrokenPipe("gone");
    scene.list(server(3030));
    assert.deepEqual(await scene.watch.ended, { type: "unread" });
  }
});
