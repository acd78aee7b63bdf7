import assert from "node:assert/strict";
import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  scryptSync,
} from "node:crypto";
import { type Crypto, GcryptError, networkKey, PROLOGUES } from "../../crypto/mod.ts";
import { bytes, Random, text } from "../_helpers.ts";
import { concat, crypto, fromHex, toHex } from "./_helpers.ts";

const NOTHING = new Uint8Array(0);

/** A test with libgcrypt, which is closed afterwards. */
function test(title: string, use: (primitives: Crypto) => void): void {
  Deno.test(title, () => {
    using primitives = crypto();
    use(primitives);
  });
}

function randomBytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random.below(256));
}

test("Crypto.dh: agrees with RFC 7748, section 5.2", (primitives) => {
  for (
    const [scalar, point, product] of [
      [
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
      ],
      [
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
      ],
    ] as const
  ) {
    assert.equal(toHex(primitives.dh(fromHex(scalar), fromHex(point)) ?? NOTHING), product);
  }
});

test("Crypto.dh: agrees with RFC 7748, section 5.2, a thousand times over", (primitives) => {
  let scalar: Uint8Array = fromHex(`09${"00".repeat(31)}`);
  let point = scalar;
  for (let round = 1; round <= 1000; round++) {
    const product = primitives.dh(scalar, point);
    assert.ok(product !== undefined);
    point = scalar;
    scalar = product;
    if (round === 1) {
      assert.equal(
        toHex(scalar),
        "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
      );
    }
  }
  assert.equal(toHex(scalar), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
});

test("Crypto.keyPair: agrees with RFC 7748, section 6.1", (primitives) => {
  const alice = primitives.keyPair(
    fromHex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"),
  );
  const bob = primitives.keyPair(
    fromHex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
  );
  assert.equal(
    toHex(alice.publicKey),
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
  );
  assert.equal(
    toHex(bob.publicKey),
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
  );
  const secret = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  assert.equal(toHex(primitives.dh(alice.privateKey, bob.publicKey) ?? NOTHING), secret);
  assert.equal(toHex(primitives.dh(bob.privateKey, alice.publicKey) ?? NOTHING), secret);
});

test("Crypto.keyPair: makes pairs that another implementation agrees to", (primitives) => {
  const ours = primitives.keyPair();
  const theirs = primitives.keyPair();
  const secret = diffieHellman({
    // PKCS #8 and SubjectPublicKeyInfo of X25519 keys (RFC 8410) but for the keys themselves.
    privateKey: createPrivateKey({
      key: `-----BEGIN PRIVATE KEY-----\n${
        concat([fromHex("302e020100300506032b656e04220420"), ours.privateKey]).toBase64()
      }\n-----END PRIVATE KEY-----`,
      format: "pem",
    }),
    publicKey: createPublicKey({
      key: `-----BEGIN PUBLIC KEY-----\n${
        concat([fromHex("302a300506032b656e032100"), theirs.publicKey]).toBase64()
      }\n-----END PUBLIC KEY-----`,
      format: "pem",
    }),
  });
  assert.equal(
    toHex(primitives.dh(theirs.privateKey, ours.publicKey) ?? NOTHING),
    secret.toString("hex"),
  );
});

test("Crypto.keyPair: keeps nothing of the caller's memory", (primitives) => {
  const privateKey = primitives.random(32);
  const pair = primitives.keyPair(privateKey);
  const before = toHex(pair.privateKey);
  privateKey.fill(0);
  assert.equal(toHex(pair.privateKey), before);
});

test("Crypto.dh, keyPair: refuse every other length, before the library sees it", (primitives) => {
  const good = new Uint8Array(32).fill(9);
  for (const length of [0, 1, 31, 33, 64]) {
    const wrong = new Uint8Array(length);
    const expected = { name: "RangeError", message: new RegExp(`32 bytes, not ${length}$`) };
    assert.throws(() => primitives.dh(wrong, good), expected);
    assert.throws(() => primitives.dh(good, wrong), expected);
    assert.throws(() => primitives.keyPair(wrong), expected);
    assert.throws(() => primitives.cipher(wrong), expected);
  }
});

test("Crypto.random: gives other bytes each time, all of them random", (primitives) => {
  assert.equal(primitives.random(0).length, 0);
  const seen = new Set<string>();
  const counts = new Array<number>(256).fill(0);
  for (let round = 0; round < 200; round++) {
    const some = primitives.random(64);
    seen.add(toHex(some));
    for (const byte of some) counts[byte] = (counts[byte] ?? 0) + 1;
  }
  assert.equal(seen.size, 200);
  // 50 of each are expected; the odds against any being out of these bounds are millions to one.
  assert.ok(counts.every((count) => count > 5 && count < 120), counts.join(" "));
});

test("Crypto.sha256: agrees with FIPS 180's examples", (primitives) => {
  for (
    const [message, digest] of [
      ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
      ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
      [
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      ],
      ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
    ] as const
  ) {
    assert.equal(toHex(primitives.sha256(bytes(message))), digest);
  }
});

test("Crypto.hmacSha256: agrees with RFC 4231", (primitives) => {
  for (
    const [key, data, mac] of [
      [
        "0b".repeat(20),
        bytes("Hi There"),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      ],
      [
        toHex(bytes("Jefe")),
        bytes("what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      ],
      [
        "aa".repeat(20),
        new Uint8Array(50).fill(0xdd),
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
      ],
      [
        "0102030405060708090a0b0c0d0e0f10111213141516171819",
        new Uint8Array(50).fill(0xcd),
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
      ],
      [
        "aa".repeat(131),
        bytes("Test Using Larger Than Block-Size Key - Hash Key First"),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      ],
    ] as const
  ) {
    assert.equal(toHex(primitives.hmacSha256(fromHex(key), data)), mac);
  }
});

test("Crypto.sha256, hmacSha256: agree with another implementation at all lengths", (primitives) => {
  const random = new Random(2);
  for (let length = 0; length < 200; length++) {
    const data = randomBytes(random, length);
    const key = randomBytes(random, random.below(140));
    assert.equal(
      toHex(primitives.sha256(data)),
      createHash("sha256").update(data).digest("hex"),
    );
    assert.equal(
      toHex(primitives.hmacSha256(key, data)),
      createHmac("sha256", key).update(data).digest("hex"),
    );
  }
});

test("Crypto.scrypt: agrees with RFC 7914, section 12, where r is 8", (primitives) => {
  for (
    const [password, salt, n, p, key] of [
      [
        "password",
        "NaCl",
        1024,
        16,
        "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162" +
        "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
      ],
      [
        "pleaseletmein",
        "SodiumChloride",
        16384,
        1,
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2" +
        "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887",
      ],
    ] as const
  ) {
    const made = primitives.scrypt(bytes(password), bytes(salt), { n, r: 8, p }, 64);
    assert.equal(toHex(made), key);
  }
});

test("Crypto.scrypt: refuses what libgcrypt does not have, quoting it", (primitives) => {
  const scrypt = (n: number, r: number, p: number) => () =>
    primitives.scrypt(bytes("password"), bytes("salt"), { n, r, p }, 32);
  assert.throws(scrypt(16384, 1, 1), { name: "RangeError", message: /r is 1, and 8/ });
  for (const n of [0, 1, 3, -2, 1000, 1.5, NaN, 2 ** 31]) {
    assert.throws(scrypt(n, 8, 1), { name: "RangeError", message: new RegExp(`n is ${n},`) });
  }
  for (const p of [0, -1, 1.5, NaN]) {
    assert.throws(scrypt(1024, 8, p), { name: "RangeError", message: new RegExp(`p is ${p},`) });
  }
});

test("GcryptError: names the call, its code and what that means", (primitives) => {
  assert.throws(
    () => primitives.scrypt(bytes("x"), bytes("y"), { n: 2, r: 8, p: 1 }, 0),
    (error) => {
      assert.ok(error instanceof GcryptError);
      assert.equal(error.name, "GcryptError");
      assert.equal(error.code, 55);
      assert.equal(error.message, "gcry_kdf_derive of libgcrypt failed: invalid value (code 55)");
      return true;
    },
  );
});

test("networkKey: is the scrypt of the password that ring 0 is to use", (primitives) => {
  for (const password of ["secret", "pässwörd 漢字", "x".repeat(1000)]) {
    const expected = scryptSync(password, "netpanzer-masterserver/1 ring0", 32, {
      N: 16384,
      r: 8,
      p: 1,
    });
    assert.equal(toHex(networkKey(primitives, password)), expected.toString("hex"));
  }
  assert.throws(() => networkKey(primitives, ""), { name: "RangeError", message: /is empty/ });
});

Deno.test("PROLOGUES: name the protocol's version and the ring", () => {
  assert.deepEqual(
    Object.entries(PROLOGUES).map(([ring, prologue]) => [ring, text(prologue)]),
    [1, 2, 3].map((each) => [
      `ring${each - 1}`,
      `netpanzer-masterserver/1 ring${each - 1}`,
    ]),
  );
});

/** RFC 8439, section 2.8.2. */
const AEAD = {
  key: fromHex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
  nonce: fromHex("070000004041424344454647"),
  associatedData: fromHex("50515253c0c1c2c3c4c5c6c7"),
  plaintext: bytes(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " +
      "sunscreen would be it.",
  ),
  sealed: fromHex(`
    d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6
    3dbea45e8ca9671282fafb69da92728b 1a71de0a9e060b2905d6a5b67ecd3b36
    92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc
    3ff4def08e4b7a9de576d26586cec64b 6116 1ae10b594f09e26a7e902ecbd0600691`),
};

test("NoiseCipher: agrees with RFC 8439, section 2.8.2", (primitives) => {
  using cipher = primitives.cipher(AEAD.key);
  const sealed = new Uint8Array(AEAD.sealed.length);
  cipher.seal(AEAD.nonce, AEAD.associatedData, AEAD.plaintext, sealed, 0);
  assert.deepEqual(sealed, AEAD.sealed);
  const plaintext = new Uint8Array(AEAD.plaintext.length);
  assert.equal(cipher.open(AEAD.nonce, AEAD.associatedData, AEAD.sealed, plaintext), true);
  assert.deepEqual(plaintext, AEAD.plaintext);
});

test("NoiseCipher: agrees with another implementation at all lengths", (primitives) => {
  const random = new Random(3);
  const key = randomBytes(random, 32);
  using cipher = primitives.cipher(key);
  for (let length = 0; length < 300; length++) {
    const nonce = randomBytes(random, 12);
    const associatedData = randomBytes(random, random.below(40));
    const plaintext = randomBytes(random, length);
    if (length === 150) {
      key.set(randomBytes(random, 32));
      cipher.setKey(key);
    }
    const other = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
    other.setAAD(associatedData, { plaintextLength: length });
    const expected = concat([other.update(plaintext), other.final(), other.getAuthTag()]);
    const offset = random.below(3);
    const out = new Uint8Array(offset + length + 16 + 1).fill(0xee);
    cipher.seal(nonce, associatedData, plaintext, out, offset);
    assert.deepEqual(out.slice(offset, -1), expected);
    // Nothing around is touched.
    assert.ok(out.at(-1) === 0xee && out.subarray(0, offset).every((byte) => byte === 0xee));
    const opened = new Uint8Array(length);
    assert.equal(cipher.open(nonce, associatedData, expected, opened), true);
    assert.deepEqual(opened, plaintext);
  }
});

test("NoiseCipher.open: refuses each changed bit, and leaves zeros", (primitives) => {
  using cipher = primitives.cipher(AEAD.key);
  const refuse = (nonce: Uint8Array, associatedData: Uint8Array, sealed: Uint8Array): void => {
    const out = new Uint8Array(AEAD.plaintext.length).fill(0xee);
    assert.equal(cipher.open(nonce, associatedData, sealed, out), false);
    assert.ok(out.every((byte) => byte === 0));
  };
  const flipped = (whole: Uint8Array, bit: number): Uint8Array => {
    const copy = whole.slice();
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return copy;
  };
  for (let bit = 0; bit < 8 * AEAD.sealed.length; bit++) {
    refuse(AEAD.nonce, AEAD.associatedData, flipped(AEAD.sealed, bit));
  }
  for (let bit = 0; bit < 8 * AEAD.nonce.length; bit++) {
    refuse(flipped(AEAD.nonce, bit), AEAD.associatedData, AEAD.sealed);
    refuse(AEAD.nonce, flipped(AEAD.associatedData, bit), AEAD.sealed);
  }
  // It goes on as if nothing had been.
  const out = new Uint8Array(AEAD.plaintext.length);
  assert.equal(cipher.open(AEAD.nonce, AEAD.associatedData, AEAD.sealed, out), true);
});

test("NoiseCipher: refuses wrong lengths, before the library sees them", (primitives) => {
  using cipher = primitives.cipher(AEAD.key);
  const { nonce, associatedData, plaintext, sealed } = AEAD;
  const out = new Uint8Array(sealed.length);
  for (const length of [0, 8, 11, 13, 24]) {
    const wrong = new Uint8Array(length);
    assert.throws(() => cipher.seal(wrong, associatedData, plaintext, out, 0), RangeError);
    assert.throws(() => cipher.open(wrong, associatedData, sealed, plaintext.slice()), RangeError);
  }
  for (const offset of [1, -1, 1000, NaN]) {
    assert.throws(() => cipher.seal(nonce, associatedData, plaintext, out, offset), RangeError);
  }
  for (const length of [0, plaintext.length - 1, plaintext.length + 1]) {
    assert.throws(
      () => cipher.open(nonce, associatedData, sealed, new Uint8Array(length)),
      RangeError,
    );
  }
  assert.throws(() => cipher.open(nonce, associatedData, new Uint8Array(15), NOTHING), RangeError);
  for (const length of [0, 31, 33]) {
    assert.throws(() => cipher.setKey(new Uint8Array(length)), RangeError);
  }
  assert.ok(out.every((byte) => byte === 0));
});
