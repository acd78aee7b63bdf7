/**
 * docs/protocol_session.md is what its tool makes, and everything in it is right: by handshakes and
 * ciphers one message at a time, and by Node.js where it has the primitive.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  scryptSync,
} from "node:crypto";
import { CipherState, decodeKey, HandshakeState, type KeyPair } from "../../crypto/mod.ts";
import {
  decodeRing1Answer,
  decodeRing1Request,
  decodeRing2Answer,
  decodeRing2Request,
} from "../../protocol/mod.ts";
import { hexDump } from "../../tools/_hex_dump.ts";
import { sessionDocument } from "../../tools/_session_document.ts";
import { bytes, Random, text } from "../_helpers.ts";
import { fromHex } from "../crypto/_helpers.ts";
import { cryptoTest, gcrypt, randomBytes } from "../crypto/_wire.ts";
import { bytesOf, PAGE_PATH, type PageSession, pageSessions, type Side } from "./_session_page.ts";

const NOTHING = new Uint8Array(0);
const OTHER = { initiator: "responder", responder: "initiator" } as const;

function handshakeOf({ protocol, prologue, keys, psk }: PageSession, role: Side): HandshakeState {
  const pair = (kind: string): KeyPair => ({
    privateKey: fromHex(keys[role][`${kind}, private`] ?? ""),
    publicKey: fromHex(keys[role][`${kind}, public`] ?? ""),
  });
  return new HandshakeState({
    primitives: gcrypt(),
    pattern: protocol === "Noise_XX_25519_ChaChaPoly_SHA256" ? "XX" : "XXpsk3",
    role,
    prologue: bytes(prologue),
    staticKey: pair("static"),
    ephemeralKey: pair("ephemeral"),
    ...(psk === undefined ? {} : { psk: fromHex(psk) }),
  });
}

/** Two sides that have done the handshake of the page, message for message. */
function shakenHands(session: PageSession): Record<Side, HandshakeState> {
  const sides = {
    initiator: handshakeOf(session, "initiator"),
    responder: handshakeOf(session, "responder"),
  };
  for (const { from, bytes: frame, steps } of session.frames.slice(0, 3)) {
    const written = sides[from].writeMessage(NOTHING);
    assert.ok(written.type === "message");
    assert.equal(frame[0], written.message.length >> 8);
    assert.equal(frame[1], written.message.length & 0xff);
    assert.equal(frame.subarray(2).toHex(), written.message.toHex());
    const read = sides[OTHER[from]].readMessage(frame.subarray(2));
    assert.deepEqual(read, { type: "payload", payload: NOTHING });
    assert.equal(sides.initiator.handshakeHash.toHex(), steps.at(-1)?.values.h);
    assert.equal(sides.responder.handshakeHash.toHex(), steps.at(-1)?.values.h);
  }
  return sides;
}

cryptoTest("sessionDocument: makes what docs/protocol_session.md holds", () => {
  const advice = "run `deno task session-dump` and look at what has changed";
  assert.equal(Deno.readTextFileSync(PAGE_PATH), sessionDocument(gcrypt()), advice);
});

cryptoTest("protocol_session.md: a handshake by itself writes and reads its frames", () => {
  const sessions = pageSessions();
  assert.deepEqual(sessions.map(({ prologue }) => prologue.slice(-5)), ["ring1", "ring2", "ring0"]);
  for (const session of sessions) {
    const { initiator, responder } = shakenHands(session);
    assert.ok(initiator.isFinished && responder.isFinished, session.title);
    assert.equal(initiator.handshakeHash.toHex(), session.handshakeHash);
    assert.equal(initiator.remoteStaticKey?.toHex(), session.keys.responder["static, public"]);
    assert.equal(responder.remoteStaticKey?.toHex(), session.keys.initiator["static, public"]);
  }
});

cryptoTest(
  "protocol_session.md: every message decrypts and encrypts, and is one of its ring",
  () => {
    const decoders = {
      ring1: { initiator: decodeRing1Request, responder: decodeRing1Answer },
      ring2: { initiator: decodeRing2Request, responder: decodeRing2Answer },
    };
    let messages = 0;
    for (const session of pageSessions()) {
      const sides = shakenHands(session);
      const ciphers = { initiator: sides.initiator.split(), responder: sides.responder.split() };
      for (const { from, bytes: frame, plaintext, nonce } of session.frames.slice(3)) {
        const { sending } = ciphers[from];
        const { receiving } = ciphers[OTHER[from]];
        const number = new DataView(fromHex(nonce ?? "").buffer).getBigUint64(4, true);
        assert.equal(number, receiving.nonce);
        const opened = receiving.decryptWithAd(NOTHING, frame.subarray(2));
        assert.ok(opened, `frame of ${session.title} does not decrypt`);
        assert.equal(text(opened), plaintext);
        assert.equal(sending.encryptWithAd(NOTHING, opened).toHex(), frame.subarray(2).toHex());
        assert.equal(frame.length, opened.length + 18);
        assert.equal((frame[0] ?? 0) << 8 | (frame[1] ?? 0), frame.length - 2);
        const ring = session.prologue.endsWith("ring1") ? "ring1" : "ring2";
        const decoded = decoders[ring][from](opened);
        assert.equal(decoded.type, "message", plaintext);
        messages++;
      }
      for (const { sending, receiving } of Object.values(ciphers)) {
        sending[Symbol.dispose]();
        receiving[Symbol.dispose]();
      }
    }
    assert.equal(messages, 12);
  },
);

