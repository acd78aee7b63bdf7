import assert from "node:assert/strict";
import { serverKey } from "../../mesh/entries.ts";
import { Ledger } from "../../mesh/ledger.ts";
import type { Link, MeshSettings, MeshSource, Target } from "../../mesh/mod.ts";
import { idOfKey } from "../../mesh/roster.ts";
import {
  decodeRing0Message,
  encodeMessage,
  type Hello,
  type Ring0Message,
} from "../../protocol/mod.ts";
import {
  isEarlier,
  type LifeSign,
  type NameClaim,
  type RegistryEvent,
  type ServerRecord,
  type ServerStatus,
  type Snapshot,
  type Tombstone,
  type UserClaim,
} from "../../registry/mod.ts";

export const SECOND = 1000;
export const ALIVE = 720 * SECOND;

/** Public key of a master, base64; its id follows from it and is in the order of the numbers. */
export function keyOf(master: number): string {
  const bytes = new Uint8Array(32).fill(7);
  bytes.set([0xa0, master >> 8, master & 255]);
  return bytes.toBase64();
}

/** Id of a master. */
export function idOf(master: number): string {
  return idOfKey(keyOf(master)) ?? assert.fail("no key");
}

export const ME = idOf(1);
export const OTHER = idOf(2);

/** Time and chance that tests turn. */
export class FakeSource implements MeshSource {
  /** Monotonic milliseconds, not round on purpose. */
  now = 54_321.5;
  clock = Date.UTC(2026, 0, 1);
  /** What chance gives next; 0 when there is nothing. */
  readonly dice: number[] = [];

  monotonic(): number {
    return this.now;
  }

  wall(): number {
    return this.clock;
  }

  random(): number {
    return this.dice.shift() ?? 0;
  }

  pass(ms: number): void {
    this.now += ms;
    this.clock += ms;
  }
}

/** What a message says; fails when no master would understand it. */
export function decoded(plaintext: Uint8Array): Ring0Message {
  const message = decodeRing0Message(plaintext);
  assert.equal(message.type, "message", JSON.stringify(message));
  return message.type === "message" ? message.message : assert.fail();
}

/** What messages say. */
export function decodedAll(messages: Iterable<Uint8Array>): Ring0Message[] {
  return [...messages].map(decoded);
}

/** A connection that nobody is at the other end of. */
export class FakeLink implements Link {
  readonly key: string;
  readonly ip: string;
  readonly dialed: Target | undefined;
  readonly sent: Uint8Array[] = [];
  /** What the system says of what it has not taken. */
  waiting = 0;
  isClosed = false;

  constructor(master: number, dialed?: Target) {
    this.key = keyOf(master);
    this.ip = `192.0.2.${master & 255}`;
    this.dialed = dialed;
  }

  get sentBytes(): number {
    return this.sent.reduce((sum, { length }) => sum + length, 0);
  }

  get receivedBytes(): number {
    return 0;
  }

  send(plaintext: Uint8Array): void {
    if (!this.isClosed) this.sent.push(plaintext);
  }

  close(): void {
    this.isClosed = true;
  }

  /** What was sent since the last call. */
  take(): Ring0Message[] {
    return decodedAll(this.sent.splice(0));
  }

  /** The types of what was sent since the last call. */
  takeTypes(): string[] {
    return this.take().map(({ type }) => type);
  }
}

/** Settings of a master. */
export function settingsOf(master: number, changes: Partial<MeshSettings> = {}): MeshSettings {
  return {
    id: idOf(master),
    key: keyOf(master),
    name: `m${master}`,
    host: hostOf(master).host,
    ports: { ring0: 6060, ring2: 3040 },
    program: "0.1.0",
    aliveTimeout: ALIVE,
    peers: [],
    neighbors: [],
    ...changes,
  };
}

/** Where a master is. */
export function hostOf(master: number): Target {
  return { host: `m${master}.example`, port: 6060 };
}

/** What a master says first. */
export function helloOf(master: number, changes: Partial<Hello> = {}): Hello {
  return {
    type: "hello",
    version: 1,
    id: idOf(master),
    name: `m${master}`,
    host: hostOf(master).host,
    ports: { ring0: 6060 },
    time: Date.UTC(2026, 0, 1),
    program: "0.1.0",
    instance: 1000 + master,
    ...changes,
  };
}

/** A message as it is sent. */
export function wire(message: Parameters<typeof encodeMessage>[0]): Uint8Array {
  return encodeMessage(message);
}

