/**
 * Ring 0: masters keep each other up to date over encrypted channels that only those who know the
 * network's password can open. What is told to whom is the mesh's; sockets and threads are here.
 *
 * @module
 */

import { type Crypto, encodeKey, networkKey, openCrypto } from "../crypto/mod.ts";
import { Mesh, type MeshOutput, type MeshSettings } from "../mesh/mod.ts";
import type { LifeSign, ServerRecord } from "../registry/mod.ts";
import type {
  BoundSocket,
  RingSettings,
  ThreadBody,
  ThreadContext,
  ThreadSettings,
  ToThread,
} from "../threads/mod.ts";
import { MESH_LIMITS, type MeshLimits, MeshLinks } from "./_mesh_links.ts";
import type { MeshLike, MeshParts } from "./_mesh_parts.ts";
import { RegistryClient } from "./_registry_client.ts";
import { ringSettings } from "./_ring_settings.ts";
import { boundSocket, listenTcp } from "./_sockets.ts";

/** Milliseconds between two ticks of the mesh. */
const TICK_MS = 250;

/** Milliseconds for which changes are gathered before they are sent; they are told within 50. */
const GATHER_MS = 10;

/** Bytes of the public key that make a master's id. */
const ID_BYTES = 8;

/** What tests may put in another's place. */
export interface Ring0Options {
  readonly makeMesh: (parts: MeshParts) => MeshLike;
  readonly limits: MeshLimits;
}

const OPTIONS: Ring0Options = { makeMesh: (parts) => new Mesh(parts), limits: MESH_LIMITS };

/** What a started ring works with. */
interface Running {
  readonly crypto: Crypto;
  readonly links: MeshLinks;
  readonly mesh: MeshLike;
  /** Settings of the mesh that do not change. */
  readonly identity: Pick<MeshSettings, "id" | "key">;
  readonly port: number;
}

