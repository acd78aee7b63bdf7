/**
 * The text of docs/protocol_session.md: sessions with every byte of every frame and every value in
 * between.
 *
 * @module
 */

import { Channel, type ChannelEvent, type Crypto } from "../crypto/mod.ts";
import { encodeMessage } from "../protocol/mod.ts";
import { hexDump } from "./_hex_dump.ts";
import { concat, nonceOf, rekeyed, sealed, type Step, walkHandshake } from "./_noise_walk.ts";
import { type SampleMessage, type SampleSession, sampleSessions } from "./_sample_sessions.ts";

const NOTHING = new Uint8Array(0);

const INTRODUCTION = `# Sessions, byte by byte

Made by \`deno task session-dump\`; the tests make it again and compare. What the steps and the
messages mean is in [protocol_encrypted.md](protocol_encrypted.md) and [protocol.md](protocol.md).

**All keys and passwords on this page are for documentation only. Never use them for anything
else.** An ephemeral key has to be a new random one for every connection.

Values are in hexadecimal: \`dh\` is the secret that two keys share, \`h\` the hash, \`ck\` the chaining
key, \`k\` the cipher key, as they are after the step; what a step leaves as it was is not repeated.
Dumps are whole frames, beginning with the two bytes of the length. A nonce is the number of a
message as the cipher takes it.
`;

type Side = "initiator" | "responder";

function block(lines: readonly string[]): string {
  return ["```text", ...lines, "```"].join("\n");
}

/** Lines of a label and a value, the values one below the other. */
function table(rows: readonly (readonly [label: string, value: string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return block(rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`.trimEnd()));
}

function framed(message: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(message.length >> 8, message.length & 0xff), message);
}

/** A table of steps; the label names the step on its first line. */
function stepTable(steps: readonly Step[]): string {
  return table(steps.flatMap(({ name, dh, h, ck, k }) => {
    const values = Object.entries({ dh, h, ck, k }).flatMap(([symbol, value]) =>
      value ? [`${symbol.padEnd(2)} ${value.toHex()}`] : []
    );
    return values.map((value, line) => [line === 0 ? name : "", value] as const);
  }));
}

function keyTable({ initiator, responder, prologue, pattern, password, psk }: SampleSession) {
  const rows = [initiator, responder].flatMap(({ name, staticKey, ephemeralKey }) => [
    [`${name}, static, private`, staticKey.privateKey.toHex()] as const,
    [`${name}, static, public`, staticKey.publicKey.toHex()] as const,
    [`${name}, ephemeral, private`, ephemeralKey.privateKey.toHex()] as const,
    [`${name}, ephemeral, public`, ephemeralKey.publicKey.toHex()] as const,
  ]);
  return table([
    ["protocol name", `Noise_${pattern}_25519_ChaChaPoly_SHA256`],
    ["prologue", new TextDecoder().decode(prologue)],
    ...rows,
    ...(password === undefined ? [] : [["password", password] as const]),
    ...(psk === undefined ? [] : [["psk", psk.toHex()] as const]),
  ]);
}

/** What the program's own channels put on the wire for a session. */
function recorded(crypto: Crypto, session: SampleSession): Uint8Array[] {
  const { pattern, prologue, psk } = session;
  const channel = (role: Side): Channel =>
    new Channel({
      primitives: crypto,
      role,
      pattern,
      prologue,
      staticKey: session[role].staticKey,
      ephemeralKey: session[role].ephemeralKey,
      ...(psk ? { psk } : {}),
    });
  using initiator = channel("initiator");
  using responder = channel("responder");
  const sides = { initiator, responder };
  const wire: Uint8Array[] = [];
  const record = (events: readonly ChannelEvent[]): Uint8Array => {
    const frames = events.flatMap((event) => event.type === "send" ? [event.bytes] : []);
    wire.push(...frames);
    return concat(...frames);
  };
  responder.start();
  const answer = record(responder.receive(record(initiator.start())));
  responder.receive(record(initiator.receive(answer)));
  for (const { from, message } of session.messages) {
    wire.push(sides[from].seal(encodeMessage(message)));
  }
  return wire;
}

/** The parts of a session's text as they come, with what has to be counted on the way. */
class SessionText {
  readonly #crypto: Crypto;
  readonly #session: SampleSession;
  readonly #wire: readonly Uint8Array[];
  readonly #parts: string[] = [];
  readonly #sent = { initiator: 0n, responder: 0n };
  #frames = 0;

  constructor(crypto: Crypto, session: SampleSession) {
    this.#crypto = crypto;
    this.#session = session;
    this.#wire = recorded(crypto, session);
  }

  write(): string {
    const session = this.#session;
    const { initiator, responder } = session;
    const walk = walkHandshake({ primitives: this.#crypto, ...session });
    this.#parts.push(`## ${session.title}`, session.story, "### Keys and start");
    this.#parts.push(keyTable(session), stepTable(walk.start));
    for (const [index, { bytes, steps }] of walk.messages.entries()) {
      const from = index === 1 ? "responder" : "initiator";
      this.#frame(from, `handshake message ${index + 1}`, framed(bytes), stepTable(steps));
    }
    this.#parts.push(
      "### After the handshake",
      table([
        ["handshake hash", walk.handshakeHash.toHex()],
        [`key of the ${initiator.name}'s messages`, walk.initiatorKey.toHex()],
        [`key of the ${responder.name}'s messages`, walk.responderKey.toHex()],
      ]),
      "The keys that follow them after 1,048,576 messages each:",
      table([
        [`next key of the ${initiator.name}'s messages`, this.#next(walk.initiatorKey)],
        [`next key of the ${responder.name}'s messages`, this.#next(walk.responderKey)],
      ]),
    );
    const keys = { initiator: walk.initiatorKey, responder: walk.responderKey };
    for (const message of session.messages) this.#message(message, keys[message.from]);
    return this.#parts.join("\n\n");
  }

  #next(key: Uint8Array): string {
    return rekeyed(this.#crypto, key).toHex();
  }

  #message({ from, message }: SampleMessage, key: Uint8Array): void {
    const plaintext = encodeMessage(message);
    const number = this.#sent[from]++;
    const frame = framed(sealed(this.#crypto, key, number, NOTHING, plaintext));
    this.#frame(
      from,
      `\`${message.type}\``,
      frame,
      `Message ${number} of this direction, nonce \`${nonceOf(number).toHex()}\`, ` +
        `${plaintext.length} bytes of plaintext:`,
      block([new TextDecoder().decode(plaintext)]),
    );
  }

  /** A frame, which has to be just what the program itself sends. */
  #frame(from: Side, what: string, frame: Uint8Array, ...details: readonly string[]): void {
    const number = this.#frames++;
    const { initiator, responder, title } = this.#session;
    if (this.#wire[number]?.toHex() !== frame.toHex()) {
      throw new Error(`${title}: frame ${number + 1} is not what a channel sends`);
    }
    const [sender, receiver] = from === "initiator"
      ? [initiator, responder]
      : [responder, initiator];
    this.#parts.push(
      `### Frame ${number + 1}: ${sender.name} to ${receiver.name}, ${what}`,
      ...details,
      `${frame.length} bytes on the wire:`,
      block(hexDump(frame)),
    );
  }
}

/**
 * The whole document, the same each time.
 *
 * @throws Error when the program's own channels send anything else.
 */
export function sessionDocument(crypto: Crypto): string {
  const parts = sampleSessions(crypto).map((session) => new SessionText(crypto, session).write());
  return `${[INTRODUCTION.trimEnd(), ...parts].join("\n\n")}\n`;
}