cryptoTest("protocol_session.md: its keys encrypt what the handshake's ciphers do", () => {
  const plaintext = bytes("a message");
  for (const session of pageSessions()) {
    const sides = shakenHands(session);
    for (const side of ["initiator", "responder"] as const) {
      const { sending, receiving } = sides[side].split();
      receiving[Symbol.dispose]();
      using first = new CipherState(gcrypt().cipher(fromHex(session.transport[side])));
      using next = new CipherState(gcrypt().cipher(fromHex(session.next[side])));
      const seal = (cipher: CipherState, number: bigint): string => {
        cipher.setNonce(number);
        return cipher.encryptWithAd(NOTHING, plaintext).toHex();
      };
      assert.equal(seal(first, 0n), seal(sending, 0n));
      sending.rekey();
      assert.equal(seal(next, 2n ** 20n), seal(sending, 2n ** 20n));
      sending[Symbol.dispose]();
    }
  }
});

/** X25519 by Node.js, whose keys are in an envelope of ASN.1. */
function dhByNode(privateKey: string, publicKey: string): string {
  const own = fromHex(`302e020100300506032b656e04220420${privateKey}`);
  const remote = fromHex(`302a300506032b656e032100${publicKey}`);
  return diffieHellman({
    privateKey: createPrivateKey({ key: own as Buffer, format: "der", type: "pkcs8" }),
    publicKey: createPublicKey({ key: remote as Buffer, format: "der", type: "spki" }),
  }).toString("hex");
}

/** Which keys make the secret of a token: the initiator's, then the responder's. */
const DH_KEYS: Readonly<Record<string, readonly [string, string]>> = {
  ee: ["ephemeral", "ephemeral"],
  es: ["ephemeral", "static"],
  se: ["static", "ephemeral"],
};

function hkdfByNode(ck: string, material: string, outputs: number): string[] {
  const out = hkdfSync("sha256", fromHex(material), fromHex(ck), NOTHING, 32 * outputs);
  return new Uint8Array(out).toHex().match(/.{64}/g) ?? [];
}

Deno.test("protocol_session.md: secrets, chaining keys and keys are what Node.js makes of them", () => {
  let keyed = 0;
  for (const { start, frames, keys, psk = "", transport, title } of pageSessions()) {
    let ck = start[0]?.values.ck ?? "";
    for (const { from, steps } of frames) {
      for (const { name, values } of steps) {
        if (values.dh !== undefined) {
          const [own = "", remote = ""] = DH_KEYS[name] ?? [];
          const secret = dhByNode(
            keys.initiator[`${own}, private`] ?? "",
            keys.responder[`${remote}, public`] ?? "",
          );
          assert.equal(values.dh, secret, `${title}: ${name}`);
        }
        if (values.ck === undefined) continue;
        const material = { e: keys[from]["ephemeral, public"], psk }[name] ?? values.dh ?? "";
        const derived = hkdfByNode(ck, material, name === "psk" ? 3 : 2);
        assert.equal(values.ck, derived[0], `${title}: ${name}`);
        assert.equal(values.k, derived.at(-1), `${title}: ${name}`);
        ck = values.ck;
        keyed++;
      }
    }
    assert.deepEqual([transport.initiator, transport.responder], hkdfByNode(ck, "", 2));
  }
  assert.equal(keyed, 3 + 3 + 6);
});

Deno.test("protocol_session.md: the pre-shared key is scrypt of the password", () => {
  const [session] = pageSessions().filter(({ psk }) => psk !== undefined);
  assert.ok(session?.password !== undefined);
  const cost = { N: 16384, r: 8, p: 1 };
  const psk = scryptSync(session.password, "netpanzer-masterserver/1 ring0", 32, cost);
  assert.equal(session.psk, psk.toString("hex"));
});

Deno.test("protocol_session.md: masters and servers in it show keys of its own", () => {
  const [first] = pageSessions();
  const shown = new Set<string>();
  for (const { frames } of pageSessions()) {
    for (const { plaintext = "" } of frames) {
      for (const [, key = ""] of plaintext.matchAll(/"key":"([^"]+)"/g)) {
        shown.add(decodeKey(key)?.toHex() ?? assert.fail(key));
      }
    }
  }
  const own = [first?.keys.responder["static, public"], first?.keys.initiator["static, public"]];
  assert.deepEqual([...shown], own);
});

Deno.test("hexDump: gives each byte, in lines of 16, with what can be printed", () => {
  assert.deepEqual(hexDump(NOTHING), []);
  assert.deepEqual(hexDump(bytes("netPanzer~\x7f\x1f é!")), [
    "0000  6e 65 74 50 61 6e 7a 65  72 7e 7f 1f 20 c3 a9 21  |netPanzer~.. ..!|",
  ]);
  const random = new Random(7);
  for (const length of [1, 7, 8, 9, 15, 16, 17, 300]) {
    const data = randomBytes(random, length);
    assert.deepEqual(bytesOf(hexDump(data).join("\n")), data);
  }
});
