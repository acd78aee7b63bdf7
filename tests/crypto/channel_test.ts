import assert from "node:assert/strict";
import {
  type Channel,
  type ChannelEvent,
  type ChannelOptions,
  type Crypto,
  FRAME_OVERHEAD_BYTES,
  MAX_MESSAGE_BYTES,
  type NoisePrimitives,
  PROLOGUES,
} from "../../crypto/mod.ts";
import { bytes, Random, text } from "../_helpers.ts";
import { concat, crypto, openChannels, sent, shakeHands, toHex, twoChannels } from "./_helpers.ts";

const NOTHING = new Uint8Array(0);
const PSK = new Uint8Array(32).fill(3);

/** Both kinds of channels, each with the lengths of its handshake messages. */
const KINDS: readonly { readonly options: Partial<ChannelOptions>; readonly lengths: number[] }[] =
  [
    { options: { pattern: "XX" }, lengths: [32, 96, 64] },
    {
      options: { pattern: "XXpsk3", psk: PSK, prologue: PROLOGUES.ring0 },
      lengths: [48, 96, 64],
    },
  ];

/** A test with libgcrypt, which is closed afterwards. */
function test(title: string, use: (primitives: Crypto) => void): void {
  Deno.test(title, () => {
    using primitives = crypto();
    use(primitives);
  });
}

function dispose(...channels: readonly Channel[]): void {
  for (const channel of channels) channel[Symbol.dispose]();
}

/** The texts of messages; any other event is a mistake. */
function texts(events: readonly ChannelEvent[]): string[] {
  return events.map((event) => {
    assert.ok(event.type === "message", JSON.stringify(event));
    return text(event.plaintext);
  });
}

/** The reason of a failure, which has to be the only event, and the end. */
function failure(channel: Channel, events: readonly ChannelEvent[]): string {
  const [event] = events;
  assert.ok(events.length === 1 && event?.type === "failed", JSON.stringify(events));
  assertDead(channel);
  return event.reason;
}

function assertDead(channel: Channel): void {
  assert.equal(channel.isOpen, false);
  assert.equal(channel.pending, 0);
  assert.deepEqual(channel.receive(new Uint8Array(1000)), []);
  assert.throws(() => channel.seal(NOTHING), /not open/);
}

/** Primitives that know how many ciphers were opened, and which of them are still open. */
function counting(
  primitives: Crypto,
): { readonly primitives: NoisePrimitives; readonly open: Set<object>; opened: number } {
  const counter = {
    open: new Set<object>(),
    opened: 0,
    primitives: {
      dh: (privateKey: Uint8Array, publicKey: Uint8Array) => primitives.dh(privateKey, publicKey),
      keyPair: () => primitives.keyPair(),
      sha256: (data: Uint8Array) => primitives.sha256(data),
      hmacSha256: (key: Uint8Array, data: Uint8Array) => primitives.hmacSha256(key, data),
      cipher: (key: Uint8Array) => {
        const cipher = primitives.cipher(key);
        counter.open.add(cipher);
        counter.opened++;
        const close = cipher[Symbol.dispose].bind(cipher);
        return Object.assign(cipher, {
          [Symbol.dispose]: () => {
            counter.open.delete(cipher);
            close();
          },
        });
      },
    },
  };
  return counter;
}

