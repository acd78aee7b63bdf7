import assert from "node:assert/strict";
import { Strangers } from "../../rings/_mesh_strangers.ts";

/** One who stays until it is ended. */
class Visitor {
  reason: string | undefined;

  constructor(readonly ip: string, strangers?: Strangers) {
    strangers?.enter(this);
  }

  end(reason: string): void {
    this.reason = reason;
  }
}

function ip(i: number): string {
  return `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
}

Deno.test("Strangers: of too many the one that came first goes, of known hosts none", () => {
  const strangers = new Strangers();
  strangers.trust("192.0.2.1");
  const known = new Visitor("192.0.2.1", strangers);
  const others = Array.from({ length: 257 }, (_, i) => new Visitor(ip(i), strangers));
  assert.deepEqual(others.map(({ reason }) => reason !== undefined).indexOf(true), 0);
  assert.match(others[0]?.reason ?? "", /^more than 256 handshakes under way/);
  assert.equal(others.filter(({ reason }) => reason !== undefined).length, 1);
  assert.equal(known.reason, undefined);
  for (const one of [known, ...others]) strangers.leave(one);
  assert.equal(strangers.size, 0);
  const later = new Visitor(ip(0), strangers);
  assert.equal(later.reason, undefined, "those who left make room");
});

Deno.test("Strangers: a host has 32 at a time, and a network of IPv6 counts as one host", () => {
  const strangers = new Strangers();
  const [first, ...rest] = Array.from(
    { length: 32 },
    (_, i) => new Visitor(`2001:db8::${i + 1}`, strangers),
  );
  assert.ok(first);
  assert.match(strangers.admit("2001:db8::ffff", 0) ?? "", /more than 32 handshakes under way/);
  assert.equal(strangers.admit("2001:db8:1::1", 0), undefined);
  strangers.leave(first);
  assert.equal(strangers.admit("2001:db8::ffff", 0), undefined);
  assert.equal(strangers.size, rest.length);
});

Deno.test("Strangers: unknown hosts share a number of handshakes, known ones have their own", () => {
  const strangers = new Strangers();
  strangers.trust("192.0.2.1");
  for (let i = 0; i < 200; i++) assert.equal(strangers.admit(ip(i), 0), undefined);
  assert.match(strangers.admit(ip(200), 0) ?? "", /from addresses that are not known/);
  for (let i = 0; i < 128; i++) assert.equal(strangers.admit("192.0.2.1", 0), undefined);
  assert.equal(strangers.admit("192.0.2.1", 0), "too many handshakes from this address");
  assert.equal(strangers.admit(ip(201), 1000), undefined, "a second later there is room");
  assert.equal(strangers.admit("192.0.2.1", 1000), undefined);
});

Deno.test("Strangers: 1,024 hosts stay known, those heard of longest ago go first", () => {
  const strangers = new Strangers();
  for (let i = 0; i < 1024; i++) strangers.trust(ip(i));
  strangers.trust(ip(0));
  strangers.trust(ip(5000));
  for (let i = 0; i < 200; i++) strangers.admit(ip(10_000 + i), 0);
  assert.equal(strangers.admit(ip(0), 0), undefined, "it has come again");
  assert.equal(strangers.admit(ip(5000), 0), undefined);
  assert.match(strangers.admit(ip(1), 0) ?? "", /not known/);
});
