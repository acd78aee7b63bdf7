import { parseIni } from "./_ini.ts";
import type { IniDocument, IniEdit, IniEntry, IniLine, IniSection } from "./_ini_types.ts";
import { quoteName } from "./_messages.ts";

/** Tab stops are this far apart when a comment is kept in its column, as terminals have them. */
const TAB_WIDTH = 8;

/** Indentation of a key in a section that has no other key to copy it from. */
const INDENT = "  ";

/**
 * Sets a key's value in a document, or a repeated key's values.
 *
 * A value that is there is replaced where it stands; its line keeps its spacing, and its comment
 * keeps its column where the new value leaves room. More values than there are entries become new
 * lines: after the last entry of that key, else after its commented example (`# key = …`) in the
 * section, else at the end of the section, which is made at the end of the text if it is missing.
 * Surplus entries are removed as {@linkcode removeIniKey} does. An entry that already has its value
 * is not touched.
 *
 * @param names The key's name, or all its spellings; a new entry gets the first.
 * @param value The value, or the values of a repeated key in order; none removes the key.
 */
export function setIniValue(
  document: IniDocument,
  section: string,
  names: string | readonly string[],
  value: string | readonly string[],
): IniEdit {
  const spellings = typeof names === "string" ? [names] : names;
  const values = typeof value === "string" ? [value] : value;
  const [name] = spellings;
  if (!isName(section) || name === undefined || !isName(name)) {
    const wrong = isName(section) ? name ?? "" : section;
    return {
      ok: false,
      message: `${quoteName(wrong)} can't be a name; use letters, digits, "-", "_" and "."`,
    };
  }
  if (!values.every(isWritable)) {
    return {
      ok: false,
      message: `the value of ${name} holds a line break or another control character; ` +
        "write it in one line of text",
    };
  }
  let current = document;
  let entries = find(current, section, spellings);
  values.forEach((wanted, index) => {
    const entry = entries[index];
    if (entry === undefined) {
      current = addEntry(current, section, name, wanted, entries.at(-1));
    } else if (entry.value !== wanted) {
      current = replaceValue(current, entry, wanted);
    } else return;
    entries = find(current, section, spellings);
  });
  return { ok: true, document: removeFrom(current, section, spellings, values.length) };
}

/**
 * Removes every entry of a key, with its line and that line's comment when nothing else stands on
 * it. Comment lines of their own stay.
 *
 * @param names The key's name, or all its spellings.
 */
export function removeIniKey(
  document: IniDocument,
  section: string,
  names: string | readonly string[],
): IniDocument {
  return removeFrom(document, section, typeof names === "string" ? [names] : names, 0);
}

/** The values a document has for a key, in the text's order; none when the key is not there. */
export function readIniValues(
  document: IniDocument,
  section: string,
  names: string | readonly string[],
): readonly string[] {
  const spellings = typeof names === "string" ? [names] : names;
  return find(document, section, spellings).map((entry) => entry.value);
}

function find(
  document: IniDocument,
  section: string,
  names: readonly string[],
): readonly IniEntry[] {
  return document.entries.filter((entry) => entry.section === section && names.includes(entry.key));
}

function removeFrom(
  document: IniDocument,
  section: string,
  names: readonly string[],
  keep: number,
): IniDocument {
  let current = document;
  for (;;) {
    const entries = find(current, section, names);
    const last = entries.at(-1);
    if (last === undefined || entries.length <= keep) return current;
    current = removeEntry(current, last);
  }
}

function replaceValue(document: IniDocument, entry: IniEntry, value: string): IniDocument {
  const { text } = document;
  const line = lineAt(document, entry.line);
  const written = encodeValue(value, entry.quoted);
  if (line.comment === undefined) {
    return splice(document, entry.valueStart, entry.valueEnd, written);
  }
  const beforeComment = text.slice(line.start, line.comment).trimEnd().length;
  const gapStart = Math.max(entry.valueEnd, line.start + beforeComment);
  const gap = text.slice(gapStart, line.comment);
  const before = text.slice(line.start, entry.valueStart) + written +
    text.slice(entry.valueEnd, gapStart);
  const column = columnAfter(text.slice(line.start, line.comment));
  const newGap = gap !== "" && columnAfter(before + gap) === column
    ? gap
    : " ".repeat(Math.max(1, column - columnAfter(before)));
  return splice(document, line.start, line.comment, before + newGap);
}

function removeEntry(document: IniDocument, entry: IniEntry): IniDocument {
  const { text } = document;
  const line = lineAt(document, entry.line);
  const contentEnd = line.comment ?? line.end;
  // Further ";" go too: at the start of a line they would be an error.
  let end = entry.end;
  while (end < contentEnd && /[\s;]/.test(text.charAt(end))) end++;
  const alone = text.slice(line.start, entry.start).trim() === "" && end === contentEnd;
  if (alone) return splice(document, line.start, line.next, "");
  if (end < line.end) return splice(document, entry.start, end, "");
  const start = line.start + text.slice(line.start, entry.start).trimEnd().length;
  return splice(document, start, line.end, "");
}

