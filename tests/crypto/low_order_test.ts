/**
 * Channel against public keys with which X25519 gives zero, whoever's private key they meet: with
 * one of them a peer could do a handshake that proves nothing.
 */

import assert from "node:assert/strict";
import type { Channel, ChannelEvent, KeyPair, NoisePrimitives } from "../../crypto/mod.ts";
import {
  assertFails,
  assertFreshChannelWorks,
  channelOf,
  type ChannelSetup,
  cryptoTest,
  dispose,
  framed,
  gcrypt,
  kinds,
  type Ring,
  RING_0,
  RING_1,
  type Role,
  ROLES,
  sent,
} from "./_wire.ts";

/**
 * Points of order 1, 2, 4 and 8 of the curve and of its twist, little-endian, with all ways to
 * write them in 255 bits.
 */
const LOW_ORDER: Readonly<Record<string, string>> = {
  "0": "00".repeat(32),
  "1": `01${"00".repeat(31)}`,
  "an order of 8": "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "another order of 8": "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "p - 1": `ec${"ff".repeat(30)}7f`,
  "p, for 0": `ed${"ff".repeat(30)}7f`,
  "p + 1, for 1": `ee${"ff".repeat(30)}7f`,
};

/**
 * The rest of the lists that go around: of low order only where the highest bit counts, which by
 * RFC 7748 it does not. Nobody can know a private key for them.
 */
const LOW_ORDER_IN_256_BITS: Readonly<Record<string, string>> = {
  "p + an order of 8": "cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
  "p + another order of 8": "4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
  "2p - 1": `d9${"ff".repeat(31)}`,
  "2p": `da${"ff".repeat(31)}`,
  "2p + 1": `db${"ff".repeat(31)}`,
};

const ZERO = new Uint8Array(32);

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.every((byte, index) => byte === other[index]);
}

/** Our primitives, except that X25519 may give what it should not. */
function primitives(dh: NoisePrimitives["dh"]): NoisePrimitives {
  return new Proxy<NoisePrimitives>(gcrypt(), {
    get(target, name): unknown {
      if (name === "dh") return dh;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** One that knows what its point makes of every private key, and goes on with that. */
function attackerWith(point: Uint8Array): { key: KeyPair; primitives: NoisePrimitives } {
  const key = { privateKey: gcrypt().random(32), publicKey: point };
  return {
    key,
    primitives: primitives((privateKey, publicKey) =>
      isSame(privateKey, key.privateKey) ? ZERO : gcrypt().dh(privateKey, publicKey) ?? ZERO
    ),
  };
}

/** Carries frames to and fro until nobody has more to send; what the victim said. */
function converse(attacker: Channel, victim: Channel): ChannelEvent[] {
  const said = [...victim.start()];
  let toVictim = sent(attacker.start());
  let toAttacker = sent(said);
  while (toVictim.length + toAttacker.length > 0) {
    const answers = toVictim.flatMap((frame) => victim.receive(frame));
    toVictim = toAttacker.flatMap((frame) => sent(attacker.receive(frame)));
    toAttacker = sent(answers);
    said.push(...answers);
  }
  return said;
}

/** The two ends of an attack: the victim's role, and which key of the attacker is the point. */
function attack(
  ring: Ring,
  victimRole: Role,
  kind: "staticKey" | "ephemeralKey",
  point: Uint8Array,
  victimSetup: ChannelSetup = {},
): { attacker: Channel; victim: Channel } {
  const { key, primitives } = attackerWith(point);
  const role = victimRole === "initiator" ? "responder" : "initiator";
  return {
    attacker: channelOf(ring, role, { primitives, [kind]: key }),
    victim: channelOf(ring, victimRole, victimSetup),
  };
}

const KINDS = ["staticKey", "ephemeralKey"] as const;

for (const ring of [RING_0, RING_1]) {
  for (const role of ROLES) {
    cryptoTest(`Channel: as ${role} it refuses points of low order (${ring.title})`, () => {
      for (const [name, hex] of Object.entries(LOW_ORDER)) {
        const point = Uint8Array.fromHex(hex);
        // The highest bit is ignored, so each point can be written with it as well.
        const twin = point.slice();
        twin[31] = (twin[31] ?? 0) | 0x80;
        for (const kind of KINDS) {
          for (const each of [point, twin]) {
            const { attacker, victim } = attack(ring, role, kind, each);
            const said = kinds(converse(attacker, victim)).filter((type) => type !== "send");
            assert.deepEqual(said, ["failed"], `${kind} ${name}`);
            dispose(attacker, victim);
          }
        }
      }
      assertFreshChannelWorks(ring);
    });

    cryptoTest(`Channel: as ${role} it refuses points of nobody (${ring.title})`, () => {
      for (const [name, hex] of Object.entries(LOW_ORDER_IN_256_BITS)) {
        for (const kind of KINDS) {
          const { attacker, victim } = attack(ring, role, kind, Uint8Array.fromHex(hex));
          const said = converse(attacker, victim);
          assert.equal(kinds(said).includes("open"), false, `${kind} ${name}`);
          if (!kinds(said).includes("failed")) {
            // The attacker himself could not go on.
            assertFails(victim, [framed(new Uint8Array(64))]);
          }
          dispose(attacker, victim);
        }
      }
      assertFreshChannelWorks(ring);
    });

    cryptoTest(`Channel: as ${role}, careless, it would take them (${ring.title})`, () => {
      const careless = primitives((privateKey, publicKey) =>
        gcrypt().dh(privateKey, publicKey) ?? ZERO
      );
      for (const hex of Object.values(LOW_ORDER)) {
        for (const kind of KINDS) {
          const { attacker, victim } = attack(ring, role, kind, Uint8Array.fromHex(hex), {
            primitives: careless,
          });
          assert.ok(kinds(converse(attacker, victim)).includes("open"));
          assert.ok(attacker.isOpen && victim.isOpen);
          dispose(attacker, victim);
        }
      }
    });
  }
}

cryptoTest("Crypto.dh: points of low order give no secret", () => {
  for (const [name, hex] of Object.entries(LOW_ORDER)) {
    const { privateKey } = gcrypt().keyPair();
    assert.equal(gcrypt().dh(privateKey, Uint8Array.fromHex(hex)), undefined, name);
  }
});
