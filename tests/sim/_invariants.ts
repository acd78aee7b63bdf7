/** What has to hold whatever happens, and what has to hold when everything is whole again. */

import type { Challenge, RegistryEvent, ServerId, Version } from "../../registry/mod.ts";
import { earliestClaims, firstDisagreement } from "./_agreement.ts";
import type { Timeline } from "./_clock.ts";
import type { Network } from "./_network.ts";
import type { SimNode } from "./_node.ts";
import type { Watcher } from "./_node_options.ts";
import { spellEvent } from "./_spell.ts";
import { isFirst } from "./_store.ts";
import type { GameServer, World } from "./_world.ts";

/** Milliseconds that a master which has not heard of a server itself waits longer. */
const LEASE_GRACE_MS = 10_000;

/** Milliseconds by which an expiry may be late: ticks, buckets, messages on their way, this look. */
const SLACK_MS = 5000;

/** Milliseconds in which a goodbye is everywhere when everything is whole, comparisons included. */
const KNOWN_MS = 35_000;

/** Milliseconds that a change takes to be everywhere. */
const JUST_NOW_MS = 1000;

/** Violations of one rule that are kept. */
const MAX_OF_RULE = 5;

/** Something that must not be. */
export interface Violation {
  readonly at: number;
  /** Which rule. */
  readonly rule: string;
  readonly text: string;
}

/** A store that was read. */
interface Restore {
  readonly at: number;
  /** Servers that it had as listed. */
  readonly listed: ReadonlySet<ServerId>;
}

/** A server that a master took away. */
interface Removal extends Version {
  readonly at: number;
  /** Whether that was its goodbye. */
  readonly isGoodbye: boolean;
}

/** What is watched. */
export interface InvariantsOptions {
  readonly timeline: Timeline;
  readonly nodes: readonly SimNode[];
  readonly world: World;
  readonly network: Network;
}

/** Watches everyone, and knows the truth. */
export class Invariants implements Watcher {
  readonly violations: Violation[] = [];
  readonly #options: InvariantsOptions;
  readonly #restores: Restore[] = [];
  /** The latest removal of each server by each master since its start. */
  readonly #removals = new Map<number, Map<ServerId, Removal>>();
  /** Changes that came after a master had said that it knew all before. */
  readonly #late = new Map<ServerId, Version>();
  /** Milliseconds after the last word of a server until nobody lists it. */
  readonly #patience: number;

  constructor(options: InvariantsOptions) {
    this.#options = options;
    const longest = Math.max(...options.nodes.map(({ aliveTimeout }) => aliveTimeout));
    this.#patience = longest + LEASE_GRACE_MS + SLACK_MS;
  }

  /** A rule does not hold. */
  report(rule: string, text: string): void {
    // The first ones tell what went wrong; the rest follow from them.
    if (this.violations.filter((one) => one.rule === rule).length >= MAX_OF_RULE) return;
    const { timeline, world } = this.#options;
    this.violations.push({ at: timeline.now, rule, text });
    world.trace?.(() => `VIOLATION of "${rule}": ${text}`);
  }

  started(node: SimNode): void {
    this.#removals.set(node.index, new Map());
  }

  restored(_node: SimNode, listed: ReadonlySet<ServerId>): void {
    this.#restores.push({ at: this.#options.timeline.now, listed });
  }

  event(node: SimNode, event: RegistryEvent): void {
    const { world, nodes } = this.#options;
    world.trace?.(() => `m${node.index} ${spellEvent(event, nodes)}`);
    if (event.type === "put") {
      if ("late" in event && event.late !== undefined) {
        this.#late.set(event.record.id, event.record);
      }
      const server = world.servers.get(event.record.id);
      if (server && event.record.state === "listed") this.#onListed(node, server, event.record);
    } else if (event.type === "status") {
      const server = world.servers.get(event.id);
      if (server && isFirst(server.truth.latest, event)) server.truth.latest = event;
    } else if (event.type === "removed" && event.wasListed) this.#onRemoved(node, event);
  }

