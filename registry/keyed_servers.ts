/**
 * Servers that hold a key: they register, report and leave by it.
 *
 * @module
 */

import type { Admission } from "./admission.ts";
import { announced, named } from "./announcement.ts";
import type { RegistryOptions } from "./options.ts";
import { OWNER_GRACE_MS } from "./owners.ts";
import type { Records } from "./records.ts";
import {
  type Announcement,
  MASTER_GAMENAME,
  type Outcome,
  type ServerId,
  type ServerRecord,
  type ServerStatus,
} from "./types.ts";

const ACCEPTED: Outcome = { type: "accepted" };

/** What may be done to a server by its key alone. */
export class KeyedServers {
  readonly #options: RegistryOptions;
  readonly #records: Records;
  readonly #admission: Admission;

  constructor(options: RegistryOptions, records: Records, admission: Admission) {
    this.#options = options;
    this.#records = records;
    this.#admission = admission;
  }

  /** A server registers, or changes what it said. */
  announce(said: Announcement): Outcome {
    const admission = this.#admission;
    const { names, owners } = admission;
    const { ip, port, key, name, gamename } = said;
    const { clock, hostKey, serverId } = this.#options;
    const id = serverId(ip, port);
    const found = this.#records.get(id);
    const isOther = found?.gamename === MASTER_GAMENAME || found?.via !== undefined;
    const known = found && (found.key ?? key) === key && !isOther ? found : undefined;
    if (found && !known && owners.isOwned(found)) {
      const reason = "Another key has registered this address and port: stop the server that " +
        `holds it, or wait ${OWNER_GRACE_MS / 1000} s after its last word`;
      return admission.refuse(id, reason, "unauthorized");
    }
    const full = known ? undefined : admission.fullness(ip);
    if (full !== undefined) return admission.refuse(id, full, "too_many");
    const claim = names.check(name, key, hostKey(ip), clock.monotonic());
    if (claim === "taken") {
      const reason = `The name "${name}" belongs to another key: choose another name`;
      return admission.refuse(id, reason, "name_taken");
    }
    if (claim === "too_many") {
      const reason = "Too many new names were listed from this address: keep to those you have";
      return admission.refuse(id, reason, "too_many");
    }
    if (found && !known) admission.replace(found);
    if (known?.name !== name) {
      names.bear(name, key);
      if (known?.name !== undefined) names.drop(known.name, key);
    }
    owners.enter(id);
    if (known) admission.again(known, announced(said));
    else {
      const wall = clock.wall();
      const times = { firstSeen: wall, lastSeen: wall };
      const entry = { id, ip, port, state: "challenged", ...times, ...announced(said) } as const;
      admission.enter(entry, `${gamename} "${name}", by its key`);
    }
    const record = this.#records.get(id);
    if (record && said.status) this.#records.setStatus(record, named(said.status, name));
    // Listed already under an earlier name, or by an old-style heartbeat.
    if (record?.state === "listed") admission.prove(record);
    return ACCEPTED;
  }

  /** A server says again that it lives, and how full it is. */
  report(id: ServerId, key: string, status: ServerStatus): Outcome {
    const record = this.#records.get(id);
    if (record?.key !== key) {
      return {
        type: "refused",
        reason: "This server is not registered here: register it",
        refusal: "unauthorized",
      };
    }
    this.#records.refresh([id]);
    this.#admission.owners.hear(id);
    this.noteStatus(id, status);
    const heard = this.#records.get(id) ?? record;
    this.#records.setStatus(heard, named(status, record.name));
    this.#admission.retry(record);
    return ACCEPTED;
  }

  /** A server of a key leaves; false when the key is another's. */
  leave(id: ServerId, key: string): void {
    if (this.#records.get(id)?.key === key) this.#admission.remove(id, "quit");
  }

  /**
   * A server sends a heartbeat without a key. What its key's owner says of it stands above what anyone
   * at its address can say; if the owner has gone, and the server has not, that goes, too.
   *
   * @returns Whether the owner is still there.
   */
  hasOwner(record: ServerRecord): boolean {
    const { owners, names } = this.#admission;
    if (owners.isOwned(record)) return true;
    const { key, name, admin: _admin, status: _status, ...rest } = record;
    if (key === undefined) return false;
    if (name !== undefined) names.drop(name, key);
    owners.delete(record.id);
    const detail = "its key's owner has fallen silent, it goes on in the old style";
    this.#admission.note(record.id, "changed", detail);
    this.#records.put(rest);
    return false;
  }

  /** Adds to a server's trace how full it is. */
  noteStatus(id: ServerId, { map, players, maxPlayers }: ServerStatus): void {
    this.#admission.note(id, "status", `map ${map}, ${players} of ${maxPlayers} players`);
  }
}
