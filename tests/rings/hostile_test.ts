import assert from "node:assert/strict";
import { encodeKey } from "../../crypto/mod.ts";
import type { RingName } from "../../threads/mod.ts";
import { bytes, Random, until } from "../_helpers.ts";
import { type Trial, withRing } from "./_helpers.ts";
import { CHANNEL, MASTER_KEY, SECURE, SecureClient } from "./_secure.ts";

const SEED = 20_261_122;

/** Messages that a ring gets to see, before they are spoilt. */
const MESSAGES: Readonly<Record<"ring1" | "ring2", readonly string[]>> = {
  ring1: [
    '{"type":"register","gamename":"netpanzer","name":"Bob\'s tanks","port":3030,' +
    '"protocol":1122,"admin":"bob@example.org","settings":{"gamestyle":"Objective"}}',
    '{"type":"status","map":"Two clans","players":1,"max_players":8,' +
    '"roster":[{"name":"Ann","kills":1,"deaths":2,"points":3}]}',
    '{"type":"bye"}',
    '{"type":"ping"}',
  ],
  ring2: [
    '{"type":"list","filter":{"gamename":"netpanzer","not_full":true,"text":"tank"}}',
    '{"type":"list","filter":{},"since":"1.00000000000000a1c0ffee"}',
    '{"type":"subscribe","filter":{"map":"Two clans"}}',
    '{"type":"unsubscribe"}',
    '{"type":"masters"}',
    '{"type":"whois","user":"Ann"}',
    '{"type":"ping"}',
  ],
};

/** Hosts that attack, and messages of each: within what a host may send. */
const HOSTS = 60;
const MESSAGES_EACH = 84;

/** Handshakes that a host may do without a rest. */
const HANDSHAKES_EACH = 32;

/** Messages sent before it is looked whether the session still goes on. */
const AT_ONCE = 4;

const PRINTABLE = "abcxyzAZ0189-+._ {}[]:,";

/** Changes some characters, most of them so that JSON stays JSON; or bits, or cuts it off. */
function mutate(message: string, random: Random): Uint8Array {
  const data = bytes(message);
  for (let i = 1 + random.below(3); i > 0; i--) {
    const place = random.below(data.length);
    const isText = /[\w.]/.test(String.fromCharCode(data[place] ?? 0));
    if (isText && random.below(20) > 0) data[place] = PRINTABLE.charCodeAt(random.below(12));
    else if (random.below(4) === 0) data[place] = random.pick([...bytes(PRINTABLE)]);
    else if (random.below(10) === 0) data[place] = (data[place] ?? 0) ^ 1 << random.below(8);
  }
  return random.below(40) === 0 ? data.slice(0, random.below(data.length)) : data;
}

/** Spoils a frame so that it is no valid one any more. */
function spoil(frame: Uint8Array, random: Random): Uint8Array {
  const spoilt = frame.slice();
  const place = random.below(spoilt.length);
  spoilt[place] = (spoilt[place] ?? 0) ^ 1 << random.below(8);
  return random.below(3) === 0 ? spoilt.slice(0, 1 + random.below(spoilt.length)) : spoilt;
}

/** Waits until the ring has dealt with everything, or has had enough. */
async function settled(client: SecureClient): Promise<void> {
  client.received.length = 0;
  await client.send({ type: "ping" });
  await until("a pong", () => client.closed || client.received.some(({ type }) => type === "pong"));
}

/** Sends spoilt messages from many hosts, in one session after the other. */
async function attack(ring: "ring1" | "ring2", trial: Trial, random: Random): Promise<void> {
  for (let host = 0; host < HOSTS; host++) {
    const from = `127.3.0.${1 + host}`;
    let sent = 0;
    for (let session = 0; session < HANDSHAKES_EACH && sent < MESSAGES_EACH; session++) {
      using client = await SecureClient.connect(trial.port, { ring, from });
      while (!client.closed && sent++ < MESSAGES_EACH) {
        const frame = client.seal(mutate(random.pick(MESSAGES[ring]), random));
        if (random.below(50) === 0) {
          await client.raw(spoil(frame, random));
          break;
        }
        await client.raw(frame);
        if (sent % AT_ONCE === 0) await settled(client);
      }
    }
  }
}

for (const ring of ["ring1", "ring2"] as const) {
  const count = HOSTS * MESSAGES_EACH;
  Deno.test(`${ring}: ${count} spoilt messages of valid sessions harm nobody (seed ${SEED})`, async () => {
    const settings = { ...SECURE, probes: false, connectionLimit: 100 };
    await withRing({ ring: ring satisfies RingName, settings }, async (trial) => {
      trial.add("192.0.2.1", 3030);
      await attack(ring, trial, new Random(SEED));
      using client = await SecureClient.connect(trial.port, { ring, from: "127.4.0.1" });
      assert.deepEqual(await client.ask({ type: "ping" }), { type: "pong" });
      await until("the end of all others", () => trial.counter("sessions") === 1);
      assert.ok(trial.counter("messages") > count / 4, `${trial.counter("messages")} were read`);
      assert.ok(trial.counter("handshakes_done") > HOSTS, "some ended their session");
      assert.ok(trial.registry.size <= 1 + HOSTS * 32);
      const log = trial.logged.join("\n");
      assert.ok(!log.includes("fault of this program"), log);
      for (const secret of [MASTER_KEY.privateKey, CHANNEL.privateKey]) {
        assert.ok(!log.includes(encodeKey(secret)));
      }
    });
  });
}