for (const { options, lengths } of KINDS) {
  test(`Channel: ${options.pattern} opens with the peer's key on both sides`, (primitives) => {
    const [one, other] = [primitives.keyPair(), primitives.keyPair()];
    const { initiator } = twoChannels(primitives, { ...options, staticKey: one });
    const { responder } = twoChannels(primitives, { ...options, staticKey: other });
    const events = shakeHands(initiator, responder);
    const [ofInitiator] = events.initiator;
    const [ofResponder] = events.responder;
    assert.equal(events.initiator.length + events.responder.length, 2);
    assert.ok(ofInitiator?.type === "open" && ofResponder?.type === "open");
    assert.deepEqual(ofInitiator.remoteKey, other.publicKey);
    assert.deepEqual(ofResponder.remoteKey, one.publicKey);
    assert.deepEqual(ofInitiator.handshakeHash, ofResponder.handshakeHash);
    assert.equal(ofInitiator.handshakeHash.length, 32);
    assert.ok(initiator.isOpen && responder.isOpen);
    dispose(initiator, responder);
  });

  test(`Channel: ${options.pattern} puts lengths and messages on the wire`, (primitives) => {
    const { initiator, responder } = twoChannels(primitives, options);
    responder.start();
    let frame = sent(initiator.start());
    for (const [step, length] of lengths.entries()) {
      assert.equal(frame.length, 2 + length);
      assert.deepEqual([...frame.subarray(0, 2)], [0, length]);
      assert.equal(initiator.isOpen, step === 2);
      frame = sent((step % 2 === 0 ? responder : initiator).receive(frame));
    }
    assert.equal(frame.length, 0);
    for (const length of [0, 1, 300, MAX_MESSAGE_BYTES]) {
      const sealed = initiator.seal(new Uint8Array(length));
      assert.equal(sealed.length, length + FRAME_OVERHEAD_BYTES);
      assert.equal((sealed[0] ?? 0) * 256 + (sealed[1] ?? 0), length + 16);
    }
    dispose(initiator, responder);
  });

  test(`Channel: ${options.pattern} carries messages of all lengths both ways`, (primitives) => {
    const { initiator, responder } = openChannels(primitives, options);
    const random = new Random(5);
    for (const length of [0, 1, 15, 16, 17, 1000, 4096, 65_518, 65_519, 65_519, 3]) {
      const plaintext = Uint8Array.from({ length }, () => random.below(256));
      for (const [from, to] of [[initiator, responder], [responder, initiator]] as const) {
        const before = plaintext.slice();
        assert.deepEqual(to.receive(from.seal(plaintext)), [{ type: "message", plaintext }]);
        assert.deepEqual(plaintext, before);
      }
    }
    dispose(initiator, responder);
  });

  test(`Channel: ${options.pattern} works byte by byte, in one piece and between`, (primitives) => {
    for (const size of [1, 2, 7, 100, 100_000]) {
      const { initiator, responder } = twoChannels(primitives, options);
      const inPieces = (channel: Channel, stream: Uint8Array): ChannelEvent[] => {
        const events: ChannelEvent[] = [];
        for (let offset = 0; offset < stream.length; offset += size) {
          events.push(...channel.receive(stream.slice(offset, offset + size)));
        }
        return events;
      };
      responder.start();
      const second = sent(inPieces(responder, sent(initiator.start())));
      const third = inPieces(initiator, second);
      // The initiator is open once it wrote the last handshake message, and need not wait.
      const said = ["one", "two", "", "three".repeat(1000)];
      const stream = concat([sent(third), ...said.map((each) => initiator.seal(bytes(each)))]);
      const [open, ...messages] = inPieces(responder, stream);
      assert.equal(open?.type, "open");
      assert.deepEqual(texts(messages), said);
      assert.equal(responder.pending, 0);
      dispose(initiator, responder);
    }
  });

  test(`Channel: ${options.pattern} refuses other lengths of handshake messages`, (primitives) => {
    for (const [step, length] of lengths.entries()) {
      for (const wrong of [0, 1, length - 1, length + 1, 65_535]) {
        const { initiator, responder } = twoChannels(primitives, options);
        const [writer, reader] = step === 1 ? [responder, initiator] : [initiator, responder];
        responder.start();
        let frame = sent(initiator.start());
        if (step > 0) frame = sent(responder.receive(frame));
        if (step > 1) frame = sent(initiator.receive(frame));
        assert.equal(frame.length, 2 + length);
        // The length alone decides, before anything of the message is there.
        const events = reader.receive(Uint8Array.of(wrong >> 8, wrong & 0xff));
        assert.equal(
          failure(reader, events),
          `a handshake message of ${wrong} bytes, where it has ${length}`,
        );
        dispose(writer, reader);
      }
    }
  });
}

test("Channel: many frames in one chunk come out in order", (primitives) => {
  const { initiator, responder } = openChannels(primitives);
  const said = Array.from({ length: 5000 }, (_, number) => `message ${number}`);
  const stream = concat(said.map((each) => initiator.seal(bytes(each))));
  const before = stream.slice();
  assert.deepEqual(texts(responder.receive(stream)), said);
  assert.deepEqual(stream, before);
  dispose(initiator, responder);
});

test("Channel: what was received is not what comes next", (primitives) => {
  const { initiator, responder } = openChannels(primitives);
  const chunk = initiator.seal(bytes("keep this"));
  const events = responder.receive(chunk);
  chunk.fill(0);
  responder.receive(initiator.seal(bytes("something else")));
  assert.deepEqual(texts(events), ["keep this"]);
  const [event] = events;
  assert.ok(event?.type === "message");
  assert.equal(event.plaintext.buffer.byteLength, "keep this".length);
  dispose(initiator, responder);
});

