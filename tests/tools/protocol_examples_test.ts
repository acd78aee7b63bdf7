/**
 * What docs/protocol.md and docs/protocol_encrypted.md say is what the program does: every example,
 * every table of members and limits, every command, every line of C.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decodeKey } from "../../crypto/mod.ts";
import {
  type DecodedMessage,
  decodeRing1Answer,
  decodeRing1Request,
  decodeRing2Answer,
  decodeRing2Request,
  ERROR_CODES,
  TextDecoderStream,
} from "../../protocol/mod.ts";
import { decodeCursor } from "../../rings/_cursor.ts";
import { capture, DENO, PLAIN_OUTPUT } from "../../tools/_process.ts";
import { ROOT } from "../../tools/_project.ts";
import { bytes } from "../_helpers.ts";
import {
  brokenLinks,
  type Direction,
  examples,
  fences,
  type MessagePart,
  messageParts,
  page,
  PAGES,
  table,
} from "./_protocol_pages.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

const DECODERS: Readonly<Record<Direction, (bytes: Uint8Array) => DecodedMessage<unknown>>> = {
  "ring1-request": decodeRing1Request,
  "ring1-answer": decodeRing1Answer,
  "ring2-request": decodeRing2Request,
  "ring2-answer": decodeRing2Answer,
};

const PROTOCOL = page("protocol.md");

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objectOf(json: string): JsonObject {
  const value: Json = JSON.parse(json);
  return isObject(value) ? value : assert.fail(json);
}

function decode(direction: Direction, value: Json): DecodedMessage<unknown> {
  return DECODERS[direction](bytes(JSON.stringify(value)));
}

/** Every `type` that a decoder knows, which it lists to whoever comes with another one. */
function knownTypes(direction: Direction): string[] {
  const decoded = decode(direction, { type: "?" });
  assert.ok(decoded.type === "refused");
  const list = /one of (.*), not/.exec(decoded.error.message)?.[1];
  return list?.split(", ") ?? assert.fail(decoded.error.message);
}

Deno.test("protocol.md: every JSON example is a message of its ring", () => {
  const found = examples(PROTOCOL);
  assert.equal(found.length, PROTOCOL.split("\n```json").length - 1);
  for (const { directions, json } of found) {
    for (const direction of directions) {
      const decoded = decode(direction, objectOf(json));
      assert.equal(decoded.type, "message", `${direction} ${json}: ${JSON.stringify(decoded)}`);
    }
  }
});

Deno.test("protocol.md: every type of message has a part of its own with an example", () => {
  const parts = messageParts(PROTOCOL);
  for (const direction of Object.keys(DECODERS) as Direction[]) {
    const shown = parts.filter((part) =>
      part.examples.some((example) => example.directions.includes(direction))
    );
    const types = shown.map(({ type }) => type);
    assert.deepEqual(types.sort(), knownTypes(direction).sort(), direction);
  }
  for (const { type, examples } of parts) {
    for (const { json } of examples) assert.equal(objectOf(json)["type"], type);
  }
});

/** Members of a message: `name`, and `name[].name` for those of a list's entries. */
function memberPaths(message: JsonObject): string[] {
  return Object.entries(message).flatMap(([name, value]) => {
    if (!Array.isArray(value)) return [name];
    const entries = value.filter(isObject).flatMap((entry) => Object.keys(entry));
    return [name, ...entries.map((entry) => `${name}[].${entry}`)];
  });
}

function without(message: JsonObject, path: string): JsonObject {
  const [name = "", entry] = path.split("[].");
  if (entry === undefined) {
    return Object.fromEntries(Object.entries(message).filter(([key]) => key !== name));
  }
  const list = message[name];
  assert.ok(Array.isArray(list) && list.length > 0, path);
  return { ...message, [name]: list.map((one) => isObject(one) ? without(one, entry) : one) };
}

