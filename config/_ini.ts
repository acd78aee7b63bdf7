import { quoteName } from "./_messages.ts";
import type { IniDocument, IniEntry, IniLine, IniParse, IniSection } from "./_ini_types.ts";
import type { Problem } from "./_types.ts";

interface ParseState {
  readonly text: string;
  readonly fileName: string;
  readonly lines: IniLine[];
  readonly sections: IniSection[];
  readonly entries: IniEntry[];
  readonly problems: Problem[];
  section: string;
}

interface LineSpan {
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

interface ValueSpan {
  readonly value: string;
  readonly quoted: boolean;
  readonly start: number;
  readonly end: number;
  /** Where the statement's `;`, the comment or the line's end is. */
  readonly stop: number;
}

const WHITE_SPACE = /\s/;

/**
 * Parses master.ini's dialect. Any text gives a document; nothing is thrown.
 *
 * `[section]` stands first on its line; `key = value` ends at `;`, at a comment or at the line's
 * end; `#` starts a comment anywhere outside quotes; a value that starts with `"` or `'` runs to
 * the same quote on the same line, and between double quotes `\"` and `\\` are escapes. A byte
 * order mark is kept and otherwise ignored.
 */
export function parseIni(text: string, fileName: string): IniParse {
  const state: ParseState = {
    text,
    fileName,
    lines: [],
    sections: [],
    entries: [],
    problems: [],
    section: "",
  };
  const firstNul = text.indexOf("\0");
  let start = text.startsWith("\uFEFF") ? 1 : 0;
  for (let number = 1;; number++) {
    const newline = text.indexOf("\n", start);
    const next = newline < 0 ? text.length : newline + 1;
    let end = newline < 0 ? text.length : newline;
    // At the text's end too: a line appended later makes the last line's \r part of its end.
    if (end > start && text[end - 1] === "\r") end--;
    const line = { number, start, end };
    if (firstNul >= start && firstNul < next) {
      // One is told, not each: a UTF-16 file has one beside every letter.
      tell(
        state,
        line,
        firstNul,
        "error",
        "a NUL byte; master.ini is plain text in UTF-8, save it as that",
      );
    }
    state.lines.push({ start, end, next, comment: readLine(state, line) });
    if (newline < 0) break;
    start = next;
  }
  const { lines, sections, entries, problems } = state;
  return { document: { fileName, text, lines, sections, entries }, problems };
}

/** The document's text: exactly what was parsed, or what the edits since then made of it. */
export function printIni(document: IniDocument): string {
  return document.text;
}

/** Reads one line and gives the offset of its comment, if it has one. */
function readLine(state: ParseState, line: LineSpan): number | undefined {
  const { text } = state;
  let position = skipSpace(text, line.start, line.end);
  if (text[position] === "[" && position < line.end) {
    position = readHeader(state, line, position);
  } else if (text[position] === ";" && position < line.end) {
    const after = skipSpace(text, position + 1, line.end);
    if (after < line.end && text[after] !== "#" && text[after] !== ";") {
      tell(
        state,
        line,
        position,
        "error",
        "a line can't start with ';', which ends a value; start a comment with #",
      );
      return undefined;
    }
  }
  for (;;) {
    position = skipSpace(text, position, line.end);
    if (position >= line.end) return undefined;
    const character = text[position];
    if (character === "#") return position;
    if (character === ";") {
      position++;
    } else if (character === "[") {
      tell(
        state,
        line,
        position,
        "error",
        "a [section] must be the first thing on its line; move it to a line of its own",
      );
      return undefined;
    } else {
      position = readStatement(state, line, position);
    }
  }
}

function readHeader(state: ParseState, line: LineSpan, open: number): number {
  const { text } = state;
  const stop = findAny(text, open + 1, line.end, "]#;");
  const closed = stop < line.end && text[stop] === "]";
  const inner = text.slice(open + 1, stop).trim();
  // An unclosed header still opens its section, or every key below it would be told as misplaced.
  const name = closed ? inner : /^[\w.-]*/.exec(inner)?.[0] ?? "";
  if (!closed) {
    tell(
      state,
      line,
      open,
      "error",
      `section header without "]"; write [${name || "section"}]`,
    );
  } else if (name === "") {
    tell(state, line, open, "error", "section header without a name; write [section]");
  }
  state.section = name;
  state.sections.push({ name, line: line.number, column: open - line.start + 1 });
  return closed ? stop + 1 : stop;
}

function readStatement(state: ParseState, line: LineSpan, start: number): number {
  const { text } = state;
  const equals = findAny(text, start, line.end, "=;#");
  if (equals >= line.end || text[equals] !== "=") {
    // The text is not quoted: it may be the half of a password that holds a ; or a line break.
    tell(
      state,
      line,
      start,
      "error",
      'text without "="; write key = value; with quotes around a value that holds ; or #, ' +
        "and # before a comment",
    );
    return equals;
  }
  const key = text.slice(start, equals).trim();
  const value = readValue(state, line, equals + 1);
  const end = value.stop < line.end && text[value.stop] === ";" ? value.stop + 1 : value.stop;
  if (key === "") {
    tell(state, line, start, "error", 'no key before "="; write key = value;');
    return end;
  }
  if (state.section === "") {
    const name = quoteName(key);
    tell(state, line, start, "error", `${name} is outside a section; put it below its [section]`);
  }
  state.entries.push({
    section: state.section,
    key,
    value: value.value,
    quoted: value.quoted,
    line: line.number,
    column: start - line.start + 1,
    valueColumn: value.start - line.start + 1,
    start,
    valueStart: value.start,
    valueEnd: value.end,
    end,
  });
  return end;
}

function readValue(state: ParseState, line: LineSpan, afterEquals: number): ValueSpan {
  const { text } = state;
  const start = skipSpace(text, afterEquals, line.end);
  const quote = start < line.end ? text[start] : undefined;
  if (quote === '"' || quote === "'") return readQuoted(state, line, start, quote);
  const stop = findAny(text, start, line.end, ";#");
  const value = text.slice(start, stop).trim();
  if (value === "") {
    // An empty value is written where one would stand: a space after the "=", if there is one.
    const place = Math.min(afterEquals + 1, start);
    return { value, quoted: false, start: place, end: place, stop };
  }
  const end = start + value.length;
  if (end === stop && stop < line.end && text[stop] === "#") {
    tell(
      state,
      line,
      stop,
      "warning",
      "# starts a comment here; put quotes around the value if # is part of it, " +
        "or a space before # if not",
    );
  }
  return { value, quoted: false, start, end, stop };
}

function readQuoted(
  state: ParseState,
  line: LineSpan,
  start: number,
  quote: '"' | "'",
): ValueSpan {
  const { text } = state;
  const pieces: string[] = [];
  let pieceStart = start + 1;
  let position = pieceStart;
  for (; position < line.end && text[position] !== quote; position++) {
    if (quote === '"' && text[position] === "\\" && position + 1 < line.end) {
      const escaped = text[position + 1];
      if (escaped === '"' || escaped === "\\") {
        pieces.push(text.slice(pieceStart, position));
        position++;
        pieceStart = position;
      }
    }
  }
  pieces.push(text.slice(pieceStart, position));
  const value = pieces.join("");
  if (position >= line.end) {
    tell(
      state,
      line,
      start,
      "error",
      `quote without its end; add ${quote} after the value` +
        (quote === '"' ? ' (inside it, write " as \\" and \\ as \\\\)' : ""),
    );
    return { value, quoted: true, start, end: line.end, stop: line.end };
  }
  const after = skipSpace(text, position + 1, line.end);
  const stop = findAny(text, after, line.end, ";#");
  if (stop > after) {
    tell(
      state,
      line,
      after,
      "error",
      "text after the closing quote; end the value with ; or put all of it between the quotes",
    );
    const end = after + text.slice(after, stop).trimEnd().length;
    return { value, quoted: true, start, end, stop };
  }
  return { value, quoted: true, start, end: position + 1, stop };
}

function tell(
  state: ParseState,
  line: LineSpan,
  offset: number,
  severity: Problem["severity"],
  message: string,
): void {
  const column = offset - line.start + 1;
  state.problems.push({ file: state.fileName, line: line.number, column, message, severity });
}

function skipSpace(text: string, from: number, end: number): number {
  let position = from;
  while (position < end && WHITE_SPACE.test(text.charAt(position))) position++;
  return position;
}

function findAny(text: string, from: number, end: number, wanted: string): number {
  let position = from;
  while (position < end && !wanted.includes(text.charAt(position))) position++;
  return position;
}