test("Channel.pending: never holds more than one frame", (primitives) => {
  const { initiator, responder } = openChannels(primitives);
  const frame = initiator.seal(new Uint8Array(MAX_MESSAGE_BYTES));
  assert.equal(frame.length, 65_537);
  let held = 0;
  for (let offset = 0; offset < frame.length - 1; offset += 1000) {
    const part = frame.subarray(offset, Math.min(offset + 1000, frame.length - 1));
    assert.deepEqual(responder.receive(part), []);
    held += part.length;
    assert.equal(responder.pending, held);
  }
  assert.equal(responder.receive(concat([frame.subarray(-1), frame.subarray(0, 1)])).length, 1);
  assert.equal(responder.pending, 1);
  dispose(initiator, responder);
  assert.equal(responder.pending, 0);
});

test("Channel.seal: refuses what is too long, and goes on", (primitives) => {
  const { initiator, responder } = openChannels(primitives);
  assert.equal(MAX_MESSAGE_BYTES, 65_519);
  assert.throws(() => initiator.seal(new Uint8Array(65_520)), {
    name: "RangeError",
    message: /65520 bytes, over 65519/,
  });
  assert.deepEqual(texts(responder.receive(initiator.seal(bytes("fine")))), ["fine"]);
  dispose(initiator, responder);
});

test("Channel.sealInto: puts frames one behind the other", (primitives) => {
  const { initiator, responder } = openChannels(primitives);
  const out = new Uint8Array(200).fill(0xee);
  let end = 3;
  for (const said of ["one", "", "three"]) end = initiator.sealInto(bytes(said), out, end);
  assert.equal(end, 3 + "onethree".length + 3 * FRAME_OVERHEAD_BYTES);
  assert.deepEqual(texts(responder.receive(out.subarray(3, end))), ["one", "", "three"]);
  assert.ok([...out.subarray(0, 3), ...out.subarray(end)].every((byte) => byte === 0xee));
  dispose(initiator, responder);
});

test("Channel.sealInto: counts nothing when the memory is too short", (primitives) => {
  const { initiator, responder } = openChannels(primitives);
  const out = new Uint8Array(20);
  for (const offset of [0, 15, 20, -1, -2, NaN]) {
    assert.throws(() => initiator.sealInto(bytes("abc"), out, offset), RangeError);
  }
  assert.ok(out.every((byte) => byte === 0));
  const end = initiator.sealInto(bytes("ab"), out, 0);
  assert.equal(end, 20);
  assert.deepEqual(texts(responder.receive(out)), ["ab"]);
  dispose(initiator, responder);
});

test("Channel: each frame is another, and none goes twice or out of order", (primitives) => {
  const { initiator, responder } = openChannels(primitives);
  const frames = [1, 2, 3].map(() => initiator.seal(bytes("the same")));
  assert.equal(new Set(frames.map(toHex)).size, 3);
  const [first = NOTHING, , third = NOTHING] = frames;
  assert.deepEqual(texts(responder.receive(first)), ["the same"]);
  assert.match(failure(responder, responder.receive(first)), /cannot be decrypted/);
  const again = openChannels(primitives);
  assert.match(failure(again.responder, again.responder.receive(third)), /cannot be decrypted/);
  dispose(initiator, again.initiator);
});

test("Channel: gives the messages before a bad one, and nothing after it", (primitives) => {
  const { initiator, responder } = openChannels(primitives);
  const frames = ["one", "two", "three"].map((said) => initiator.seal(bytes(said)));
  const second = frames[1] ?? NOTHING;
  second[5] = (second[5] ?? 0) ^ 1;
  const events = responder.receive(concat(frames));
  assert.deepEqual(events.map(({ type }) => type), ["message", "failed"]);
  assertDead(responder);
  dispose(initiator);
});

test("Channel: refuses messages too short for a tag by their length", (primitives) => {
  for (const length of [0, 1, 15]) {
    const { initiator, responder } = openChannels(primitives);
    const reason = failure(responder, responder.receive(Uint8Array.of(0, length)));
    assert.equal(reason, `a message of ${length} bytes, where it has from 16 to 65535`);
    dispose(initiator);
  }
});

test("Channel: refuses a payload in a handshake message that fits otherwise", (primitives) => {
  // An ephemeral key and one byte of payload, as another implementation could well send.
  const { initiator, responder } = twoChannels(primitives);
  responder.start();
  const frame = concat([Uint8Array.of(0, 33), primitives.keyPair().publicKey, bytes("!")]);
  assert.match(failure(responder, responder.receive(frame)), /of 33 bytes, where it has 32/);
  dispose(initiator);
});

