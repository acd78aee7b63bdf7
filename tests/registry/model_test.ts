import assert from "node:assert/strict";
import fc from "fast-check";
import { formatEndpoint, hostKey } from "../../protocol/mod.ts";
import {
  ALIVE,
  EXPIRY_SLACK,
  HOUR,
  LIMITS,
  replicated,
  SECOND,
  status,
  World,
} from "./_helpers.ts";

const PER_HOST = 3;
const ADDRESSES = ["192.0.2.1", "192.0.2.2", "2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8::1"];
const PORTS = [1, 2, 3, 4];

const server = { ip: fc.constantFrom(...ADDRESSES), port: fc.constantFrom(...PORTS) };
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ ...server, type: fc.constant("register"), n: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ ...server, type: fc.constant("answer"), n: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ ...server, type: fc.constant("quit"), n: fc.nat(0) }) },
  { weight: 2, arbitrary: fc.record({ ...server, type: fc.constant("refresh"), n: fc.nat(0) }) },
  { weight: 2, arbitrary: fc.record({ ...server, type: fc.constant("status"), n: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ ...server, type: fc.constant("master"), n: fc.nat(0) }) },
  { weight: 6, arbitrary: fc.record({ ...server, type: fc.constant("pass"), n: fc.nat(400_000) }) },
  { weight: 1, arbitrary: fc.record({ ...server, type: fc.constant("jump"), n: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ ...server, type: fc.constant("limits"), n: fc.nat(3) }) },
);
type Step = { ip: string; port: number; type: string; n: number };

/** A registry, and when each server was last heard of as a test would count it. */
class Model {
  readonly world = new World({ serversPerHost: PER_HOST });
  readonly heard = new Map<string, number>();
  alive = ALIVE;

  take({ ip, port, type, n }: Step): void {
    const { world } = this;
    const id = formatEndpoint(ip, port);
    const known = world.registry.get(id) !== undefined;
    if (type === "register" || type === "master") {
      const settings: Record<string, string> = { n: String(n) };
      if (type === "master") settings["gamename"] = "master";
      if (world.register(ip, port, settings).type === "accepted") this.heard.set(id, world.now);
    } else if (type === "refresh") {
      world.registry.apply({ type, ids: [id] });
      if (known) this.heard.set(id, world.now);
    } else if (type === "answer") {
      // Of the last challenges, right or not.
      const challenge = world.challenges.at(-1 - n);
      if (challenge) world.registry.apply({ type, id, token: challenge.token });
      world.answer(id);
    } else if (type === "quit") world.registry.apply({ type, ip, port });
    else if (type === "status") world.registry.apply({ type, id, status: status("M", n) });
    else if (type === "pass") world.pass(n, n > 20_000 ? 997 : 100);
    else if (type === "jump") world.wall += (n - 10) * HOUR;
    else {
      this.alive = ALIVE + (n - 1) * 60 * SECOND;
      world.registry.setLimits({ ...LIMITS, serversPerHost: PER_HOST, aliveTimeout: this.alive });
    }
  }

  check(): void {
    const { registry, replica, now } = this.world;
    const records = [...registry.records()];
    const listed = records.filter(({ state }) => state === "listed");
    assert.equal(registry.size, records.length);
    assert.equal(registry.listed, listed.length);
    // Copies are not told when a listed server was last heard of.
    const shown = (record: object): object => ({ ...record, lastSeen: 0 });
    assert.deepEqual(replicated(replica).map(shown), listed.map(shown));
    const perHost = new Map<string, number>();
    for (const { id, ip } of records) {
      perHost.set(hostKey(ip), (perHost.get(hostKey(ip)) ?? 0) + 1);
      const silent = now - (this.heard.get(id) ?? -Infinity);
      // A tick may come a little late, and a lower timeout waits for the next one.
      assert.ok(silent <= this.alive + EXPIRY_SLACK + 1000, `${id} silent for ${silent} ms`);
    }
    for (const [host, count] of perHost) assert.ok(count <= PER_HOST, `${host}: ${count}`);
  }

  /** Counts are right when exactly as many fit as are missing. */
  checkRoom(): void {
    const { world } = this;
    for (const ip of ADDRESSES) {
      const host = hostKey(ip);
      const count = [...world.registry.records()].filter((r) => hostKey(r.ip) === host).length;
      for (let i = count; i < PER_HOST; i++) {
        assert.equal(world.register(ip, 100 + i).type, "accepted", `${host} ${i}`);
      }
      assert.equal(world.register(ip, 99).type, "refused", host);
    }
  }
}

Deno.test("Registry: whatever is done in whatever order, what must hold holds", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const model = new Model();
      for (const next of steps) {
        const before = model.alive;
        model.take(next);
        if (model.alive < before) model.world.pass(EXPIRY_SLACK);
        model.check();
      }
      model.checkRoom();
    }),
    { numRuns: 400 },
  );
});

Deno.test("Registry: nobody dies before the time is up", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const model = new Model();
      for (const next of steps) {
        const { world } = model;
        const ids = new Set([...world.registry.records()].map(({ id }) => id));
        world.takeEvents();
        model.take(next);
        for (const event of world.takeEvents()) {
          const [what, id = "", cause] = event.split(" ");
          if (what !== "removed" || cause !== "expired") continue;
          assert.ok(ids.has(id));
          const silent = world.now - (model.heard.get(id) ?? Infinity);
          assert.ok(silent >= model.alive, `${id} died after ${silent} ms`);
        }
      }
    }),
    { numRuns: 400 },
  );
});