  challenge(node: SimNode, challenge: Challenge): void {
    this.#options.world.challenge(node, challenge);
  }

  /** What has to hold at any moment. */
  look(): void {
    const { nodes, timeline, world } = this.#options;
    for (const node of nodes) {
      if (!node.registry) continue;
      const owners = new Map<string, string>();
      for (const record of node.registry.records()) {
        const { id, state, name, key } = record;
        if (state !== "listed") continue;
        if (name !== undefined && key !== undefined) {
          const owner = owners.get(name);
          if (owner === undefined) owners.set(name, key);
          else if (owner !== key) {
            this.report("one owner a name", `m${node.index} lists two keys as "${name}"`);
          }
        }
        const server = world.servers.get(id);
        if (!server || timeline.now <= this.#endOf(node, server, record)) continue;
        const { lastWord } = server.truth;
        const silence = Math.round(timeline.now - lastWord);
        this.report("the dead are gone", `m${node.index} lists ${id}, silent for ${silence} ms`);
      }
    }
  }

  /** Servers of which the masters have not settled yet whether they are gone. */
  undecided(): Set<ServerId> {
    const running = this.#options.nodes.filter(({ isUp }) => isUp);
    return new Set(running.flatMap(({ doubts }) => [...doubts.disputed, ...doubts.awaited]));
  }

  /** The first thing that masters do not agree about, but for what is undecided. */
  difference(isThorough: boolean): string | undefined {
    return firstDisagreement(this.#options.nodes, this.undecided(), isThorough);
  }

  /** What some master has taken away just now, of which the others may not know yet. */
  goneJustNow(): Set<ServerId> {
    const since = this.#options.timeline.now - JUST_NOW_MS;
    const removals = [...this.#removals.values()].flatMap((each) => [...each]);
    return new Set(removals.filter(([, { at }]) => at > since).map(([id]) => id));
  }

  /** What readers may rightly or for now miss: what came late, and who is gone. */
  untold(): Set<ServerId> {
    const untold = new Set<ServerId>();
    const { timeline, world } = this.#options;
    for (const { id, truth } of world.servers.values()) {
      // Who still lists it has yet to hear so, or has an old store, and will take it away.
      if (!truth.isAlive || timeline.now > truth.lastWord + this.#patience) untold.add(id);
    }
    for (const [id, { hlc, origin }] of this.#late) {
      for (const { registry } of this.#options.nodes) {
        const record = registry?.get(id);
        if (record?.hlc === hlc && record.origin === origin) untold.add(id);
      }
    }
    return untold;
  }

  /**
   * What has to hold when everything has been whole for long enough.
   *
   * @param since Virtual time since which it has been whole.
   * @param claims Claims that were there then.
   */
  conclude(since: number, claims: ReadonlyMap<string, Version>): void {
    const { nodes, world } = this.#options;
    const present = earliestClaims(nodes);
    for (const [name, claim] of claims) {
      const now = present.get(name);
      if (now && !isFirst(claim, now)) continue;
      const text = `${name} was claimed at ${claim.hlc} ${claim.origin}, now ${now?.hlc ?? "not"}`;
      this.report("the earliest claim counts", text);
    }
    for (const node of nodes) {
      if (!node.registry) continue;
      const connected = new Set(
        node.mesh?.peers().filter(({ state }) => state === "connected").map(({ id }) => id),
      );
      for (const other of nodes) {
        if (other === node || !other.isUp || connected.has(other.id)) continue;
        this.report("all are connected", `m${node.index} is not connected to m${other.index}`);
      }
      const live = new Set(node.masters.filter(({ isLive }) => isLive).map(({ id }) => id));
      for (const other of nodes) {
        if (other === node || live.has(other.id)) continue;
        this.report("all are known", `m${node.index} tells nobody of m${other.index}`);
      }
      for (const server of world.servers.values()) this.#concludeServer(node, server, since);
    }
  }

  #concludeServer(node: SimNode, server: GameServer, since: number): void {
    const { world } = this.#options;
    const { truth, id } = server;
    const isListed = node.registry?.get(id)?.state === "listed";
    const { now } = this.#options.timeline;
    if (
      isListed && truth.quit && !truth.quit.isOutdone && this.#isQuitKnown(server, now - KNOWN_MS)
    ) {
      this.report("who quits is gone", `m${node.index} lists ${id}, which has quit`);
    }
    const settled = since + 2.2 * server.period;
    const isHeard = [...truth.heardAt].some(([home, at]) =>
      at > settled && world.nodes[home]?.isUp
    );
    if (!isListed && truth.isAlive && isHeard) {
      this.report("who lives is listed", `m${node.index} does not list ${id}, which lives`);
    }
  }

  /** Whether a master that runs yet has known of a server's goodbye before a time. */
  #isQuitKnown({ id, truth: { quit } }: GameServer, before: number): boolean {
    return this.#options.nodes.some((node) => {
      const removal = this.#removals.get(node.index)?.get(id);
      if (!node.isUp || !quit || !removal?.isGoodbye) return false;
      return removal.at >= quit.at && removal.at < before;
    });
  }

