import type { Command } from "../../registry/mod.ts";
import { ring1bis } from "../../rings/mod.ts";
import type { HostPort, LogFields, RingSettings, ThreadBody } from "../../threads/mod.ts";
import type { OldMaster } from "../e2e/_old_master.ts";
import { SETTINGS } from "./_helpers.ts";

export const LIST_SERVERS = "\\list\\gamename\\netpanzer\\final\\";

/** What is told of a master that gives at least one list. */
export const REACHED = "an old-style master answers";

export interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** Ring 1 bis as a thread runs it, on any free port, with old-style masters to talk to. */
export class Ring {
  readonly #body: ThreadBody;
  readonly hearsay: Extract<Command, { type: "hearsay" }>[] = [];
  readonly lines: Line[] = [];
  #settings: RingSettings;
  #stopped: Promise<void> | undefined;

  constructor(settings: Partial<RingSettings>) {
    this.#settings = {
      ...SETTINGS,
      masters: [],
      peers: [],
      neighbors: [],
      oldPeers: [],
      masterPassword: "xxx",
      heartbeatInterval: 60_000,
      probes: false,
      ...settings,
    };
    this.#body = ring1bis({ kind: "ring", ring: this.#settings }, {
      post: (message) => {
        if (message.type !== "commands") return;
        for (const { command } of message.commands) {
          if (command.type === "hearsay") this.hearsay.push(command);
        }
      },
      log: (level, message, fields = {}) => void this.lines.push({ level, message, fields }),
    });
  }

  async start(): Promise<void> {
    await this.#body.start();
    this.feed();
  }

  feed(): void {
    this.#body.receive({ type: "snapshot", records: [], first: true, last: true });
  }

  configure(settings: Partial<RingSettings>): void {
    this.#settings = { ...this.#settings, ...settings };
    this.#body.reconfigure({ kind: "ring", ring: this.#settings });
  }

  /** Entries that were heard of, as `gamename ip:port`. */
  get heard(): string[] {
    return this.hearsay.map(({ gamename, ip, port }) => `${gamename} ${ip}:${port}`);
  }

  told(message: string): Line[] {
    return this.lines.filter((line) => line.message === message);
  }

  counters(): readonly number[] {
    const { old_peers_ok, old_peers_failed, old_peers_servers } = this.#body.counters();
    return [old_peers_ok ?? NaN, old_peers_failed ?? NaN, old_peers_servers ?? NaN];
  }

  stop(): Promise<void> {
    return this.#stopped ??= this.#body.stop(3000);
  }
}

/** Where it is, as settings have it. */
export function portOf({ ip, port }: OldMaster): HostPort {
  return { host: ip, port };
}

/** Runs with a ring that is stopped afterwards. */
export async function withRing(
  settings: Partial<RingSettings>,
  use: (ring: Ring) => Promise<void>,
): Promise<void> {
  const ring = new Ring(settings);
  await ring.start();
  try {
    await use(ring);
  } finally {
    await ring.stop();
  }
}
