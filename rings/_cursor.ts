import { MAX_CURSOR_CHARACTERS } from "../protocol/mod.ts";
import type { Changes, Vector } from "../registry/mod.ts";

/** What a cursor begins with, so that another kind can be told apart one day. */
const KIND = "1.";

/** What stands between two masters' entries. */
const SEPARATOR = "~";

/**
 * Masters of one cursor. There are about a hundred at a time, and those that were given up stay in
 * the vector; this many take at most 7,168 characters, within {@link MAX_CURSOR_CHARACTERS}.
 */
const MAX_ENTRIES = 256;

/** A master's id, and the time of its latest change that is known. */
const ENTRY = /^([0-9a-f]{16})([1-9a-z][0-9a-z]{0,10})$/;

/**
 * Masters of a client's cursor that this one need not have heard of. Where a client went from
 * another master, that one may know some that are new to this one; who makes up more of them only
 * wants to be a burden.
 */
const MAX_UNKNOWN = 32;

const ORIGIN = /^[0-9a-f]{16}$/;

/**
 * A vector as a text that means nothing to clients and the same to every master. Where there are
 * too many masters, those whose latest change is the longest ago are left out: what they changed
 * will be told once more.
 */
export function encodeCursor(vector: Vector): string {
  let entries = [...vector].filter(([origin, hlc]) => ORIGIN.test(origin) && hlc > 0);
  if (entries.length > MAX_ENTRIES) {
    entries = entries.sort(([, a], [, b]) => b - a).slice(0, MAX_ENTRIES);
  }
  return KIND + entries.map(([origin, hlc]) => origin + hlc.toString(36)).sort().join(SEPARATOR);
}

/** The vector that a client's cursor stands for; undefined when no master made the text. */
export function decodeCursor(text: string): Vector | undefined {
  if (text.length > MAX_CURSOR_CHARACTERS || !text.startsWith(KIND)) return undefined;
  const vector = new Map<string, number>();
  if (text === KIND) return vector;
  const entries = text.slice(KIND.length).split(SEPARATOR);
  if (entries.length > MAX_ENTRIES) return undefined;
  let before = "";
  for (const entry of entries) {
    const [, origin, digits] = ENTRY.exec(entry) ?? [];
    if (origin === undefined || digits === undefined || origin <= before) return undefined;
    const hlc = parseInt(digits, 36);
    if (!Number.isSafeInteger(hlc)) return undefined;
    vector.set(origin, hlc);
    before = origin;
  }
  return vector;
}

/**
 * What of a client's cursor is of use here: all that it says of masters that this one knows, and
 * a little of what it says of others. The vector itself where nothing is left out, which only
 * means that the client may be told some of it once more.
 */
export function withFewUnknown(vector: Vector, isKnown: (origin: string) => boolean): Vector {
  if (vector.size <= MAX_UNKNOWN) return vector;
  const unknown = [...vector].filter(([origin]) => !isKnown(origin));
  if (unknown.length <= MAX_UNKNOWN) return vector;
  const left = new Map(vector);
  const latestFirst = unknown.sort(([, a], [, b]) => b - a);
  for (const [origin] of latestFirst.slice(MAX_UNKNOWN)) left.delete(origin);
  return left;
}

/**
 * How far a reader has been told of changes: as far as this master knows them. What it knew from
 * another master beyond that is told once more one day, which does no harm; to believe that it knows
 * it would, since this master may just have told it something earlier.
 */
export interface Place {
  /** Place in the log behind the latest change. */
  readonly log: number;
  /** The same by version, which outlasts the log. */
  readonly known: Vector;
  /** The same for the reader to keep. */
  readonly cursor: string;
}

function isSame(vector: Vector, other: Vector): boolean {
  return vector.size === other.size && [...other].every(([key, hlc]) => vector.get(key) === hlc);
}

/** Where the latest change is. */
export class Places {
  readonly #changes: Changes;
  #latest: Place | undefined;

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  /** The present place: the same object for as long as nothing changes. */
  now(): Place {
    const { end, vector } = this.#changes;
    if (this.#latest?.log !== end || !isSame(this.#latest.known, vector)) {
      this.#latest = { log: end, known: new Map(vector), cursor: encodeCursor(vector) };
    }
    return this.#latest;
  }
}