function idOf(publicKey: Uint8Array): string {
  return [...publicKey.subarray(0, ID_BYTES)]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The thread of ring 0. */
export class Ring0 implements ThreadBody {
  readonly #context: ThreadContext;
  readonly #options: Ring0Options;
  readonly #registry: RegistryClient;
  #settings: RingSettings;
  #networkKey: Uint8Array = new Uint8Array(0);
  #running: Running | undefined;
  #incoming: { record: ServerRecord; life: LifeSign }[] = [];
  #isLoaded = false;
  #tickTimer: ReturnType<typeof setInterval> | undefined;
  #flushTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(settings: ThreadSettings, context: ThreadContext, options: Partial<Ring0Options>) {
    this.#settings = ringSettings(settings);
    this.#context = context;
    this.#options = { ...OPTIONS, ...options };
    this.#registry = new RegistryClient(context);
  }

  start(): Promise<readonly BoundSocket[]> {
    const { address, port, channel, masterPassword } = this.#settings;
    if (!channel) throw new TypeError("an encrypted ring without a key");
    const opened = openCrypto(channel.library);
    if (opened.type === "unavailable") throw new Error(opened.message);
    const { crypto } = opened;
    const keyPair = crypto.keyPair(channel.privateKey);
    this.#networkKey = networkKey(crypto, masterPassword);
    const listener = listenTcp({ address, port, key: "[network] mmport" });
    const identity = { id: idOf(keyPair.publicKey), key: encodeKey(keyPair.publicKey) };
    const bound = { identity, port: listener.addr.port };
    const links = new MeshLinks({
      listener,
      crypto,
      keyPair,
      networkKey: () => this.#networkKey,
      context: this.#context,
      limits: this.#options.limits,
      handler: {
        opened: (link) => {
          mesh.opened(link);
          this.#flushSoon();
        },
        received: (link, plaintext) => {
          mesh.received(link, plaintext);
          this.#flushSoon();
        },
        closed: (link, reason) => mesh.closed(link, reason),
        dialFailed: (target, reason) => mesh.dialFailed(target, reason),
        drained: () => mesh.flush(),
      },
    });
    const mesh = this.#options.makeMesh({
      settings: this.#meshSettings(bound),
      source: {
        monotonic: () => performance.now(),
        wall: () => Date.now(),
        random: () => Math.random(),
      },
      output: this.#output(links),
    });
    this.#running = { crypto, links, mesh, ...bound };
    return Promise.resolve([boundSocket(listener)]);
  }

  receive(message: ToThread): void {
    const mesh = this.#running?.mesh;
    if (!mesh) return;
    switch (message.type) {
      case "snapshot":
        this.#takeSnapshot(message, mesh);
        break;
      case "users":
        if (message.first === undefined && message.last === undefined) mesh.addUsers(message.users);
        else mesh.loadUsers(message.users, message.first === true);
        this.#flushSoon();
        break;
      case "events":
        for (const event of message.events) mesh.apply(event);
        this.#flushSoon();
        break;
      default:
        break;
    }
  }

  reconfigure(settings: ThreadSettings): void {
    const before = this.#settings;
    this.#settings = ringSettings(settings);
    const running = this.#running;
    if (!running) return;
    const { masterPassword } = this.#settings;
    // Links that are open stay so: whoever is there has known the password until now.
    if (masterPassword !== before.masterPassword && masterPassword !== "") {
      this.#networkKey = networkKey(running.crypto, masterPassword);
    }
    running.mesh.reconfigure(this.#meshSettings(running));
  }

  async stop(graceMs: number): Promise<void> {
    clearInterval(this.#tickTimer);
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    const running = this.#running;
    if (!running) return;
    running.mesh.flush();
    running.mesh.stop();
    await running.links.stop(graceMs);
    this.#registry.flush();
    running.crypto[Symbol.dispose]();
  }

  counters(): Record<string, number> {
    return { ...this.#running?.links.counters(), ...this.#running?.mesh.counters() };
  }

  #takeSnapshot(
    { records, lives = [], names = [], departures, first, last }: ToThread & {
      readonly type: "snapshot";
    },
    mesh: MeshLike,
  ): void {
    if (first) this.#incoming = [];
    for (const [place, record] of records.entries()) {
      const life = lives[place];
      if (!life) {
        throw new TypeError("a snapshot for ring 0 that does not say how long servers live");
      }
      this.#incoming.push({ record, life });
    }
    if (!last) return;
    if (!departures) throw new TypeError("a snapshot for ring 0 that ends without departures");
    const { tombstones, vector } = departures;
    mesh.load({ records: this.#incoming, tombstones, names, vector });
    this.#incoming = [];
    if (!this.#isLoaded) this.#begin();
  }

  /** Other masters wait in the listen queue until there is something to compare with. */
  #begin(): void {
    this.#isLoaded = true;
    this.#running?.links.run();
    this.#tickTimer = setInterval(() => {
      this.#running?.mesh.tick();
      this.#running?.links.checkLife();
    }, TICK_MS);
  }

  #flushSoon(): void {
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined;
      this.#running?.mesh.flush();
    }, GATHER_MS);
  }

  #output(links: MeshLinks): MeshOutput {
    return {
      dial: (target) => links.dial(target),
      commands: (commands) => {
        for (const command of commands) this.#registry.send(command);
      },
      users: (users) => this.#context.post({ type: "users", users }),
      masters: (masters) => this.#context.post({ type: "masters", masters }),
      log: (level, message, fields) => this.#context.log(level, message, fields),
    };
  }

  #meshSettings({ identity, port }: Pick<Running, "identity" | "port">): MeshSettings {
    const { hostname, version, aliveTimeout, peers, neighbors, masters } = this.#settings;
    const [own] = masters;
    return {
      ...identity,
      name: hostname,
      host: own?.host,
      // What the daemon knows of this ring's port comes after its start.
      ports: { ...own?.ports, ring0: port },
      program: version,
      aliveTimeout,
      peers,
      neighbors,
    };
  }
}

/** Makes the thread of ring 0. */
export function ring0(settings: ThreadSettings, context: ThreadContext): ThreadBody {
  return new Ring0(settings, context, {});
}
