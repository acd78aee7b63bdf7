import assert from "node:assert/strict";
import { Ledger } from "../../mesh/ledger.ts";
import { Watch } from "../../mesh/watch.ts";
import { FakeSource, gone, ME, OTHER, put, SECOND, server } from "./_helpers.ts";

function world() {
  const source = new FakeSource();
  const ledger = new Ledger(ME, () => source.monotonic());
  return { source, ledger, watch: new Watch(ledger, source) };
}

Deno.test("Watch.take: asks for servers that are almost over and not heard here", () => {
  const { source, ledger, watch } = world();
  const lives = (number: number, left: number, heard: boolean, origin = OTHER) =>
    ledger.apply(put(server(number, 10, origin), { left, heard }));
  lives(1, 19.9 * SECOND, false);
  lives(2, 20.1 * SECOND, false);
  lives(3, 19.9 * SECOND, true);
  lives(4, 19.9 * SECOND, false, ME);
  lives(5, 19.9 * SECOND, false);
  ledger.apply(gone(server(5, 11, OTHER)));
  source.pass(5 * SECOND);
  assert.deepEqual(watch.take().sort(), [server(1, 0).id, server(4, 0).id]);
});

Deno.test("Watch.take: looks at every server once in five seconds, a few at a time", () => {
  const { source, ledger, watch } = world();
  for (let number = 0; number < 1000; number++) {
    ledger.apply(put(server(number, 10, OTHER), { left: 10 * SECOND, heard: false }));
  }
  assert.deepEqual(watch.take(), []);
  const asked: string[] = [];
  for (let i = 0; i < 20; i++) {
    source.pass(SECOND / 4);
    const dying = watch.take();
    assert.ok(dying.length < 100, String(dying.length));
    asked.push(...dying);
  }
  assert.equal(new Set(asked).size, asked.length);
  assert.ok(asked.length > 900);
});

Deno.test("Watch.take: asks for 4096 servers at a time at most", () => {
  const { source, ledger, watch } = world();
  for (let number = 0; number < 5000; number++) {
    ledger.apply(put(server(number, 10, OTHER), { left: 10 * SECOND, heard: false }));
  }
  source.pass(5 * SECOND);
  assert.equal(watch.take().length, 4096);
});
