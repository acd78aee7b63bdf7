import assert from "node:assert/strict";
import type { SubscribersOrder, SubscribersReport } from "./_subscribers.ts";
import { DaemonProcess } from "./_daemon.ts";
import { endToEnd } from "./_needs.ts";
import { ask, heartbeat } from "./_peers.ts";
import { ENCRYPTED } from "./_secure_peers.ts";
import { pause, until } from "./_until.ts";

const SUBSCRIBERS = 1000;

/** Subscribers of one address; the daemon allows ten. */
const PER_ADDRESS = 10;

const REGISTRATIONS = 20;

/** Milliseconds between two registrations. */
const PACE_MS = 250;

/** Milliseconds within which 99 of 100 subscribers hear of a registration. */
const AIM_MS = 200;

/** Milliseconds for a thousand handshakes of both sides on one machine. */
const SUBSCRIBE_MS = 60_000;

/** The Worker with the subscribers. */
class Subscribers implements Disposable {
  readonly #worker = new Worker(new URL("_subscribers.ts", import.meta.url), { type: "module" });
  readonly #reports: SubscribersReport[] = [];

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<SubscribersReport>) => {
      this.#reports.push(data);
    };
  }

  tell(order: SubscribersOrder): void {
    this.#worker.postMessage(order);
  }

  report<T extends SubscribersReport["type"]>(
    type: T,
    within?: number,
  ): Promise<SubscribersReport & { type: T }> {
    return until(`the report "${type}"`, () => {
      const failed = this.#reports.find((report) => report.type === "failed");
      assert.ok(!failed, failed?.type === "failed" ? failed.reason : "");
      return this.#reports.find((report): report is SubscribersReport & { type: T } =>
        report.type === type
      );
    }, within === undefined ? {} : { within });
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

endToEnd(`ring 2: ${SUBSCRIBERS} subscribers hear of a registration within ${AIM_MS} ms`, [
  "namespace",
], async () => {
  await using daemon = await DaemonProcess.start({
    set: { ...ENCRYPTED, "game.verify-servers": "no", "game.servers-per-address": 100 },
  });
  const osport = daemon.port("ring 1 bis");
  using subscribers = new Subscribers();
  const from = Array.from({ length: SUBSCRIBERS }, (_, i) => {
    const host = Math.floor(i / PER_ADDRESS);
    return `127.2.${Math.floor(host / 200)}.${1 + host % 200}`;
  });
  subscribers.tell({ type: "subscribe", port: daemon.port("ring 2"), from });
  await subscribers.report("subscribed", SUBSCRIBE_MS);
  const registered = new Map<number, number>();
  for (let i = 0; i < REGISTRATIONS; i++) {
    const port = 20_000 + i;
    registered.set(port, performance.timeOrigin + performance.now());
    assert.equal(await ask(osport, heartbeat(port)), "\\final\\");
    await pause(PACE_MS);
  }
  await pause(AIM_MS);
  subscribers.tell({ type: "report" });
  const { at } = await subscribers.report("heard");
  const delays: number[] = [];
  for (const [port, sent] of registered) {
    const heard = at.get(port) ?? [];
    assert.equal(heard.length, SUBSCRIBERS, `heard of ${port}`);
    delays.push(...heard.map((time) => time - sent));
  }
  delays.sort((a, b) => a - b);
  const p99 = delays[Math.floor(delays.length * 0.99)] ?? NaN;
  assert.ok(p99 < AIM_MS, `p99 ${p99} ms, median ${delays[delays.length >> 1]} ms`);
});
