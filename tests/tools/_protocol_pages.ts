/** Reads docs/protocol.md and docs/protocol_encrypted.md: their examples, tables and code. */

import assert from "node:assert/strict";
import { ROOT } from "../../tools/_project.ts";

/** What a fenced block of JSON is, as its info string says. */
export type Direction = "ring1-request" | "ring1-answer" | "ring2-request" | "ring2-answer";

export interface Example {
  readonly directions: readonly Direction[];
  readonly json: string;
}

/** A part that begins with `#### `, which is about one type of message. */
export interface MessagePart {
  readonly type: string;
  readonly examples: readonly Example[];
  /** Cells of the table of its members; undefined when it has none. */
  readonly members: readonly (readonly string[])[] | undefined;
}

const DIRECTIONS: readonly Direction[] = [
  "ring1-request",
  "ring1-answer",
  "ring2-request",
  "ring2-answer",
];

export const PAGES = [
  "protocol.md",
  "protocol_encrypted.md",
  "protocol_masters.md",
  "protocol_session.md",
] as const;

export function page(name: typeof PAGES[number]): string {
  return Deno.readTextFileSync(`${ROOT}/docs/${name}`);
}

/** Fenced blocks of one language: what stands behind the language, and the text. */
export function fences(text: string, language: string): { info: string; body: string }[] {
  const fence = new RegExp(`^\`\`\`${language}(?: ([^\n]*))?\n(.*?)\n\`\`\`$`, "gms");
  return [...text.matchAll(fence)].map(([, info = "", body = ""]) => ({ info, body }));
}

export function examples(text: string): Example[] {
  return fences(text, "json").map(({ info, body }) => {
    const directions = DIRECTIONS.filter((each) => info.split(" ").includes(each));
    assert.equal(directions.join(" ").length, info.length, `directions "${info}"`);
    assert.notEqual(directions.length, 0, `an example without a direction: ${body}`);
    return { directions, json: body };
  });
}

/** The rows of a table, below the one whose first cell is given, as cells. */
export function table(text: string, firstCell: string): string[][] | undefined {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => cells(line)[0] === firstCell);
  if (start < 0) return undefined;
  const rows = lines.slice(start + 2);
  const end = rows.findIndex((line) => !line.startsWith("|"));
  return rows.slice(0, end < 0 ? rows.length : end).map(cells);
}

function cells(line: string): string[] {
  return line.startsWith("|") ? line.slice(1, -1).split("|").map((cell) => cell.trim()) : [];
}

export function messageParts(text: string): MessagePart[] {
  return text.split("\n#### ").slice(1).map((part) => {
    const type = /^`([a-z]+)`\n/.exec(part)?.[1] ?? assert.fail(part.slice(0, 40));
    const own = part.split(/\n#{2,3} /)[0] ?? "";
    return { type, examples: examples(own), members: table(own, "member") };
  });
}

/** A heading's name in links. */
function anchor(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}

/** Links of a text to files beside it and to headings that are not there. */
export function brokenLinks(text: string): string[] {
  const anchors = (content: string): string[] =>
    [...content.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchor(heading));
  return [...text.matchAll(/\]\(([^)]*)\)/g)].flatMap(([, link = ""]) => {
    if (/^https?:/.test(link)) return [];
    const [file = "", heading] = link.split("#");
    const target = file === "" ? text : readIfThere(file);
    const isThere = target !== undefined &&
      (heading === undefined || anchors(target).includes(heading));
    return isThere ? [] : [link];
  });
}

function readIfThere(file: string): string | undefined {
  try {
    return Deno.readTextFileSync(`${ROOT}/docs/${file}`);
  } catch {
    return undefined;
  }
}
