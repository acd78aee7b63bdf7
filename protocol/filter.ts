/**
 * Which servers a list shows.
 *
 * @module
 */

import { isSecret } from "./_texts.ts";
import type { Filter, ServerEntry } from "./ring_2_messages.ts";

/** Members of a server that a filter compares, and of which kind each is. */
type Compared = {
  readonly [
    M in Exclude<keyof ServerEntry, "last_seen" | "settings" | "reachable_from" | "probed_from">
  ]-?: NonNullable<ServerEntry[M]> extends string ? "text"
    : NonNullable<ServerEntry[M]> extends number ? "number"
    : "flag";
};

type Member = keyof Compared;

/** A setting of the same name is hidden by them. */
const MEMBERS: Compared = {
  ip: "text",
  port: "number",
  gamename: "text",
  name: "text",
  protocol: "number",
  country: "text",
  map: "text",
  players: "number",
  max_players: "number",
  key: "text",
  number: "number",
  verified: "flag",
};

function isMember(key: string): key is Member {
  return Object.hasOwn(MEMBERS, key);
}

/** A text as it is compared without regard to case: `ß` is `SS`, both small sigmas are one. */
function folded(text: string): string {
  return text.toLowerCase().toUpperCase();
}

/** A server as filters look at it: what is costly to find out is found out once. */
export class FilteredServer {
  /** The server. */
  readonly entry: ServerEntry;
  #searched: readonly string[] | undefined;

  /** Looks at nothing yet. */
  constructor(entry: ServerEntry) {
    this.entry = entry;
  }

  /** What `text` of a filter is looked for in, without regard to case. */
  get searched(): readonly string[] {
    return this.#searched ??= [folded(this.entry.name), folded(this.entry.map)];
  }
}

/** A filter that is ready to look at many servers. */
export interface PreparedFilter {
  /**
   * A text that is the same for filters that pass the same servers because they differ in nothing
   * but the order of their pairs, the spelling of values, or pairs that pass all. For caches. Holds
   * no secrets.
   */
  readonly key: string;
  /** Whether a server passes, as {@link matchesFilter} says. */
  passes(server: FilteredServer): boolean;
}

type Test = (server: FilteredServer) => boolean;

function memberTest(member: Member, wanted: string): Test {
  switch (MEMBERS[member]) {
    case "text":
      return ({ entry }) => entry[member] === wanted;
    case "number": {
      // Compared as numbers: of a text that no number is spelt like, none is right.
      const number = String(Number(wanted)) === wanted ? Number(wanted) : NaN;
      return ({ entry }) => entry[member] === number;
    }
    case "flag":
      return ({ entry }) => String(entry[member]) === wanted;
  }
}

/** What a pair lets pass, and the value as far as it makes a difference; undefined for all. */
function prepared(
  key: string,
  value: string | number | boolean,
): { readonly text: string; readonly test: Test } | undefined {
  if (isSecret(key)) return undefined;
  const text = String(value);
  switch (key) {
    case "not_empty":
      return value === true ? { text, test: ({ entry }) => entry.players > 0 } : undefined;
    case "not_full":
      return value === true
        ? { text, test: ({ entry }) => entry.players < entry.max_players }
        : undefined;
    case "text": {
      const wanted = folded(text);
      if (wanted === "") return undefined;
      return {
        text: wanted,
        test: ({ searched }) => searched.some((searched) => searched.includes(wanted)),
      };
    }
  }
  if (isMember(key)) return { text, test: memberTest(key, text) };
  return {
    text,
    test: ({ entry: { settings } }) => Object.hasOwn(settings, key) && settings[key] === text,
  };
}

/** Gets a filter ready, so that looking at one server more costs little. */
export function prepareFilter(filter: Filter): PreparedFilter {
  const pairs: [string, string][] = [];
  const tests: Test[] = [];
  for (const [key, value] of Object.entries(filter)) {
    const pair = prepared(key, value);
    if (!pair) continue;
    pairs.push([key, pair.text]);
    // Searching comes last, when all that is cheaper has passed.
    if (key === "text") tests.push(pair.test);
    else tests.unshift(pair.test);
  }
  return {
    key: JSON.stringify(pairs.sort(([a], [b]) => a < b ? -1 : 1)),
    passes: (server) => tests.every((test) => test(server)),
  };
}

/**
 * Whether a server passes a filter, which it does when it passes every pair:
 *
 * - `not_empty: true`: there are players on it; `not_full: true`: there is room for one more;
 *   with any other value they pass all.
 * - `text`: its name or map holds the text, upper and lower case alike.
 * - `password`, in any case: passes all, so that nobody can try out secrets.
 * - any other: the member of that name, spelt as a text, equals the value spelt as a text; for
 *   what is no member of {@link ServerEntry} that can be compared (`last_seen`, `settings`,
 *   `reachable_from` and `probed_from` are not) the setting of that name does.
 *
 * For many servers {@link prepareFilter} is cheaper.
 */
export function matchesFilter(filter: Filter, server: ServerEntry): boolean {
  return prepareFilter(filter).passes(new FilteredServer(server));
}
