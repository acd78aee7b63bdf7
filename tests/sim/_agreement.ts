/** Whether masters know the same. */

import type { ServerId, Version } from "../../registry/mod.ts";
import { contentOf } from "./_content.ts";
import type { SimNode } from "./_node.ts";
import { isFirst } from "./_store.ts";

/** Servers that any master lists. */
export function listedAnywhere(nodes: readonly SimNode[]): Set<ServerId> {
  const listed = new Set<ServerId>();
  for (const { registry } of nodes) {
    for (const { id, state } of registry?.records() ?? []) if (state === "listed") listed.add(id);
  }
  return listed;
}

/** The earliest claim of each name of a server or player that any master holds. */
export function earliestClaims(nodes: readonly SimNode[]): Map<string, Version> {
  const earliest = new Map<string, Version>();
  const note = (name: string, claim: Version): void => {
    const known = earliest.get(name);
    if (!known || isFirst(claim, known)) earliest.set(name, claim);
  };
  for (const node of nodes) {
    for (const claim of node.snapshot()?.names ?? []) note(`name ${claim.name}`, claim);
    if (!node.isUp) continue;
    for (const claim of node.users.all()) note(`user ${claim.user}`, claim);
  }
  return earliest;
}

/**
 * The first thing that running masters do not agree about; undefined when they do.
 *
 * @param apart Servers that are left aside.
 * @param isThorough Whether what records say is compared, and not only their versions.
 */
export function firstDisagreement(
  nodes: readonly SimNode[],
  apart: ReadonlySet<ServerId>,
  isThorough: boolean,
): string | undefined {
  const [first, ...others] = nodes.filter(({ isUp }) => isUp);
  if (!first) return undefined;
  const spell = isThorough ? contentOf : ({ hlc, origin }: Version) => `${hlc} ${origin}`;
  const listOf = ({ registry }: SimNode): Map<ServerId, string> => {
    const list = new Map<ServerId, string>();
    for (const record of registry?.records() ?? []) {
      if (record.state === "listed" && !apart.has(record.id)) list.set(record.id, spell(record));
    }
    return list;
  };
  const [list, names, users] = [listOf(first), namesOf(first), usersOf(first)];
  for (const other of others) {
    const who = `m${first.index} and m${other.index}`;
    const found = firstDifference(list, listOf(other)) ??
      firstDifference(names, namesOf(other)) ?? firstDifference(users, usersOf(other));
    if (found !== undefined) return `${who}: ${found}`;
  }
  return undefined;
}

function namesOf(node: SimNode): Map<string, string> {
  const names = node.snapshot()?.names ?? [];
  return new Map(names.map(({ name, key, hlc, origin }) => [name, `${key} ${hlc} ${origin}`]));
}

function usersOf({ users }: SimNode): Map<string, string> {
  return new Map(
    users.all().map(({ user, key, hlc, origin }) => [user, `${key} ${hlc} ${origin}`]),
  );
}

/** The first key at which two maps differ, and how. */
function firstDifference(
  a: ReadonlyMap<string, string>,
  b: ReadonlyMap<string, string>,
): string | undefined {
  for (const [key, value] of a) {
    if (b.get(key) !== value) return `${key} is ${value} and ${b.get(key) ?? "not there"}`;
  }
  for (const key of b.keys()) if (!a.has(key)) return `${key} is not there and ${b.get(key)}`;
  return undefined;
}