  #onListed(
    node: SimNode,
    { id, truth }: GameServer,
    record: Version,
  ): void {
    if (isFirst(truth.latest, record)) truth.latest = record;
    const { quit } = truth;
    if (!quit || truth.isAlive || !isFirst(quit.version, record)) return;
    const { now } = this.#options.timeline;
    const removedAt = this.#removals.get(node.index)?.get(id)?.at ?? -Infinity;
    const heardAt = truth.heardAt.get(node.index) ?? -Infinity;
    // It has heard of the server and not of its goodbye, and had a reason to say something new of it.
    if (
      record.origin === node.id && removedAt < quit.at &&
      now - heardAt < node.aliveTimeout + SLACK_MS
    ) {
      quit.isOutdone = true;
    }
    if (!quit.isOutdone && removedAt >= quit.at) {
      this.report("who quits is gone", `m${node.index} lists ${id} again, which has quit`);
    }
  }

  #onRemoved(
    node: SimNode,
    { id, cause, hlc, origin }: RegistryEvent & { readonly type: "removed" },
  ): void {
    const server = this.#options.world.servers.get(id);
    if (!server) return;
    const { now } = this.#options.timeline;
    const { truth, key } = server;
    const isGoodbye = cause !== "expired";
    this.#removals.get(node.index)?.set(id, { at: now, hlc, origin, isGoodbye });
    const heardAt = truth.heardAt.get(node.index) ?? -Infinity;
    const isHeard = heardAt > node.bootedAt && now - heardAt < node.aliveTimeout;
    const before = node.replica.get(id);
    if (!truth.isAlive || !isHeard || !before) return;
    // It speaks for itself now, in place of what was heard of it.
    if (before.via !== undefined && server.via === undefined) return;
    if (cause === "expired" || (key === undefined && !truth.hasQuit)) {
      const silence = Math.round(now - heardAt);
      this.report(
        "who lives stays listed",
        `m${node.index} takes ${id} for gone (${cause}), which it heard of ${silence} ms ago`,
      );
    }
  }

  /** Until when a master may list a server of which nobody hears any more. */
  #endOf(node: SimNode, { id, truth }: GameServer, record: Version): number {
    const patience = this.#patience;
    const end = truth.lastWord + patience;
    const { now } = this.#options.timeline;
    if (now <= end) return end;
    const { held } = this.#options.network;
    const late = (since: number): number =>
      2 * held.reduce((most, { at, by }) => at > since ? Math.max(most, by) : most, 0);
    // A master that came back with an old store may believe what it reads, and be believed by those
    // who do not know better.
    const removal = this.#removals.get(node.index)?.get(id);
    const isKnownGone = removal && removal.at > truth.lastWord && !isFirst(removal, record);
    let word = truth.lastWord;
    for (const { at, listed } of this.#restores) {
      if (!isKnownGone && at > word && listed.has(id)) word = at;
    }
    return word + patience + late(word);
  }
}