/** A listed server. */
export function server(number: number, hlc: number, origin = ME): ServerRecord {
  const ip = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
  return {
    id: `${ip}:3030`,
    ip,
    port: 3030,
    gamename: "netpanzer",
    settings: { gamename: "netpanzer", port: "3030" },
    state: "listed",
    firstSeen: 1_700_000_000_000,
    lastSeen: 1_700_000_000_000,
    hlc,
    origin,
  };
}

export const LIFE: LifeSign = { left: 700 * SECOND, heard: true };

/** A server is new or has changed. */
export function put(record: ServerRecord, life: LifeSign = LIFE): RegistryEvent {
  return { type: "put", record, ...life };
}

/** A server is gone. */
export function gone(
  { id, hlc, origin }: ServerRecord,
  cause: "quit" | "expired" | "replaced" = "quit",
): RegistryEvent {
  return { type: "removed", id, cause, lastSeen: 0, wasListed: true, hlc, origin };
}

export function statusWith(players: number): ServerStatus {
  return {
    hostname: "Bob's tanks",
    map: "Two clans",
    players,
    maxPlayers: 8,
    gameVersion: "0.8.7",
    gameStyle: "Objective",
    needsPassword: false,
    roster: [],
  };
}

export function userClaim(user: string, hlc: number, origin = ME): UserClaim {
  return { user, key: keyOf(99), country: "FR", hlc, origin };
}

/** What a registry would hold that only keeps what it is told. */
export class Holdings {
  readonly records = new Map<string, { record: ServerRecord; life: LifeSign }>();
  readonly tombstones = new Map<string, Tombstone>();
  readonly names = new Map<string, NameClaim>();
  readonly vector = new Map<string, number>();

  snapshot(): Snapshot {
    return {
      records: [...this.records.values()],
      tombstones: [...this.tombstones.values()],
      names: [...this.names.values()],
      vector: [...this.vector],
    };
  }

  /** Takes what another master tells by the rules of the network; what has come of it. */
  merge(
    { puts = [], tombstones = [], names = [] }: {
      readonly puts?: readonly { record: Omit<ServerRecord, "state" | "lastSeen">; left: number }[];
      readonly tombstones?: readonly Tombstone[];
      readonly names?: readonly NameClaim[];
    },
  ): RegistryEvent[] {
    const events: RegistryEvent[] = [];
    for (const claim of names) {
      const known = this.names.get(claim.name);
      if (known && !isEarlier(claim, known)) continue;
      this.names.set(claim.name, claim);
      events.push({ type: "name", ...claim });
    }
    for (const { record, left } of puts) {
      const known = this.records.get(record.id)?.record ?? this.tombstones.get(record.id);
      if (known && !isEarlier(known, record)) continue;
      events.push(...this.put({ ...record, state: "listed", lastSeen: 0 }, { left, heard: false }));
    }
    for (const tombstone of tombstones) {
      const { id } = tombstone;
      const known = this.records.get(id)?.record ?? this.tombstones.get(id);
      if (!known || isEarlier(known, tombstone)) events.push(this.bury(tombstone));
    }
    return events;
  }

  put(record: ServerRecord, life: LifeSign = LIFE): RegistryEvent[] {
    this.tombstones.delete(record.id);
    this.records.set(record.id, { record, life });
    return [put(record, life)];
  }

  bury(tombstone: Tombstone): RegistryEvent {
    this.records.delete(tombstone.id);
    this.tombstones.set(tombstone.id, tombstone);
    const { cause, ...rest } = tombstone;
    return { type: "removed", ...rest, cause, lastSeen: 0, wasListed: true };
  }

  /** Versions by key, as text, of all that is held. */
  content(): Map<string, string> {
    const content = new Map<string, string>();
    const note = (key: string, { hlc, origin }: { hlc: number; origin: string }) =>
      content.set(key, `${hlc} ${origin}`);
    for (const { record } of this.records.values()) note(serverKey(record.id), record);
    for (const tombstone of this.tombstones.values()) note(serverKey(tombstone.id), tombstone);
    for (const claim of this.names.values()) note(`n:${claim.name}`, claim);
    return content;
  }
}

/** A ledger with what holdings hold. */
export function ledgerOf(holdings: Holdings, origin = ME, source = new FakeSource()): Ledger {
  const ledger = new Ledger(origin, () => source.monotonic());
  ledger.load(holdings.snapshot());
  return ledger;
}
