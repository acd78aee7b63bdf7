import { checkTogether, type Origin } from "./_checks.ts";
import {
  applyOverrides,
  collectFromFile,
  findSwallowedKey,
  type Given,
  type GivenValues,
  rowId,
} from "./_collect.ts";
import { parseIni } from "./_ini.ts";
import type { IniDocument } from "./_ini_types.ts";
import { formatValue } from "./_format.ts";
import type { Reading } from "./_kinds.ts";
import { nearest, quoteValue } from "./_messages.ts";
import { type Place, Report } from "./_report.ts";
import { KEY_ROWS, type KeyRow } from "./_keys.ts";
import type { DefaultFacts } from "./_schema.ts";
import type { Config, ConfigEnvironment, Problem } from "./_types.ts";

/** What {@linkcode loadConfig} reads. */
export interface ConfigSource {
  /** The file's text; left out, everything has its default. */
  readonly text?: string;
  /** The file's name, for messages; it is not opened. */
  readonly fileName: string;
  /** `section.key=value` settings of the command line, which go over the file's. */
  readonly overrides: readonly string[];
  /** What defaults and `$HOME` need. */
  readonly environment: ConfigEnvironment;
}

/** What {@linkcode loadConfig} gives. */
export type LoadedConfig =
  | {
    readonly ok: true;
    /** The configuration, frozen. */
    readonly config: Config;
    /** What is odd but understood, in the file's order. */
    readonly warnings: readonly Problem[];
    /** The file as a document that can be edited; empty when there was no text. */
    readonly document: IniDocument;
  }
  | {
    readonly ok: false;
    /** Everything that is wrong, in the file's order; at least one. */
    readonly problems: readonly Problem[];
    /** What is odd but understood, in the file's order. */
    readonly warnings: readonly Problem[];
  };

/** What the values are read into before they are frozen as a {@linkcode Config}. */
interface Loading {
  readonly report: Report;
  readonly environment: ConfigEnvironment;
  readonly given: GivenValues;
  readonly origins: Map<string, Origin>;
  readonly ranks: ReadonlyMap<string, number>;
}

/**
 * Reads master.ini's text and the command line's settings into a checked, frozen configuration, or
 * tells all that is wrong with them at once. Never throws, whatever the text.
 *
 * A value of the file that the command line replaces is not checked. No message holds the value of
 * a secret.
 */
export function loadConfig(source: ConfigSource): LoadedConfig {
  const { text = "", fileName, overrides, environment } = source;
  const { document, problems } = parseIni(text, fileName);
  const report = new Report(problems);
  const given = collectFromFile(document, report);
  applyOverrides(given, overrides, report);
  const ranks = new Map([...given.keys()].map((id, rank) => [id, rank]));
  const origins = new Map<string, Origin>();
  const config = readValues({ report, environment, given, origins, ranks }, document);
  checkTogether(
    config,
    (section, property) =>
      origins.get(rowId({ section, property: String(property) })) ?? { kind: "bad" },
    report,
  );
  const errors = report.list("error", fileName);
  const warnings = report.list("warning", fileName);
  if (errors.length > 0) return { ok: false, problems: errors, warnings };
  return { ok: true, config: deepFreeze(config), warnings, document };
}

