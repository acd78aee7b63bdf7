/**
 * The encrypted channel without its sockets: handshakes and messages, against libgcrypt in C.
 *
 * @module
 */

import { Channel, type ChannelEvent, type Crypto, openCrypto, PROLOGUES } from "../crypto/mod.ts";
import { compileWithGcrypt } from "./_compile.ts";
import { BENCH, capture, DENO } from "./_environment.ts";
import { aimHigh, type Report } from "./_report.ts";
import type { Workplace } from "./_servers.ts";
import { interleave, ratios, spread } from "./_statistics.ts";

/** Rounds that count. */
const ROUNDS = 7;

/** Handshakes of a round: a quarter of a second of CPU time in C. */
const HANDSHAKES = 500;

/** Sizes of messages; the second one is the longest there is, 64 KiB less 17 bytes. */
const SIZES = [{ label: "1 KiB", bytes: 1024 }, { label: "64 KiB", bytes: 65_519 }];

/** Bytes of plaintext of a round: a twelfth of a second of CPU time in C. */
const ROUND_BYTES = 150_000_000;

/** Aims, as ratios of what a CPU-second does. */
const HANDSHAKES_TO_C = 0.85;
const MESSAGES_TO_C = 0.8;

const MEGA = 1e6;

/** Something that does work and tells its CPU time. */
interface Subject {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
}

/** What is measured of one kind of work. */
interface Work {
  readonly section: string;
  /** Ours, and what it is held against, if that is there. */
  readonly subjects: readonly Subject[];
  /** What one run does, in units. */
  readonly amount: number;
  /** Unit of what a CPU-second does. */
  readonly unit: string;
  /** Least ratio to the last subject. */
  readonly atLeast: number;
}

function ours(name: string, args: readonly string[]): Subject {
  return {
    name,
    program: DENO,
    args: ["run", "--frozen", "--allow-all", `${BENCH}noise.ts`, ...args],
  };
}

async function microseconds({ name, program, args }: Subject): Promise<number> {
  const finished = await capture(program, args);
  if (!finished?.ok) throw new Error(`${name} failed: ${finished?.stderr ?? "it is gone"}`);
  return JSON.parse(finished.stdout).microseconds;
}

async function measure(report: Report, work: Work, withC: boolean): Promise<void> {
  const { section, subjects, amount, unit, atLeast } = work;
  const results = await interleave(subjects, ROUNDS, microseconds);
  const perSecond = (subject: Subject) =>
    (results.get(subject) ?? []).map((took) => amount / took * MEGA);
  for (const subject of subjects) {
    const figures = [{ name: "a CPU-second", unit, value: spread(perSecond(subject)) }];
    report({ type: "figures", section, subject: subject.name, figures });
  }
  const c = subjects.at(-1);
  if (!withC || !c) return;
  for (const subject of subjects.slice(0, -1)) {
    const ratio = ratios(perSecond(subject), perSecond(c));
    report(aimHigh(section, `${subject.name} : ${c.name}`, ratio, atLeast));
  }
}

function frames(events: readonly ChannelEvent[]): Uint8Array[] {
  return events.flatMap((event) => event.type === "send" ? [event.bytes] : []);
}

/** An initiator's side of a handshake, as arguments of noise.c and noise.ts. */
function recordHandshake(primitives: Crypto): string[] {
  const common = { primitives, pattern: "XX", prologue: PROLOGUES.ring2 } as const;
  const staticKey = primitives.keyPair();
  const ephemeralKey = primitives.keyPair();
  using initiator = new Channel({
    ...common,
    role: "initiator",
    staticKey: primitives.keyPair(),
  });
  using responder = new Channel({ ...common, role: "responder", staticKey, ephemeralKey });
  responder.start();
  const [first] = frames(initiator.start());
  const [reply] = first ? frames(responder.receive(first)) : [];
  const [last] = reply ? frames(initiator.receive(reply)) : [];
  const [end] = last ? responder.receive(last) : [];
  if (!first || !last || end?.type !== "open") {
    throw new Error("a handshake did not come to its end");
  }
  const parts = [
    staticKey.privateKey,
    ephemeralKey.privateKey,
    // Without the lengths in front.
    first.subarray(2),
    last.subarray(2),
    end.handshakeHash,
  ];
  return parts.map((part) => part.toHex());
}

/**
 * libgcrypt, and the program in C beside us.
 *
 * @returns Undefined, after the report was told why, when there is no libgcrypt.
 */
async function prepare(
  workplace: Workplace,
  report: Report,
  section: string,
): Promise<{ crypto: Crypto; c: string | undefined } | undefined> {
  const opened = openCrypto();
  if (opened.type === "unavailable") {
    report({ type: "skipped", section, reason: opened.message });
    return undefined;
  }
  const compiled = await compileWithGcrypt(workplace, "noise.c");
  if (compiled.type === "compiled") return { crypto: opened.crypto, c: compiled.program };
  report({ type: "skipped", section, reason: `libgcrypt in C: ${compiled.reason}` });
  return { crypto: opened.crypto, c: undefined };
}

/** Handshakes a CPU-second, on the side that is connected to. */
export async function measureHandshakes(workplace: Workplace, report: Report): Promise<void> {
  const section = "handshakes as responder, XX";
  const prepared = await prepare(workplace, report, section);
  if (!prepared) return;
  const { c } = prepared;
  using crypto = prepared.crypto;
  const args = ["handshake", String(HANDSHAKES), ...recordHandshake(crypto)];
  const subjects = [
    ours("Channel", args),
    ...(c === undefined ? [] : [{ name: "libgcrypt in C", program: c, args }]),
  ];
  const work = { section, subjects, amount: HANDSHAKES, unit: "/s", atLeast: HANDSHAKES_TO_C };
  await measure(report, work, c !== undefined);
}

/** Bytes sealed and opened a CPU-second. */
export async function measureMessages(workplace: Workplace, report: Report): Promise<void> {
  const prepared = await prepare(workplace, report, "messages of the encrypted channel");
  if (!prepared) return;
  const { c } = prepared;
  prepared.crypto[Symbol.dispose]();
  for (const { label, bytes } of SIZES) {
    const count = Math.ceil(ROUND_BYTES / bytes);
    const sizes = [String(count), String(bytes)];
    const against = (task: string) =>
      c === undefined ? [] : [{ name: "libgcrypt in C", program: c, args: [task, ...sizes] }];
    const common = { amount: count * bytes / MEGA, unit: "MB/s", atLeast: MESSAGES_TO_C };
    await measure(report, {
      ...common,
      section: `messages sealed, ${label}`,
      subjects: [
        ours("Channel.seal", ["seal", ...sizes]),
        ours("Channel.sealInto", ["seal-into", ...sizes]),
        ...against("seal"),
      ],
    }, c !== undefined);
    await measure(report, {
      ...common,
      section: `messages opened, ${label}`,
      subjects: [ours("Channel.receive", ["open", ...sizes]), ...against("open")],
    }, c !== undefined);
  }
}