test("Channel: both sides need the same pattern, prologue and pre-shared key", (primitives) => {
  const good: Partial<ChannelOptions> = { pattern: "XXpsk3", psk: PSK };
  for (
    const other of [
      { pattern: "XX" },
      { ...good, prologue: PROLOGUES.ring2 },
      { ...good, psk: new Uint8Array(32).fill(4) },
    ] satisfies Partial<ChannelOptions>[]
  ) {
    const { initiator } = twoChannels(primitives, good);
    const { responder } = twoChannels(primitives, other);
    const events = shakeHands(initiator, responder);
    assert.equal(initiator.isOpen && responder.isOpen, false);
    assert.ok([...events.initiator, ...events.responder].some(({ type }) => type === "failed"));
    dispose(initiator, responder);
  }
});

test("Channel: says which options are no good", (primitives) => {
  const refuse = (options: Partial<ChannelOptions>, message: RegExp): void => {
    assert.throws(() => twoChannels(primitives, options), { name: "RangeError", message });
  };
  refuse({ pattern: "XXpsk3" }, /the pre-shared key of XXpsk3 is missing/);
  refuse({ pattern: "XXpsk3", psk: new Uint8Array(31) }, /32 bytes, not 31/);
  refuse({ pattern: "XX", psk: PSK }, /XX has no pre-shared key/);
  for (const rekeyAfter of [0, -1, 1.5, NaN]) {
    refuse({ rekeyAfter }, new RegExp(`rekeyAfter is ${rekeyAfter},`));
  }
  const privateKey = new Uint8Array(31);
  refuse({ staticKey: { privateKey, publicKey: privateKey } }, /static key .* 32 bytes, not 31/);
});

test("Channel: is started once and first", (primitives) => {
  const { initiator, responder } = twoChannels(primitives);
  for (const channel of [initiator, responder]) {
    assert.throws(() => channel.receive(new Uint8Array(1)), /before it was started/);
    assert.throws(() => channel.seal(NOTHING), /not open/);
  }
  assert.deepEqual(initiator.start().map(({ type }) => type), ["send"]);
  assert.deepEqual(responder.start(), []);
  for (const channel of [initiator, responder]) {
    assert.throws(() => channel.start(), /a second time/);
    assert.throws(() => channel.seal(NOTHING), /not open/);
    dispose(channel);
    assert.throws(() => channel.start(), /a second time/);
  }
});

test("Channel: is of no use after it was disposed of", (primitives) => {
  const { initiator, responder } = openChannels(primitives);
  const frame = initiator.seal(bytes("too late"));
  responder.receive(frame.subarray(0, 10));
  assert.equal(responder.pending, 10);
  dispose(responder, responder);
  assert.deepEqual(responder.receive(frame.subarray(10)), []);
  assertDead(responder);
  assert.throws(() => responder.sealInto(NOTHING, new Uint8Array(18), 0), /not open/);
  dispose(initiator);
});

test("Channel: closes all its ciphers, whenever and however it ends", (primitives) => {
  const counter = counting(primitives);
  const options = { primitives: counter.primitives };
  for (let step = 0; step <= 3; step++) {
    for (const ending of ["disposed of", "failed"]) {
      const { initiator, responder } = twoChannels(primitives, options);
      responder.start();
      let frame = sent(initiator.start());
      if (step > 0) frame = sent(responder.receive(frame));
      if (step > 1) frame = sent(initiator.receive(frame));
      if (step > 2) responder.receive(frame);
      assert.equal(counter.open.size, [0, 1, 3, 4][step]);
      if (ending === "failed") {
        for (const channel of [initiator, responder]) {
          assert.equal(channel.receive(new Uint8Array(200)).at(-1)?.type, "failed");
        }
      } else dispose(initiator, responder);
      assert.equal(counter.open.size, 0, `${ending} after ${step} messages`);
    }
  }
  assert.ok(counter.opened >= 16);
});

