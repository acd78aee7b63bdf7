/**
 * Which masters reach a server over UDP, beside the one that verified it.
 *
 * @module
 */

import type { Reach, Reachability, ServerId } from "./types.ts";

/** Milliseconds for which a finding counts: each server is looked at several times a day. */
const FINDING_MS = 86_400_000;

/** Masters whose findings are kept of one server. */
const MAX_MASTERS = 256;

interface Finding {
  readonly reached: boolean;
  readonly at: number;
}

/** Findings of masters, by server. */
export class ReachabilityBook {
  readonly #byId = new Map<ServerId, Map<string, Finding>>();

  /**
   * A master has tried to reach servers.
   *
   * @param master Its id.
   * @param isKnown Whether a server is listed; findings of others are not kept.
   * @param now Monotonic milliseconds.
   * @returns What is known now of those where that has changed.
   */
  note(
    master: string,
    servers: readonly Reachability[],
    isKnown: (id: ServerId) => boolean,
    now: number,
  ): readonly Reach[] {
    const changed: Reach[] = [];
    for (const { id, reached } of servers) {
      if (!isKnown(id)) continue;
      const findings = this.#byId.get(id) ?? new Map<string, Finding>();
      const before = count(findings);
      for (const [other, { at }] of findings) if (now - at > FINDING_MS) findings.delete(other);
      if (findings.size < MAX_MASTERS || findings.has(master)) {
        findings.set(master, { reached, at: now });
      }
      this.#byId.set(id, findings);
      const after = count(findings);
      if (before.reached === after.reached && before.probed === after.probed) continue;
      changed.push({ id, ...after });
    }
    return changed;
  }

  /** A server is gone. */
  delete(id: ServerId): void {
    this.#byId.delete(id);
  }
}

function count(findings: ReadonlyMap<string, Finding>): { reached: number; probed: number } {
  let reached = 0;
  for (const finding of findings.values()) if (finding.reached) reached++;
  return { reached, probed: findings.size };
}
