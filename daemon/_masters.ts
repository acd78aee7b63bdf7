import type { MasterView } from "../mesh/mod.ts";
import { canonicalAddress, isIpv6 } from "../protocol/mod.ts";
import type { StoredMaster } from "../registry/mod.ts";
import type { HostPort, KnownMaster } from "../threads/mod.ts";

/** Milliseconds between two notes in the database that a master is there. */
const STORE_INTERVAL_MS = 60_000;

/** Milliseconds after which it is looked up again where a host name leads. */
const LOOKUP_INTERVAL_MS = 600_000;

/** What the membership is made of. */
export interface MembershipOptions {
  /** The IP address of a host name; undefined when it is unknown. */
  readonly addressOf: (host: string) => Promise<string | undefined>;
  /** Stores masters as they are now. */
  readonly store: (masters: readonly StoredMaster[]) => void;
  /** Keeps for the next start where masters are. */
  readonly remember: (masters: readonly HostPort[]) => void;
  /** Told when clients are to be told of other masters than before. */
  readonly changed: () => void;
}

/** Where a master's ring 0 is; undefined when it has none for others. */
function ringZero({ host, ports }: MasterView): HostPort | undefined {
  const port = ports["ring0"];
  return port === undefined ? undefined : { host, port };
}

/** Whether clients are told the same of two masters. */
function isSame(a: MasterView | undefined, b: MasterView): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

/** The other masters of the network, as ring 0 tells of them. */
export class Membership {
  readonly #options: MembershipOptions;
  #views: readonly MasterView[] = [];
  /** What each host name was found to stand for, if anything. */
  readonly #addresses = new Map<string, string | undefined>();
  /** What was kept for the next start. */
  #remembered = "";
  readonly #timers: readonly ReturnType<typeof setInterval>[];

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#timers = [
      setInterval(
        () => this.#store(this.#views.filter(({ isLive }) => isLive)),
        STORE_INTERVAL_MS,
      ),
      setInterval(() => void this.#lookUp(this.#hostNames()), LOOKUP_INTERVAL_MS),
    ];
  }

  /** The live ones, as clients are told of them. */
  get live(): readonly KnownMaster[] {
    return this.#views.filter(({ isLive }) => isLive).map((view) => {
      const { name, host, ports, key } = view;
      return { name, host, ip: this.#addressOf(view), ports, key };
    });
  }

  /** Takes the masters that are known now. */
  take(views: readonly MasterView[]): void {
    const before = new Map(this.#views.map((view) => [view.id, view]));
    const others = views.filter((view) => !isSame(before.get(view.id), view));
    if (others.length === 0 && views.length === before.size) return;
    this.#views = views;
    this.#store(others.filter(({ isLive }) => isLive));
    this.#remember(views.flatMap((view) => ringZero(view) ?? []));
    this.#options.changed();
    void this.#lookUp(this.#hostNames().filter((host) => !this.#addresses.has(host)));
  }

  /** Ring 0 is off: nobody is known to be there. */
  clear(): void {
    if (this.#views.length === 0) return;
    this.#views = [];
    this.#options.changed();
  }

  /** Ends. */
  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Old-style lists hold addresses, and most who read them can use nothing but IPv4. */
  #addressOf({ host, ip }: MasterView): string | undefined {
    const told = canonicalAddress(host) ?? this.#addresses.get(host);
    const candidates = [told, ip].filter((address) => address !== undefined);
    return candidates.find((address) => !isIpv6(address)) ?? candidates[0];
  }

  #hostNames(): string[] {
    const names = this.#views.map(({ host }) => host);
    return [...new Set(names)].filter((host) => canonicalAddress(host) === undefined);
  }

  /** Nobody waits for it. */
  async #lookUp(hosts: readonly string[]): Promise<void> {
    let isNew = false;
    await Promise.all(hosts.map(async (host) => {
      const address = await this.#options.addressOf(host);
      // What was known is more likely to be right than that there is nothing any more.
      if (address === undefined && this.#addresses.get(host) !== undefined) return;
      isNew ||= this.#addresses.get(host) !== address;
      this.#addresses.set(host, address);
    }));
    if (!isNew) return;
    this.#store(this.#views.filter(({ host, isLive }) => isLive && hosts.includes(host)));
    this.#options.changed();
  }

  #remember(masters: readonly HostPort[]): void {
    const text = JSON.stringify(masters);
    // A master that has found nobody yet is not to forget whom it knew.
    if (masters.length === 0 || text === this.#remembered) return;
    this.#remembered = text;
    this.#options.remember(masters);
  }

  #store(views: readonly MasterView[]): void {
    const lastSeen = Date.now();
    const masters = views.flatMap((view): StoredMaster[] => {
      const ip = this.#addressOf(view);
      const place = ringZero(view);
      if (ip === undefined || !place) return [];
      const { id, name, host, key, ports } = view;
      return [{ id, name, ip, port: place.port, netName: host, key, ports, lastSeen }];
    });
    if (masters.length > 0) this.#options.store(masters);
  }
}
