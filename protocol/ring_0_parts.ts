/**
 * Lists of ring 0 that one message may have no room for, as messages that each hold as much as
 * they can.
 *
 * @module
 */

import { type List, partsOf, utf8Bytes } from "./_parts.ts";
import {
  keyRow,
  leaseRow,
  nameRow,
  putObject,
  reachRow,
  tombstoneRow,
  userRow,
} from "./_ring_0_wire.ts";
import { MAX_CHANNEL_MESSAGE_BYTES, MAX_MEMBERS } from "./channel_limits.ts";
import type { Changes, Compare, KnownMaster, Peer, Reachability } from "./ring_0_messages.ts";
import type { Put, ServerLease } from "./ring_0_records.ts";
import type { RosterEntry } from "./status.ts";

/** Bytes that a UTF-16 code unit has in UTF-8 at most. */
const MAX_BYTES_PER_UNIT = 3;

/** Bytes of a server as JSON: a message, less what is around its only entry. */
const MAX_PUT_BYTES = MAX_CHANNEL_MESSAGE_BYTES - 128;

/** What {@link encodeChanges} is to tell. */
export type ChangesToTell = Partial<Omit<Changes, "type">>;

/** What {@link encodeCompare} is to tell. */
export type CompareToTell = Omit<Compare, "type" | "more">;

function* spell<T>(values: readonly T[], json: (value: T) => string): Generator<string> {
  for (const value of values) yield json(value);
}

/** Entries that differ on the wire from what they are here. */
function rows<T>(values: readonly T[], row: (value: T) => unknown): Iterable<string> {
  return spell(values, (value) => JSON.stringify(row(value)));
}

/** A server, as long as it may be: players that a message has no room for are left out. */
function putJson(put: Put): string {
  const json = JSON.stringify(putObject(put));
  const { status } = put;
  if (
    status === undefined || json.length * MAX_BYTES_PER_UNIT <= MAX_PUT_BYTES ||
    utf8Bytes(json) <= MAX_PUT_BYTES
  ) return json;
  const roster: RosterEntry[] = [];
  const shortened = (): Put => ({ ...put, status: { ...status, roster } });
  let bytes = utf8Bytes(JSON.stringify(putObject(shortened())));
  for (const player of status.roster) {
    bytes += utf8Bytes(JSON.stringify(player)) + 1;
    if (bytes > MAX_PUT_BYTES) break;
    roster.push(player);
  }
  return JSON.stringify(putObject(shortened()));
}

/**
 * Changes as messages to be sent in order; none when there is nothing to tell. Of a server with
 * more players than a message has room for, the last ones are left out.
 *
 * @param changes What is new. `after`, `upto` and `round` are told by the last message, when all has
 * been sent.
 */
export function encodeChanges(changes: ChangesToTell): Uint8Array<ArrayBuffer>[] {
  const { puts = [], tombstones = [], names = [], users = [], after, upto, round } = changes;
  const lists: readonly (readonly [string, number, Iterable<string>])[] = [
    ["puts", puts.length, spell(puts, putJson)],
    ["tombstones", tombstones.length, rows(tombstones, tombstoneRow)],
    ["names", names.length, rows(names, nameRow)],
    ["users", users.length, rows(users, userRow)],
  ];
  const told: List[] = [];
  for (const [name, length, entries] of lists) {
    if (length > 0) told.push({ open: `"${name}":[`, entries, close: "]" });
  }
  const last = lastMembers({ after, upto, round });
  if (told.length === 0 && last === "") return [];
  return partsOf(
    (lists, more) => `{"type":"changes"${lists && `,${lists}`}${more ? "" : last}}`,
    told,
  );
}

function lastMembers(members: Readonly<Record<string, number | undefined>>): string {
  let json = "";
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) json += `,"${name}":${value}`;
  }
  return json;
}

/** Leases as {@link Refresh} messages; none when there are none. */
export function encodeRefresh(servers: readonly ServerLease[]): Uint8Array<ArrayBuffer>[] {
  return listParts("refresh", "servers", servers, leaseRow);
}

/** Findings as {@link Reach} messages; none when there are none. */
export function encodeReach(servers: readonly Reachability[]): Uint8Array<ArrayBuffer>[] {
  return listParts("reach", "servers", servers, reachRow);
}

/**
 * Keys as {@link Want} messages; none when there are none.
 *
 * @param round What the end of the answer will name; told by the last message.
 */
export function encodeWant(keys: readonly string[], round?: number): Uint8Array<ArrayBuffer>[] {
  if (keys.length === 0) return [];
  const last = lastMembers({ round });
  const list = { open: "", entries: rows(keys, (key) => key), close: "" };
  return partsOf((entries, more) => `{"type":"want","keys":[${entries}]${more ? "" : last}}`, [
    list,
  ]);
}

/** Masters as {@link Members} messages; none when there are none. */
export function encodeMembers(masters: readonly KnownMaster[]): Uint8Array<ArrayBuffer>[] {
  return listParts("members", "masters", masters, (master) => master, MAX_MEMBERS);
}

function listParts<T>(
  type: string,
  name: string,
  values: readonly T[],
  row: (value: T) => unknown,
  maxEntries?: number,
): Uint8Array<ArrayBuffer>[] {
  if (values.length === 0) return [];
  const list = { open: "", entries: rows(values, row), close: "" };
  return partsOf((entries) => `{"type":"${type}","${name}":[${entries}]}`, [list], maxEntries);
}

/** The answer to a {@link Digest}, in parts of which all but the last say that more follow. */
export function encodeCompare(compare: CompareToTell): Uint8Array<ArrayBuffer>[] {
  const { round, upto, equal, buckets } = compare;
  const head = `{"type":"compare","round":${round},"upto":${upto},"equal":${equal},"buckets":[`;
  return partsOf(
    (lists, more) => `${head}${lists}]${more ? ',"more":true' : ""}}`,
    buckets.map(({ bucket, entries }) => ({
      open: `[${bucket},[`,
      entries: rows(entries, keyRow),
      close: "]]",
    })),
  );
}

/** The answer to {@link Peers}, in parts of which all but the last say that more follow. */
export function encodePeers(peers: readonly Peer[]): Uint8Array<ArrayBuffer>[] {
  return partsOf(
    (entries, more) => `{"type":"peers","peers":[${entries}]${more ? ',"more":true' : ""}}`,
    [{ open: "", entries: rows(peers, (peer) => peer), close: "" }],
    MAX_MEMBERS,
  );
}