function checkMembers({ type, examples, members }: MessagePart): void {
  const messages = examples.map(({ json }) => objectOf(json));
  const shown = new Set(messages.flatMap(memberPaths));
  shown.delete("type");
  if (!members) {
    // Those of `masters` are told at `registered`.
    if (type !== "masters") assert.deepEqual([...shown], [], type);
    return;
  }
  const rows = members.map(([name = "", , need = ""]) => [name.replaceAll("`", ""), need] as const);
  assert.deepEqual(rows.map(([name]) => name).sort(), [...shown].sort(), type);
  for (const [name, need] of rows) {
    const index = messages.findIndex((message) => memberPaths(message).includes(name));
    for (const direction of examples[index]?.directions ?? assert.fail(name)) {
      const decoded = decode(direction, without(messages[index] ?? {}, name));
      const isNeeded = need === "required" || need === "always";
      assert.equal(decoded.type !== "message", isNeeded, `${direction} ${type} without ${name}`);
    }
  }
}

Deno.test("protocol.md: tables of members name them all, and which may be left out", () => {
  for (const part of messageParts(PROTOCOL)) checkMembers(part);
});

Deno.test("protocol.md: every error code has its line", () => {
  const codes = table(PROTOCOL, "code")?.map(([code = ""]) => code.replaceAll("`", ""));
  assert.deepEqual(codes, ERROR_CODES);
});

Deno.test("protocol.md: cursors and keys of the examples are such as masters make", () => {
  const count = { cursors: 0, keys: 0 };
  for (const { body } of fences(PROTOCOL, "json")) {
    for (const [, cursor = ""] of body.matchAll(/"(?:since|cursor)": "([^"]*)"/g)) {
      assert.ok(decodeCursor(cursor), cursor);
      count.cursors++;
    }
    for (const [, key = ""] of body.matchAll(/"key": "([^"]*)"/g)) {
      assert.ok(decodeKey(key), key);
      count.keys++;
    }
  }
  assert.ok(count.cursors >= 3 && count.keys >= 3, JSON.stringify(count));
});

Deno.test("protocol.md: every old-style request is read as one", () => {
  const requests = [...PROTOCOL.matchAll(/^> (\\.*)$/gm)].map(([, request = ""]) => request);
  const tcp = requests.filter((request) => request !== "\\echo\\HELLO");
  assert.ok(tcp.length > 8, `${tcp.length}`);
  for (const request of tcp) {
    const decoded = [...new TextDecoderStream().push(bytes(request))];
    assert.equal(decoded.length, 1, request);
    const [first] = decoded;
    assert.ok(first?.type === "message", request);
    assert.equal(first.message.command, request.split("\\").find((token) => token !== ""));
  }
});

Deno.test("docs/protocol*.md: every link leads to a file and a heading", () => {
  for (const name of PAGES) assert.deepEqual(brokenLinks(page(name)), [], name);
});

/** Commands of the examples, as arguments, with their options. */
function commands(): { words: string[]; options: string[] }[] {
  return fences(PROTOCOL, "sh").flatMap(({ body }) =>
    body.split("\n").map((line) => {
      const [program, ...args] = line.split(" ");
      assert.equal(program, "masterserver", line);
      const words = args[0] === "key" ? args.slice(0, 2) : args.slice(0, 1);
      return { words, options: args.filter((arg) => arg.startsWith("--")) };
    })
  );
}

Deno.test("protocol.md: every command has the options that are shown", async () => {
  const helps = new Map<string, Promise<string>>();
  const helpOf = (words: readonly string[]): Promise<string> => {
    const args = ["run", "--no-prompt", "--frozen", "--allow-read", "--allow-env", "mod.ts"];
    const help = helps.get(words.join(" ")) ??
      capture(DENO, [...args, ...words, "--help"], { cwd: ROOT, env: PLAIN_OUTPUT })
        .then(({ code, stdout, stderr }) => code === 0 ? stdout : assert.fail(stderr));
    helps.set(words.join(" "), help);
    return help;
  };
  const shown = commands();
  assert.ok(shown.length >= 6, `${shown.length}`);
  for (const { words, options } of shown) {
    const help = await helpOf(words);
    assert.match(help, new RegExp(`^Usage: masterserver ${words.join(" ")} `, "m"));
    for (const option of options) assert.match(help, new RegExp(`^ +${option}\\b`, "m"));
  }
});