/** Freezes a value and everything in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}

function readValues(loading: Loading, document: IniDocument): Config {
  const sections: Record<string, Record<string, unknown>> = {};
  for (const row of KEY_ROWS) {
    const section = sections[row.section] ??= {};
    const given = loading.given.get(rowId(row));
    const value = given === undefined ? undefined : readGiven(loading, row, given);
    if (value !== undefined) {
      section[row.property] = value.value;
      continue;
    }
    // The table has `type` before the keys whose default depends on it.
    const isMysql = sections["database"]?.["type"] === "mysql";
    const facts: DefaultFacts = {
      hostname: loading.environment.hostname,
      databaseType: isMysql ? "mysql" : "sqlite",
    };
    section[row.property] = readDefault(loading, row, facts, document);
  }
  // The table's type holds a key of the right type for every property of Config, and no other.
  return sections as unknown as Config;
}

/** Reads what is given for a key; undefined when the default is to be used instead. */
function readGiven(
  loading: Loading,
  row: KeyRow,
  given: readonly Given[],
): { readonly value: unknown } | undefined {
  const { report, environment, origins, ranks } = loading;
  const { reader } = row;
  const values: unknown[] = [];
  const lines = new Map<string, Place>();
  let bad = false;
  for (const item of given) {
    if (item.text === "" && reader.absent !== undefined) continue;
    const reading = readOne(row, item, environment.home, report);
    if (!reading.ok) {
      bad = true;
      continue;
    }
    const id = formatValue(reading.value).join();
    const first = lines.get(id);
    if (first === undefined) {
      lines.set(id, item.valuePlace);
      values.push(reading.value);
    } else {
      report.add("warning", item.valuePlace, () =>
        `${item.name} = ${quoteValue(id)} stands ` +
        `${first.line === 0 ? "twice" : `at line ${first.line} already`}; it counts once`);
    }
  }
  const [first] = given;
  if (bad || first === undefined) {
    origins.set(rowId(row), { kind: "bad" });
    return undefined;
  }
  if (values.length === 0) {
    origins.set(rowId(row), { kind: "default" });
    return reader.absent;
  }
  const place = first.valuePlace;
  const rank = ranks.get(rowId(row)) ?? 0;
  origins.set(rowId(row), { kind: "given", name: first.name, place, rank });
  return { value: row.repeats ? values.flat() : values[0] };
}

function readOne(
  row: KeyRow,
  given: Given,
  home: string | undefined,
  report: Report,
): Reading<unknown> {
  const { reader } = row;
  const { name, valuePlace } = given;
  if (given.text === "") {
    const byDefault = row.default === undefined ? "" : `; without the line it is ${row.default}`;
    report.add("error", valuePlace, () => `${name} is empty; allowed: ${row.allowed}${byDefault}`);
    return { ok: false, why: "is empty" };
  }
  const text = undouble(row, given, report);
  const reading = reader.read(text, home);
  const swallowed = given.exact ? undefined : findSwallowedKey(text);
  if (!reading.ok) {
    report.add("error", valuePlace, () => {
      const shown = row.secret ? `the value of ${name}` : `${name} = ${quoteValue(text)}`;
      const hint = swallowed === undefined ? "" : `, is a ";" missing before "${swallowed}"?`;
      const word = row.secret ? undefined : nearest(text, row.choices);
      const suggestion = word === undefined ? "" : `; nearest: ${word}`;
      return `${shown} ${reading.why}${hint}; allowed: ${row.allowed}${suggestion}`;
    });
  } else if (swallowed !== undefined) {
    report.add(
      "warning",
      valuePlace,
      () =>
        `the value of ${name} goes on with "${swallowed} ="; end it with ";" before that, or put ` +
        "it in quotes",
    );
  }
  return reading;
}

/** Reads `10 = 10` as `10`, as files of the first masterserver have it. */
function undouble(row: KeyRow, given: Given, report: Report): string {
  const { name, text, exact, valuePlace } = given;
  if (exact || !row.reader.oneWord) return text;
  const equals = text.indexOf("=");
  const [left, right] = [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
  if (equals < 0 || left === "" || left !== right) return text;
  report.add(
    "warning",
    valuePlace,
    () => `${name} has its value twice; it is read as ${quoteValue(left)}, write ${name} = VALUE;`,
  );
  return left;
}

function readDefault(
  loading: Loading,
  row: KeyRow,
  facts: DefaultFacts,
  document: IniDocument,
): unknown {
  const id = rowId(row);
  if (!loading.origins.has(id)) loading.origins.set(id, { kind: "default" });
  const text = row.defaultText(facts);
  if (text === undefined) return row.reader.absent?.value;
  const reading = row.reader.read(text, loading.environment.home);
  if (reading.ok) return reading.value;
  // A wrong value has been told; what its default would have needed is of no interest.
  if (loading.origins.get(id)?.kind === "bad") return undefined;
  loading.origins.set(id, { kind: "bad" });
  const header = document.sections.find((section) => section.name === row.section);
  const place = {
    file: document.fileName,
    line: header?.line ?? 0,
    column: header?.column ?? 0,
  };
  loading.report.add(
    "error",
    place,
    () =>
      `${row.key} in [${row.section}] is not set, and its default ${quoteValue(text)} ` +
      `${reading.why}; allowed: ${row.allowed}`,
  );
  return undefined;
}
