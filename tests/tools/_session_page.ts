/** Reads docs/protocol_session.md as somebody does who writes a client by it: the text alone. */

import assert from "node:assert/strict";
import { ROOT } from "../../tools/_project.ts";
import { fromHex } from "../crypto/_helpers.ts";

export type Side = "initiator" | "responder";

/** The values behind a step of the handshake, in hexadecimal. */
export interface PageStep {
  readonly name: string;
  readonly values: Readonly<Partial<Record<"dh" | "h" | "ck" | "k", string>>>;
}

export interface PageFrame {
  readonly from: Side;
  /** All of it, its length included. */
  readonly bytes: Uint8Array;
  /** Of a handshake message. */
  readonly steps: readonly PageStep[];
  /** Of a message after the handshake. */
  readonly nonce: string | undefined;
  readonly plaintext: string | undefined;
}

export interface PageSession {
  readonly title: string;
  /** `Noise_…`. */
  readonly protocol: string;
  readonly prologue: string;
  readonly password: string | undefined;
  readonly psk: string | undefined;
  /** Keys in hexadecimal, by side and by `static, private` and the like. */
  readonly keys: Readonly<Record<Side, Readonly<Record<string, string>>>>;
  readonly start: readonly PageStep[];
  readonly frames: readonly PageFrame[];
  readonly handshakeHash: string;
  /** First keys of each side's messages, and those that follow them. */
  readonly transport: Readonly<Record<Side, string>>;
  readonly next: Readonly<Record<Side, string>>;
}

export const PAGE_PATH = `${ROOT}/docs/protocol_session.md`;

/** The text in the fenced blocks of a part. */
function blocks(part: string): string[] {
  return [...part.matchAll(/^```text\n(.*?)\n```$/gms)].map(([, text = ""]) => text);
}

/** A part's heading and what stands below it. */
function parts(text: string, mark: string): { heading: string; body: string }[] {
  return text.split(`\n${mark} `).slice(1).map((part) => {
    const end = part.indexOf("\n");
    return { heading: part.slice(0, end), body: part.slice(end) };
  });
}

function labelled(block: string): Map<string, string> {
  return new Map(
    block.split("\n").map((line) => {
      const [, label = "", value = ""] = /^(.*?) {2,}(.*)$/.exec(line) ?? assert.fail(line);
      return [label, value];
    }),
  );
}

function stepsOf(block: string): PageStep[] {
  const steps: { name: string; values: Record<string, string> }[] = [];
  for (const line of block.split("\n")) {
    const match = /^(\S*) +(dh|h|ck|k) +([0-9a-f]{64})$/.exec(line);
    const [, name = "", symbol = "", value = ""] = match ?? assert.fail(line);
    if (name !== "") steps.push({ name, values: {} });
    const step = steps.at(-1) ?? assert.fail(line);
    step.values[symbol] = value;
  }
  return steps;
}

/** Bytes of a dump, whose offsets and printable characters have to fit them. */
export function bytesOf(dump: string): Uint8Array<ArrayBuffer> {
  const lines = dump.split("\n").map((line, index) => {
    const match = /^([0-9a-f]{4}) {2}([0-9a-f ]{48}) {2}\|(.*)\|$/.exec(line);
    const [, offset = "", digits = "", printable = ""] = match ?? assert.fail(line);
    assert.equal(parseInt(offset, 16), 16 * index);
    const bytes = fromHex(digits);
    const characters = [...bytes].map((byte) =>
      byte < 32 || byte > 126 ? "." : String.fromCharCode(byte)
    );
    assert.equal(printable, characters.join(""));
    return bytes;
  });
  return Uint8Array.from(lines.flatMap((bytes) => [...bytes]));
}

function frameOf(names: Readonly<Record<Side, string>>, heading: string, body: string): PageFrame {
  const [first = "", dump = first] = blocks(body);
  const isHandshake = heading.includes("handshake message");
  const bytes = bytesOf(dump);
  assert.ok(body.includes(`${bytes.length} bytes on the wire`), heading);
  return {
    from: heading.includes(`: ${names.initiator} to `) ? "initiator" : "responder",
    bytes,
    steps: isHandshake ? stepsOf(first) : [],
    nonce: /nonce `([0-9a-f]{24})`/.exec(body)?.[1],
    plaintext: isHandshake ? undefined : first,
  };
}

function sessionOf(title: string, body: string): PageSession {
  const [keysPart, ...others] = parts(body, "###");
  const [keyBlock = "", startBlock = ""] = blocks(keysPart?.body ?? "");
  const values = labelled(keyBlock);
  const [initiator = "", responder = ""] = new Set(
    [...values.keys()].flatMap((label) => /^(.*), (?:static|ephemeral), /.exec(label)?.[1] ?? []),
  );
  const names = { initiator, responder };
  const keysOf = (side: Side): Record<string, string> =>
    Object.fromEntries(
      [...values].flatMap(([label, value]) =>
        label.startsWith(`${names[side]}, `) ? [[label.slice(names[side].length + 2), value]] : []
      ),
    );
  const after = others.find(({ heading }) => heading === "After the handshake");
  const [keyTable = "", nextTable = ""] = blocks(after?.body ?? "");
  const transport = labelled(keyTable);
  const next = labelled(nextTable);
  const messageKey = (table: Map<string, string>, side: Side, before = ""): string =>
    table.get(`${before}key of the ${names[side]}'s messages`) ?? assert.fail(title);
  return {
    title,
    protocol: values.get("protocol name") ?? assert.fail(title),
    prologue: values.get("prologue") ?? assert.fail(title),
    password: values.get("password"),
    psk: values.get("psk"),
    keys: { initiator: keysOf("initiator"), responder: keysOf("responder") },
    start: stepsOf(startBlock),
    frames: others.filter(({ heading }) => heading.startsWith("Frame "))
      .map(({ heading, body }) => frameOf(names, heading, body)),
    handshakeHash: transport.get("handshake hash") ?? assert.fail(title),
    transport: {
      initiator: messageKey(transport, "initiator"),
      responder: messageKey(transport, "responder"),
    },
    next: {
      initiator: messageKey(next, "initiator", "next "),
      responder: messageKey(next, "responder", "next "),
    },
  };
}

/** All sessions of the committed page. */
export function pageSessions(): PageSession[] {
  return parts(Deno.readTextFileSync(PAGE_PATH), "##").map(({ heading, body }) =>
    sessionOf(heading, body)
  );
}
