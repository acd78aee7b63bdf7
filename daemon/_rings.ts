import type { Config } from "../config/mod.ts";
import type {
  FromThread,
  HostPort,
  KnownMaster,
  RingName,
  Supervisor,
  ThreadSettings,
} from "../threads/mod.ts";
import { addressOf } from "./_addresses.ts";
import { tellListening } from "./_announcements.ts";
import type { Identity } from "./_identity.ts";
import { log } from "./_log.ts";
import {
  isRingOn,
  probingRing,
  type RingLabel,
  RINGS,
  ringSettings,
  usualOldServerPort,
} from "./_settings.ts";

/** Milliseconds that requests in hand may take when a ring stops. */
export const STOP_RINGS_MS = 3000;

/** What the rings are made of. */
export interface RingsOptions {
  readonly supervisor: Pick<Supervisor, "post" | "socketsOf" | "start" | "stop">;
  readonly identity: Identity;
  /** Version of this program. */
  readonly version: string;
  /** The configuration as it is now. */
  readonly config: () => Config;
  /** The other masters that are live. */
  readonly others: () => readonly KnownMaster[];
  /** Masters known from an earlier run. */
  readonly neighbors: () => readonly HostPort[];
  /** A ring has come up. */
  readonly up: (ring: RingName) => void;
  /** A ring is down, or was stopped. */
  readonly down: (ring: RingName) => void;
  /** A ring has said something. */
  readonly message: (ring: RingName, message: FromThread) => void;
}

/** Which rings run, and what each of them is told of the rest. */
export class Rings {
  readonly #options: RingsOptions;
  /** Those that were started and not stopped since. */
  readonly #started = new Set<RingName>();
  /** Where each of them listens, or did before it crashed: it is back in a moment. */
  readonly #ports = new Map<RingName, number>();
  /** IP address of `publicadress`, once it is known. */
  #publicAddress: string | undefined;

  constructor(options: RingsOptions) {
    this.#options = options;
  }

  /** Whether a ring is on and can be served. */
  serves(ring: RingName): boolean {
    return this.#served().some(([label]) => label.ring === ring);
  }

  /**
   * Stops the rings that are not on any more, and starts those that are and do not run.
   *
   * @returns Whether each of those started came up at once.
   */
  follow(): Promise<boolean>[] {
    void this.#resolvePublicAddress();
    for (const ring of this.#started) if (!this.serves(ring)) this.#stop(ring);
    this.tell();
    const fresh = this.#served().filter(([{ ring }]) => !this.#started.has(ring));
    for (const [{ ring }] of fresh) this.#started.add(ring);
    const others = fresh.filter(([{ ring }]) => ring !== "ring0").map((one) => this.#start(one));
    // Ring 0 tells other masters where the others listen, and so waits for them.
    const last = fresh.filter(([{ ring }]) => ring === "ring0").map(async (one) => {
      await Promise.all(others);
      return this.#started.has("ring0") && await this.#start(one);
    });
    return [...others, ...last];
  }

  /** Sends all rings their settings as they are now. */
  tell(): void {
    for (const [label, port] of this.#served()) {
      const settings = this.#settings(label, port);
      this.#options.supervisor.post(label.ring, { type: "settings", settings });
    }
  }

  /** Stops all rings for good. */
  async stop(): Promise<void> {
    this.#started.clear();
    await this.#options.supervisor.stop(RINGS.map(({ ring }) => ring), STOP_RINGS_MS);
  }

  /** The rings that are on and can be served, with their ports. */
  #served(): (readonly [RingLabel, number])[] {
    const config = this.#options.config();
    return RINGS.flatMap((label) => {
      const port = label.port(config);
      const isServed = isRingOn(label, config) &&
        (!label.isEncrypted || this.#options.identity.type === "known");
      return isServed && port !== "off" ? [[label, port] as const] : [];
    });
  }

  #start([label, port]: readonly [RingLabel, number]): Promise<boolean> {
    const { supervisor, up, down, message } = this.#options;
    const { ring } = label;
    return supervisor.start({
      name: ring,
      settings: () => this.#settings(label, port),
      onReady: () => {
        up(ring);
        const [socket] = supervisor.socketsOf(ring);
        if (socket) {
          this.#ports.set(ring, socket.port);
          tellListening(label, socket);
        }
        // The other rings name this one's port, which may be any free one.
        this.tell();
      },
      onMessage: (said) => message(ring, said),
      onDown: () => down(ring),
    });
  }

  #stop(ring: RingName): void {
    this.#started.delete(ring);
    this.#ports.delete(ring);
    this.#options.down(ring);
    log("info", `${RINGS.find((label) => label.ring === ring)?.label} stops`);
    void this.#options.supervisor.stop([ring], STOP_RINGS_MS);
  }

  #settings({ ring, isEncrypted }: RingLabel, port: number): ThreadSettings {
    const { identity, version, others, neighbors } = this.#options;
    const config = this.#options.config();
    const facts = {
      port,
      oldServerPort: this.#ports.get("ring1bis") ?? usualOldServerPort(config),
      publicAddress: this.#publicAddress,
      version,
      probes: ring === probingRing(config),
      channel: isEncrypted && identity.type === "known"
        ? { library: identity.crypto.path, privateKey: identity.privateKey }
        : undefined,
      masters: [this.#thisMaster(config), ...others()],
      neighbors: neighbors(),
    };
    return { kind: "ring", ring: ringSettings(config, facts) };
  }

  #thisMaster({ network }: Config): KnownMaster {
    const { identity } = this.#options;
    return {
      name: network.netName,
      host: network.publicAddress,
      ip: this.#publicAddress,
      ports: Object.fromEntries(this.#ports),
      key: identity.type === "known" ? identity.key : "",
    };
  }

  /** Old-style lists hold addresses, so a name has to be looked up; nobody waits for it. */
  async #resolvePublicAddress(): Promise<void> {
    const name = this.#options.config().network.publicAddress;
    const address = name === undefined ? undefined : await addressOf(name);
    if (name !== undefined && address === undefined) {
      log("warning", "publicadress is unknown: lists of masters name the address they came to", {
        publicadress: name,
      });
    }
    if (address === this.#publicAddress) return;
    this.#publicAddress = address;
    this.tell();
  }
}
