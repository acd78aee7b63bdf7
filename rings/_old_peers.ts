import { formatEndpoint } from "../protocol/mod.ts";
import type { RingSettings } from "../threads/mod.ts";
import { isSendable } from "./_old_peers_messages.ts";
import { OldPeer, type OldPeersParts, PEER_QUIT_MS } from "./_old_peers_peer.ts";

/** What old-style masters are told; a change of it is told at once. */
function sayingOf({ oldServerPort, masterPassword, heartbeatInterval }: RingSettings): string {
  return JSON.stringify([oldServerPort, masterPassword, heartbeatInterval]);
}

/**
 * The old-style masters that the operator named: this master is kept in their lists, and what they
 * list is told to the registry.
 */
export class OldPeers {
  readonly #parts: OldPeersParts;
  readonly #peers = new Map<string, OldPeer>();
  /** Goodbyes on their way. */
  readonly #leaving = new Set<Promise<void>>();
  #isRunning = false;
  #isOver = false;
  #saying = "";
  #hasToldOfNoPassword = false;

  constructor(parts: OldPeersParts) {
    this.#parts = parts;
  }

  /** Begins, unless it has begun. */
  start(): void {
    if (this.#isRunning || this.#isOver) return;
    this.#isRunning = true;
    this.reconfigure();
  }

  /** Applies the settings as they are now. */
  reconfigure(): void {
    if (!this.#isRunning) return;
    const settings = this.#parts.settings();
    const saying = sayingOf(settings);
    const hasChanged = saying !== this.#saying;
    this.#saying = saying;
    const named = new Map(
      settings.oldPeers.map((peer) => [formatEndpoint(peer.host, peer.port), peer]),
    );
    for (const [name, peer] of this.#peers) {
      if (!named.has(name)) this.#leave(name, peer);
      else if (hasChanged) peer.hurry();
    }
    for (const [name, target] of named) {
      if (this.#peers.has(name)) continue;
      const peer = new OldPeer(target, this.#parts);
      this.#peers.set(name, peer);
      peer.start();
    }
    this.#tellOfNoPassword(settings);
  }

  /**
   * Says goodbye to all.
   *
   * @param graceMs Milliseconds that it may take.
   */
  async stop(graceMs: number): Promise<void> {
    this.#isRunning = false;
    this.#isOver = true;
    for (const [name, peer] of this.#peers) this.#leave(name, peer, graceMs);
    await Promise.all(this.#leaving);
  }

  /** How many masters answered all they were asked in the last round, and what they list. */
  counters(): Record<string, number> {
    const peers = [...this.#peers.values()];
    return {
      old_peers_ok: peers.filter(({ isOk }) => isOk === true).length,
      old_peers_failed: peers.filter(({ isOk }) => isOk === false).length,
      old_peers_servers: peers.reduce((sum, { heard }) => sum + heard, 0),
    };
  }

  #leave(name: string, peer: OldPeer, graceMs = PEER_QUIT_MS): void {
    this.#peers.delete(name);
    const leaving = peer.leave(Math.min(graceMs, PEER_QUIT_MS))
      .finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  #tellOfNoPassword({ oldPeers, masterPassword }: RingSettings): void {
    const isMissing = oldPeers.length > 0 && !isSendable(masterPassword);
    if (isMissing && !this.#hasToldOfNoPassword) {
      this.#parts.log("warning", "old-style masters are asked, but not told of this one", {
        reason: masterPassword === ""
          ? "without a password they would refuse it"
          : "masterserver-password cannot be sent in the old style",
        advice: "set masterserver-password in [game] to the one that their operators have set",
      });
    }
    this.#hasToldOfNoPassword = isMissing;
  }
}
