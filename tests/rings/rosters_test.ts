import assert from "node:assert/strict";
import fc from "fast-check";
import { type Player, type RegistryEvent, Replica, type ServerStatus } from "../../registry/mod.ts";
import { Rosters } from "../../rings/_rosters.ts";
import { removal, status, statusChange, stored, World } from "../registry/_helpers.ts";
import { LIFE } from "./_helpers.ts";

const world = new World();

function playing(...names: string[]): ServerStatus {
  const roster = names.map((name): Player => ({ name, kills: 0, deaths: 0, points: 0 }));
  return { ...status(), roster };
}

class Trial {
  readonly replica = new Replica();
  readonly rosters = new Rosters(this.replica);

  apply(event: RegistryEvent): void {
    this.rosters.apply(event);
    this.replica.apply(event);
  }

  put(ip: string, told?: ServerStatus, state: "listed" | "unverified" = "listed"): void {
    const record = stored(world, ip, { state, ...(told ? { status: told } : {}) });
    this.apply({ type: "put", record, ...LIFE });
  }
}

Deno.test("Rosters: follow who comes to a server and who leaves it", () => {
  const trial = new Trial();
  trial.put("10.0.0.1", playing("Ann", "Bob"));
  assert.equal(trial.rosters.serverOf("Ann"), "10.0.0.1:3030");
  assert.equal(trial.rosters.serverOf("ann"), undefined);
  trial.apply(statusChange("10.0.0.1:3030", playing("Bob", "Cid", "Cid")));
  assert.deepEqual(["Ann", "Bob", "Cid"].map((name) => trial.rosters.serverOf(name)), [
    undefined,
    "10.0.0.1:3030",
    "10.0.0.1:3030",
  ]);
  trial.put("10.0.0.2", playing("Bob"));
  trial.apply(removal("10.0.0.1:3030"));
  assert.equal(trial.rosters.serverOf("Bob"), "10.0.0.2:3030");
  trial.put("10.0.0.2", playing("Bob"), "unverified");
  assert.equal(trial.rosters.size, 0);
});

Deno.test("Rosters: a report of a server that is not listed counts for nothing", () => {
  const trial = new Trial();
  trial.apply(statusChange("10.0.0.1:3030", playing("Ann")));
  assert.equal(trial.rosters.serverOf("Ann"), undefined);
});

Deno.test("Rosters: equal a look at all servers after any history", () => {
  const name = fc.constantFrom("Ann", "Bob", "Cid", "Dan");
  const step = fc.record({
    ip: fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.3"),
    kind: fc.constantFrom("put" as const, "hide" as const, "status" as const, "remove" as const),
    names: fc.array(name, { maxLength: 3 }),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), (steps, reload) => {
    const trial = new Trial();
    for (const { ip, kind, names } of steps) {
      const told = playing(...names);
      if (kind === "put") trial.put(ip, told);
      else if (kind === "hide") trial.put(ip, told, "unverified");
      else if (kind === "status") trial.apply(statusChange(`${ip}:3030`, told));
      else trial.apply(removal(`${ip}:3030`));
    }
    if (reload) trial.rosters.load();
    const records = trial.replica.blocks.flatMap(({ records }) => [...records.values()]);
    const rosters = records.map(({ id, status }) => ({ id, roster: status?.roster ?? [] }));
    const names = new Set(rosters.flatMap(({ roster }) => roster.map(({ name }) => name)));
    assert.equal(trial.rosters.size, names.size);
    for (const name of ["Ann", "Bob", "Cid", "Dan"]) {
      const on = rosters.filter(({ roster }) => roster.some((player) => player.name === name));
      const found = trial.rosters.serverOf(name);
      assert.equal(found !== undefined, on.length > 0);
      assert.ok(found === undefined || on.some(({ id }) => id === found));
    }
  }));
});