function addEntry(
  document: IniDocument,
  section: string,
  key: string,
  value: string,
  after: IniEntry | undefined,
): IniDocument {
  const statement = `${after?.key ?? key} = ${encodeValue(value, false)};`;
  if (after !== undefined) {
    return addLine(document, after.line, indentOfEntry(document, after) + statement);
  }
  const headers = document.sections.filter((header) => header.name === section);
  const last = headers.at(-1);
  if (last === undefined) return addSection(document, section, statement);
  const example = findExample(document, headers, key);
  if (example !== undefined) {
    return addLine(document, example, indentOfLine(document, example) + statement);
  }
  const end = endOfSection(document, last);
  const sibling = document.entries.findLast((entry) =>
    entry.section === section && entry.line >= last.line
  );
  const indent = sibling === undefined
    ? indentOfLine(document, last.line) + INDENT
    : indentOfEntry(document, sibling);
  return addLine(document, end, indent + statement);
}

/** The last line of a section that is `# key = …` and nothing else. */
function findExample(
  document: IniDocument,
  headers: readonly IniSection[],
  key: string,
): number | undefined {
  let found: number | undefined;
  for (const header of headers) {
    for (let line = header.line + 1; line < nextHeaderLine(document, header); line++) {
      const content = commentOf(document, line)?.replace(/^#+/, "").trimStart();
      if (
        content?.startsWith(key) === true && content.slice(key.length).trimStart().startsWith("=")
      ) {
        found = line;
      }
    }
  }
  return found;
}

/**
 * The line after which a new key of the section goes: its last entry's, or its header's, and the
 * comment lines that follow it without a gap. Comments that touch the next header belong to that.
 */
function endOfSection(document: IniDocument, header: IniSection): number {
  const nextHeader = nextHeaderLine(document, header);
  const lastEntry = document.entries.findLast((entry) =>
    entry.line >= header.line && entry.line < nextHeader
  );
  const base = lastEntry?.line ?? header.line;
  let end = base;
  while (end + 1 < nextHeader && commentOf(document, end + 1) !== undefined) end++;
  return end + 1 === nextHeader && nextHeader <= document.lines.length ? base : end;
}

function addSection(document: IniDocument, section: string, statement: string): IniDocument {
  const { text, lines } = document;
  const eol = eolOf(document);
  const last = lines.at(-1);
  const open = last !== undefined && last.start < last.next ? eolAtEnd(document) : "";
  const blank = lines.some((line) => text.slice(line.start, line.end).trim() !== "") ? eol : "";
  return splice(
    document,
    text.length,
    text.length,
    `${open}${blank}[${section}]${eol}${INDENT}${statement}${eol}`,
  );
}

function addLine(document: IniDocument, after: number, content: string): IniDocument {
  const line = lineAt(document, after);
  const terminated = document.text.slice(line.end, line.next).endsWith("\n");
  const added = terminated ? content + eolOf(document) : eolAtEnd(document) + content;
  return splice(document, line.next, line.next, added);
}

function splice(
  document: IniDocument,
  start: number,
  end: number,
  replacement: string,
): IniDocument {
  const text = document.text.slice(0, start) + replacement + document.text.slice(end);
  return parseIni(text, document.fileName).document;
}

function lineAt(document: IniDocument, number: number): IniLine {
  const line = document.lines[number - 1];
  if (line === undefined) throw new RangeError(`line ${number} is not in ${document.fileName}`);
  return line;
}

function nextHeaderLine(document: IniDocument, header: IniSection): number {
  const next = document.sections.find((other) => other.line > header.line);
  return next?.line ?? document.lines.length + 1;
}

/** A comment line's text from its `#` on; undefined when something else stands on the line. */
function commentOf(document: IniDocument, number: number): string | undefined {
  const { start, end, comment } = lineAt(document, number);
  if (comment === undefined || document.text.slice(start, comment).trim() !== "") return undefined;
  return document.text.slice(comment, end);
}

function indentOfLine(document: IniDocument, number: number): string {
  const { start, end } = lineAt(document, number);
  return /^\s*/.exec(document.text.slice(start, end))?.[0] ?? "";
}

function indentOfEntry(document: IniDocument, entry: IniEntry): string {
  const before = document.text.slice(lineAt(document, entry.line).start, entry.start);
  return before.trim() === "" ? before : INDENT;
}

/** The line end of the first line; the others are taken to be the same. */
function eolOf(document: IniDocument): string {
  const { end, next } = lineAt(document, 1);
  const eol = document.text.slice(end, next);
  return eol.endsWith("\n") ? eol : "\n";
}

/** What ends a last line that has no line end yet, or has the first half of one. */
function eolAtEnd(document: IniDocument): string {
  return document.text.endsWith("\r") ? "\n" : eolOf(document);
}

function columnAfter(text: string): number {
  let column = 0;
  for (const character of text) {
    column += character === "\t" ? TAB_WIDTH - column % TAB_WIDTH : 1;
  }
  return column;
}

function encodeValue(value: string, keepQuotes: boolean): string {
  // "=" is quoted too: unquoted it looks like a second setting after a forgotten ";".
  const plain = value !== "" && value.trim() === value && !/[#;"'=]/.test(value);
  if (plain && !keepQuotes) return value;
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function isName(name: string): boolean {
  return /^[\w.-]+$/.test(name);
}

/** No control character but the tab, and nothing that UTF-8 can't hold. */
function isWritable(value: string): boolean {
  return value.isWellFormed() && !/\p{Cc}/u.test(value.replaceAll("\t", ""));
}
