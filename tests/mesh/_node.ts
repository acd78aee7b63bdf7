import { serverKey } from "../../mesh/entries.ts";
import { type MasterView, Mesh, type MeshSettings, type Target } from "../../mesh/mod.ts";
import type { Command, RegistryEvent, ServerRecord, Version } from "../../registry/mod.ts";
import { Holdings, idOf, LIFE, server, settingsOf } from "./_helpers.ts";
import type { Network } from "./_network.ts";

/** One master: the real mesh on holdings that stand for a registry. */
export class Node {
  readonly master: number;
  readonly id: string;
  readonly network: Network;
  readonly holdings = new Holdings();
  readonly log: string[] = [];
  readonly users: string[] = [];
  /** What the mesh has asked of the registry, and what that has told, on its way. */
  readonly events: RegistryEvent[] = [];
  readonly settings: MeshSettings;
  readonly dials: Target[] = [];
  readonly recalled: number[] = [];
  masters: readonly MasterView[] = [];
  mesh: Mesh;

  constructor(network: Network, master: number, settings: Partial<MeshSettings>) {
    this.network = network;
    this.master = master;
    this.id = idOf(master);
    this.settings = settingsOf(master, settings);
    this.mesh = this.#makeMesh();
  }

  /** Its ring 0 is started anew. */
  restart(): void {
    this.network.vanish(this);
    this.mesh = this.#makeMesh();
    this.mesh.load(this.holdings.snapshot());
  }

  /** It lists a server, or changes one. */
  put(record: ServerRecord): void {
    this.#told(record);
    this.events.push(...this.holdings.put(record, LIFE));
  }

  /** A server has left. */
  quit(number: number, hlc: number): void {
    const tombstone = { id: server(number, 0).id, cause: "quit", hlc, origin: this.id } as const;
    this.#told(tombstone);
    this.events.push(this.holdings.bury(tombstone));
  }

  take(): void {
    for (const event of this.events.splice(0)) this.mesh.apply(event);
    this.mesh.flush();
  }

  /** Connections by the other's number. */
  get connected(): number[] {
    const connected = this.mesh.peers().filter(({ state }) => state === "connected");
    return connected.map(({ name }) => Number(name.slice(1))).sort((a, b) => a - b);
  }

  #told(change: { readonly id: string } & Version): void {
    this.holdings.vector.set(this.id, change.hlc);
    this.network.changes.push({ key: serverKey(change.id), hlc: change.hlc, origin: this.id });
  }

  #makeMesh(): Mesh {
    return new Mesh({
      settings: this.settings,
      source: this.network.source,
      output: {
        dial: (target) => {
          this.dials.push(target);
          this.network.dial(this, target);
        },
        commands: (commands) => commands.forEach((command) => this.#obey(command)),
        users: (users) => this.users.push(...users.map(({ user }) => user)),
        masters: (masters) => this.masters = masters,
        log: (level, message) => this.log.push(`${level}: ${message}`),
      },
    });
  }

  #obey(command: Command): void {
    if (command.type === "merge") this.events.push(...this.holdings.merge(command));
    else if (command.type === "recall") this.recalled.push(command.hlc);
    else if (command.type === "synced") {
      this.network.checkSynced(this, command);
      const { vector } = this.holdings;
      vector.set(command.origin, Math.max(vector.get(command.origin) ?? 0, command.hlc));
    }
  }
}
