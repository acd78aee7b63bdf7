import assert from "node:assert/strict";
import { EXIT, Exit } from "../../cli/_exit.ts";
import { LiveView, type ViewStyle } from "../../cli/_live_view.ts";
import { sleep, until } from "../_helpers.ts";

class Scene implements Disposable {
  readonly printed: string[] = [];
  readonly told: string[] = [];
  readonly view: LiveView;

  constructor(isTerminal: boolean, style: ViewStyle) {
    this.view = new LiveView(
      {
        isTerminal,
        size: () => ({ columns: 60, rows: 4 }),
        print: (text) => this.printed.push(text),
        tell: (text) => this.told.push(text),
      },
      style,
      { lines: () => ["a", "b", "c", "d"], counts: () => ["4 letters"] },
    );
  }

  trouble(message: string): void {
    this.view.trouble(new Exit(EXIT.UNAVAILABLE, message), 1.5);
  }

  [Symbol.dispose](): void {
    this.view[Symbol.dispose]();
  }
}

Deno.test("LiveView: draws what fits, and below it what is counted and what is wrong", async () => {
  using scene = new Scene(true, "table");
  scene.view.redraw();
  scene.view.changed({});
  await until("drawn", () => scene.printed.length === 1);
  assert.ok(scene.printed[0]?.endsWith("a\x1b[K\nb\x1b[K\n4 letters, 2 below\x1b[K\x1b[J"));
  scene.trouble("away");
  await until("drawn", () => scene.printed.length === 2);
  assert.ok(scene.printed[1]?.includes("\n4 letters, 2 below, away: next try in 2 s\x1b"));
  scene.view.recovered();
  await until("drawn", () => scene.printed.length === 3);
  assert.ok(scene.printed[2]?.includes("\n4 letters, 2 below\x1b"));
  assert.deepEqual(scene.told, []);
});

Deno.test("LiveView: nothing is drawn before there is anything, nor after the end", async () => {
  using scene = new Scene(true, "table");
  scene.view.redraw();
  await sleep(20);
  assert.deepEqual(scene.printed, []);
  scene.view.changed({});
  scene.view[Symbol.dispose]();
  await sleep(20);
  scene.view.changed({});
  await sleep(20);
  assert.deepEqual(scene.printed, []);
});

Deno.test("LiveView: where it is not drawn the same trouble is told once, until it is over", () => {
  for (const style of ["table", "json"] as const) {
    using scene = new Scene(false, style);
    scene.view.changed({});
    scene.trouble("away");
    scene.trouble("away");
    scene.trouble("gone");
    scene.view.recovered();
    scene.trouble("gone");
    assert.deepEqual(scene.told, [
      "away: next try in 2 s",
      "gone: next try in 2 s",
      "gone: next try in 2 s",
    ]);
  }
});

Deno.test("LiveView: trouble before there is anything is its end", async () => {
  using scene = new Scene(false, "json");
  scene.trouble("away");
  const end = await scene.view.ended;
  assert.ok(end.type === "failed");
  assert.deepEqual([end.exit.status, end.exit.message], [EXIT.UNAVAILABLE, "away"]);
});
