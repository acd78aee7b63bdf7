/**
 * Which servers a list shows.
 *
 * @module
 */

import { isSecret } from "./_texts.ts";
import type { Filter, ServerEntry } from "./ring_2_messages.ts";

type Member = Exclude<keyof ServerEntry, "last_seen" | "settings" | "reachable_from">;

/** Members that a filter compares; a setting of the same name is hidden by them. */
const MEMBERS: ReadonlySet<string> = new Set<Member>([
  "ip",
  "port",
  "gamename",
  "name",
  "protocol",
  "country",
  "map",
  "players",
  "max_players",
  "key",
  "number",
  "verified",
]);

function isMember(key: string): key is Member {
  return MEMBERS.has(key);
}

/** A text as it is compared without regard to case: `ß` is `SS`, both small sigmas are one. */
function folded(text: string): string {
  return text.toLowerCase().toUpperCase();
}

function hasText(server: ServerEntry, text: string): boolean {
  const wanted = folded(text);
  return folded(server.name).includes(wanted) || folded(server.map).includes(wanted);
}

function passes(server: ServerEntry, key: string, value: string | number | boolean): boolean {
  if (key === "not_empty") return value !== true || server.players > 0;
  if (key === "not_full") return value !== true || server.players < server.max_players;
  if (key === "text") return hasText(server, String(value));
  if (isSecret(key)) return true;
  if (isMember(key)) return server[key] !== undefined && String(server[key]) === String(value);
  return Object.hasOwn(server.settings, key) && server.settings[key] === String(value);
}

/**
 * Whether a server passes a filter, which it does when it passes every pair:
 *
 * - `not_empty: true`: there are players on it; `not_full: true`: there is room for one more;
 *   with any other value they pass all.
 * - `text`: its name or map holds the text, upper and lower case alike.
 * - `password`, in any case: passes all, so that nobody can try out secrets.
 * - any other: the member of that name, spelt as a text, equals the value spelt as a text; for
 *   what is no member of {@link ServerEntry} that can be compared (`last_seen`, `settings` and
 *   `reachable_from` are not) the setting of that name does.
 */
export function matchesFilter(filter: Filter, server: ServerEntry): boolean {
  for (const key of Object.keys(filter)) {
    if (!passes(server, key, filter[key] as string | number | boolean)) return false;
  }
  return true;
}

/**
 * A text that is the same for filters that pass the same servers because they differ in nothing
 * but the order of their pairs, the spelling of values, or pairs that pass all. For caches. Holds
 * no secrets.
 */
export function filterKey(filter: Filter): string {
  const pairs: [string, string][] = [];
  for (const [key, value] of Object.entries(filter)) {
    const text = key === "text" ? folded(String(value)) : String(value);
    const isSwitch = key === "not_empty" || key === "not_full";
    const passesAll = isSecret(key) || (isSwitch && value !== true) ||
      (key === "text" && text === "");
    if (!passesAll) pairs.push([key, text]);
  }
  return JSON.stringify(pairs.sort(([a], [b]) => a < b ? -1 : 1));
}
