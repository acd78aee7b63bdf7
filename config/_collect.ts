import type { IniDocument } from "./_ini_types.ts";
import { nameHead, nearest, quoteName, shorten } from "./_messages.ts";
import type { Place, Report } from "./_report.ts";
import { findRow, KEY_ROWS, SECTION_NAMES, spellings } from "./_keys.ts";

/** A value that the file or the command line gives for a known key. */
export interface Given {
  /** The key as it was spelt. */
  readonly name: string;
  readonly text: string;
  /** Whether the text is exactly what was meant, so that no quirk of the file is looked for. */
  readonly exact: boolean;
  readonly namePlace: Place;
  readonly valuePlace: Place;
}

/** What is given for each key, by {@linkcode rowId}, in the order in which it was first given. */
export type GivenValues = Map<string, Given[]>;

/** Names a row in maps. */
export function rowId(row: { readonly section: string; readonly property: string }): string {
  return `${row.section}.${row.property}`;
}

/** Collects what a document gives; unknown names and repeated keys are reported. */
export function collectFromFile(document: IniDocument, report: Report): GivenValues {
  const { fileName } = document;
  const given: GivenValues = new Map();
  const headers = new Map<string, number>();
  for (const { name, line, column } of document.sections) {
    const first = headers.get(name);
    const place = { file: fileName, line, column };
    if (first !== undefined) {
      report.add(
        "warning",
        place,
        () =>
          `section [${nameHead(name)}] was already opened at line ${first}; both are read as one`,
      );
    } else if (name !== "" && !isSection(name)) {
      report.add("error", place, () => `unknown section ${describeSection(name)}`);
    }
    if (first === undefined) headers.set(name, line);
  }
  for (const entry of document.entries) {
    // What stands in no section, or in an unknown one, has been told already.
    if (!isSection(entry.section)) continue;
    const namePlace = { file: fileName, line: entry.line, column: entry.column };
    const row = findRow(entry.section, entry.key);
    if (row === undefined) {
      report.add("error", namePlace, () => describeUnknownKey(entry.section, entry.key));
      continue;
    }
    const before = given.get(rowId(row)) ?? [];
    const [first] = before;
    if (first !== undefined && !row.repeats) {
      const line = first.namePlace.line;
      report.add(
        "error",
        namePlace,
        () =>
          entry.key === first.name
            ? `"${entry.key}" is repeated, it first stands at line ${line}; keep one of the two`
            : `"${entry.key}" is another spelling of "${first.name}", which stands at line ` +
              `${line}; keep one of the two`,
      );
      continue;
    }
    before.push({
      name: entry.key,
      text: entry.value,
      exact: entry.quoted,
      namePlace,
      valuePlace: { ...namePlace, column: entry.valueColumn },
    });
    given.set(rowId(row), before);
  }
  return given;
}

/**
 * Puts `section.key=value` settings of the command line over what the file gives. The last one of
 * a key counts; those of a repeated key together replace the file's.
 */
export function applyOverrides(
  given: GivenValues,
  overrides: readonly string[],
  report: Report,
): void {
  const fromCommandLine: GivenValues = new Map();
  for (const override of overrides) {
    const parsed = /^\s*([^=.]*)\.([^=]*)=(.*)$/s.exec(override);
    if (parsed === null) {
      const place = { file: `--set ${describeOverride(override)}`, line: 0, column: 0 };
      report.add(
        "error",
        place,
        () => "this is not section.key=value; write for example --set network.mmport=6061",
      );
      continue;
    }
    const section = (parsed[1] ?? "").trim();
    const name = (parsed[2] ?? "").trim();
    const text = parsed[3] ?? "";
    const row = findRow(section, name);
    if (row === undefined) {
      // The value is not shown: the name may be a slip of one whose value is a secret.
      const place = { file: `--set ${nameHead(section)}.${nameHead(name)}=…`, line: 0, column: 0 };
      report.add(
        "error",
        place,
        () =>
          isSection(section)
            ? describeUnknownKey(section, name)
            : `unknown section ${describeSection(section)}`,
      );
      continue;
    }
    const shown = row.secret ? "…" : shorten(text);
    const place = { file: `--set ${section}.${name}=${shown}`, line: 0, column: 0 };
    const before = row.repeats ? fromCommandLine.get(rowId(row)) ?? [] : [];
    const value = { name, text, exact: true, namePlace: place, valuePlace: place };
    before.push(value);
    fromCommandLine.set(rowId(row), before);
  }
  for (const [id, values] of fromCommandLine) {
    // Deleted first, so that it comes last in order.
    given.delete(id);
    given.set(id, values);
  }
}

/**
 * The known key that a value runs on into, as in `user = npv2 pass = x` with its `;` forgotten.
 */
export function findSwallowedKey(text: string): string | undefined {
  if (!text.includes("=")) return undefined;
  for (const [, name] of text.matchAll(/\s([\w-]+)\s*=/g)) {
    if (name !== undefined && KEY_ROWS.some((row) => spellings(row).includes(name))) return name;
  }
  return undefined;
}

/** Says that a key is not known in a section, what is, and what may have been meant. */
export function describeUnknownKey(section: string, key: string): string {
  const rows = KEY_ROWS.filter((row) => row.section === section);
  const allowed = `allowed: ${rows.map((row) => row.key).join(", ")}`;
  const head = nameHead(key);
  const elsewhere = KEY_ROWS.filter((row) => spellings(row).includes(head));
  const start = `unknown key ${quoteName(key)} in [${section}]`;
  if (elsewhere.length > 0) {
    const sections = elsewhere.map((row) => `[${row.section}]`).join(" or ");
    return `${start}, it belongs in ${sections}; ${allowed}`;
  }
  const here = nearest(head, rows.flatMap(spellings));
  if (here !== undefined) return `${start}; ${allowed}; nearest: ${here}`;
  const there = nearest(head, KEY_ROWS.flatMap(spellings));
  const other = KEY_ROWS.find((row) => there !== undefined && spellings(row).includes(there));
  const suggestion = other === undefined ? "" : `; nearest: ${there} in [${other.section}]`;
  return `${start}; ${allowed}${suggestion}`;
}

/** Quotes an unknown section's name, with what is allowed and what may have been meant. */
export function describeSection(name: string): string {
  const allowed = SECTION_NAMES.map((section) => `[${section}]`).join(", ");
  const close = nearest(name, SECTION_NAMES);
  return `${quoteName(name)}; allowed: ${allowed}` +
    (close === undefined ? "" : `; nearest: [${close}]`);
}

function isSection(name: string): boolean {
  return (SECTION_NAMES as readonly string[]).includes(name);
}

/** Without a `=` there is no telling name from value, so only what looks like names is shown. */
function describeOverride(override: string): string {
  const [name = ""] = override.split("=", 1);
  return /^[\w-]{0,64}(\.[\w-]{0,64})?$/.test(name)
    ? `${name}${name === override ? "" : "=…"}`
    : "…";
}