test("Channel: no two share a cipher", (primitives) => {
  const counter = counting(primitives);
  const pairs = Array.from(
    { length: 5 },
    () => openChannels(primitives, { primitives: counter.primitives }),
  );
  assert.equal(counter.open.size, 4 * pairs.length);
  for (let round = 0; round < 3; round++) {
    const frames = pairs.map(({ initiator }, index) => initiator.seal(bytes(`${round} ${index}`)));
    for (const [index, { responder }] of [...pairs.entries()].reverse()) {
      const received = texts(responder.receive(frames[index] ?? NOTHING));
      assert.deepEqual(received, [`${round} ${index}`]);
    }
    // What becomes of one is nothing to the others.
    const gone = pairs.pop();
    if (gone !== undefined) dispose(gone.initiator, gone.responder);
    assert.equal(counter.open.size, 4 * pairs.length);
  }
  for (const { initiator, responder } of pairs) dispose(initiator, responder);
  assert.equal(counter.open.size, 0);
});

test("Channel: gets new keys for each direction on its own", (primitives) => {
  const { initiator, responder } = openChannels(primitives, { rekeyAfter: 3 });
  const random = new Random(6);
  for (let round = 0; round < 200; round++) {
    const [from, to] = random.below(3) === 0 ? [responder, initiator] : [initiator, responder];
    assert.deepEqual(texts(to.receive(from.seal(bytes(`${round}`)))), [`${round}`]);
  }
  dispose(initiator, responder);
});

test("Channel: gets a new key after as many messages as it is told, and not before", (primitives) => {
  const [staticKey, ephemeralKey] = [primitives.keyPair(), primitives.keyPair()];
  const framesOf = (rekeyAfter?: number): string[] => {
    const { initiator, responder } = openChannels(primitives, {
      staticKey,
      ephemeralKey,
      ...rekeyAfter !== undefined && { rekeyAfter },
    });
    const frames = Array.from({ length: 6 }, () => toHex(initiator.seal(bytes("the same"))));
    dispose(initiator, responder);
    return frames;
  };
  const plain = framesOf();
  for (const rekeyAfter of [1, 2, 5]) {
    const same = framesOf(rekeyAfter).map((frame, index) => frame === plain[index]);
    assert.deepEqual(same, Array.from({ length: 6 }, (_, index) => index < rekeyAfter));
  }
  assert.deepEqual(framesOf(6), plain);
});

test("Channel: a side that does not change its key is not understood", (primitives) => {
  const { initiator, responder } = twoChannels(primitives, { rekeyAfter: 3 });
  dispose(responder);
  const { responder: other, initiator: unused } = twoChannels(primitives, { rekeyAfter: 4 });
  dispose(unused);
  shakeHands(initiator, other);
  for (const said of ["1", "2", "3"]) {
    assert.deepEqual(texts(other.receive(initiator.seal(bytes(said)))), [said]);
  }
  assert.match(failure(other, other.receive(initiator.seal(bytes("4")))), /cannot be decrypted/);
  dispose(initiator);
});

test("Channel: by itself gets new keys after 2^20 messages", (primitives) => {
  const counter = counting(primitives);
  let keys = 0;
  const { initiator, responder } = openChannels(primitives, {
    primitives: {
      ...counter.primitives,
      cipher: (key) => {
        const cipher = counter.primitives.cipher(key);
        const setKey = cipher.setKey.bind(cipher);
        return Object.assign(cipher, {
          setKey: (next: Uint8Array) => {
            keys++;
            setKey(next);
          },
        });
      },
    },
  });
  const before = keys;
  const out = new Uint8Array(FRAME_OVERHEAD_BYTES);
  for (let message = 1; message < 2 ** 20; message++) initiator.sealInto(NOTHING, out, 0);
  assert.equal(keys, before);
  initiator.sealInto(NOTHING, out, 0);
  assert.equal(keys, before + 1);
  dispose(initiator, responder);
});

test("Channel: closes rather than send a message numbered 2^64-1", (primitives) => {
  const counter = counting(primitives);
  const { initiator, responder } = openChannels(primitives, {
    primitives: counter.primitives,
    firstNonce: 2n ** 64n - 3n,
  });
  for (const said of ["last but one", "last"]) {
    assert.deepEqual(texts(responder.receive(initiator.seal(bytes(said)))), [said]);
  }
  assert.ok(initiator.isOpen && responder.isOpen);
  // The other way there is room still.
  assert.deepEqual(texts(initiator.receive(responder.seal(bytes("answer")))), ["answer"]);
  assert.throws(() => initiator.seal(NOTHING), /2\^64-1 messages were sent: the channel is closed/);
  assertDead(initiator);
  const reason = failure(responder, responder.receive(concat([Uint8Array.of(0, 16), PSK])));
  assert.match(reason, /2\^64-1 messages were received/);
  assert.equal(counter.open.size, 0);
});
