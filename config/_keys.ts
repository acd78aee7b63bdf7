import type { Kind, KindName } from "./_kinds.ts";
import { type DefaultFacts, type KeySpec, SCHEMA } from "./_schema.ts";
import type { Config, SectionName } from "./_types.ts";

/** One key of master.ini with all that is known of it, for documentation and for the console. */
export interface ConfigKey {
  /** Section it belongs to. */
  readonly section: SectionName;
  /** The key as master.ini spells it. */
  readonly key: string;
  /** Other spellings that are understood. */
  readonly aliases: readonly string[];
  /** Name of its property in the section of {@linkcode Config}. */
  readonly property: string;
  /** What its value is. */
  readonly kind: KindName;
  /** What is allowed, in words. */
  readonly allowed: string;
  /** Words allowed, when they can be listed (a port's `off` among them). */
  readonly choices: readonly string[];
  /** Smallest number allowed, for numbers; seconds and ports included. */
  readonly minimum: number | undefined;
  /** Largest number allowed, for numbers; seconds and ports included. */
  readonly maximum: number | undefined;
  /** Whether it may stand several times. */
  readonly repeats: boolean;
  /** The default as it would be written, or a description of it; undefined when there is none. */
  readonly default: string | undefined;
  /** What it is for, in one or two sentences. */
  readonly meaning: string;
  /** Whether a change waits for the next start; if not, it applies on a reload. */
  readonly needsRestart: boolean;
  /** Whether its value must never be shown. */
  readonly secret: boolean;
}

/** A row of the table as the loader uses it. */
export interface KeyRow extends ConfigKey {
  readonly reader: Kind<unknown>;
  readonly defaultText: (facts: DefaultFacts) => string | undefined;
}

/** Every key of master.ini, in the order of the file. */
export const KEY_ROWS: readonly KeyRow[] = (Object.keys(SCHEMA) as SectionName[]).flatMap(
  (section) => {
    const specs: Readonly<Record<string, KeySpec<unknown>>> = SCHEMA[section];
    return Object.entries(specs).map(([property, spec]) => toRow(section, property, spec));
  },
);

/**
 * Every key of master.ini, in the order of the sample file. The source for documentation, the
 * manual page and the console's forms.
 */
export const CONFIG_KEYS: readonly ConfigKey[] = KEY_ROWS.map(
  ({ reader: _reader, defaultText: _defaultText, ...key }) => Object.freeze(key),
);

/** The sections of master.ini, in the order of the file. */
export const SECTION_NAMES: readonly SectionName[] = [
  ...new Set(KEY_ROWS.map((row) => row.section)),
];

/** The row of a key in any of its spellings. */
export function findRow(section: string, key: string): KeyRow | undefined {
  return KEY_ROWS.find((row) =>
    row.section === section && (row.key === key || row.aliases.includes(key))
  );
}

/** The value a configuration has for a key. */
export function propertyOf(config: Config, key: ConfigKey): unknown {
  const section: Readonly<Record<string, unknown>> = { ...config[key.section] };
  return section[key.property];
}

/** All spellings of a key, the main one first. */
export function spellings(row: ConfigKey): readonly string[] {
  return [row.key, ...row.aliases];
}

function toRow(section: SectionName, property: string, spec: KeySpec<unknown>): KeyRow {
  const { kind } = spec;
  return {
    section,
    key: spec.key,
    aliases: spec.aliases ?? [],
    property,
    kind: kind.name,
    allowed: kind.allowed,
    choices: kind.choices ?? [],
    minimum: kind.minimum,
    maximum: kind.maximum,
    repeats: kind.repeats,
    default: spec.default,
    meaning: spec.meaning,
    needsRestart: spec.appliesOn === "restart",
    secret: spec.secret === true,
    reader: kind,
    defaultText: (facts) => spec.defaultFrom?.(facts) ?? spec.default,
  };
}
