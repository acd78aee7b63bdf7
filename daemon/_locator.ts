import type { Command, ServerRecord } from "../registry/mod.ts";
import { type CountryOf, NameFinder, type ResolvePtr } from "../whereabouts/mod.ts";

/** Milliseconds that a player who logs in waits for the name of their host. */
const GLANCE_MS = 300;

/** What a locator is made of. */
export interface LocatorOptions {
  /** Id of this master: what another has changed last, that one looks up. */
  readonly origin: string;
  /** Takes what was found out. */
  readonly apply: (command: Command) => void;
  /** Loads the country database. */
  readonly loadCountries: () => Promise<CountryOf>;
  /** Asks the DNS. */
  readonly resolve: ResolvePtr;
  /** Told when a look-up cannot be made at all. */
  readonly failed: (error: unknown) => void;
}

/** Finds out where servers are, after they were listed and on nobody's time. */
export class Locator {
  readonly #options: LocatorOptions;
  readonly #names: NameFinder;
  #countryOf: Promise<CountryOf> | undefined;

  constructor(options: LocatorOptions) {
    this.#options = options;
    this.#names = new NameFinder(options.resolve, () => performance.now());
  }

  /** Looks up a server that has just been listed. */
  note(record: ServerRecord): void {
    const isLocated = record.country !== undefined &&
      (record.netName !== undefined || record.key === undefined);
    const isOwn = record.origin === this.#options.origin;
    if (record.state !== "listed" || isLocated || !isOwn) return;
    this.#locate(record).catch((error: unknown) => this.#options.failed(error));
  }

  /**
   * What is soon known of where an address is: its country, or empty, and its DNS name, or empty.
   * Nobody is kept waiting for a DNS server that anyone may run.
   */
  async glance(ip: string): Promise<{ country: string; netName: string }> {
    this.#countryOf ??= this.#options.loadCountries();
    const country = (await this.#countryOf)(ip);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(""), GLANCE_MS);
    });
    const netName = await Promise.race([this.#names.find(ip), patience]);
    clearTimeout(timer);
    return { country, netName };
  }

  /** Where an address is: its country, or empty, and its DNS name, or empty. */
  async find(ip: string): Promise<{ country: string; netName: string }> {
    this.#countryOf ??= this.#options.loadCountries();
    const [countryOf, netName] = await Promise.all([this.#countryOf, this.#names.find(ip)]);
    return { country: countryOf(ip), netName };
  }

  async #locate({ id, ip, settings }: ServerRecord): Promise<void> {
    const found = await this.find(ip);
    // What a server says of its own country stands where its address tells nothing.
    const told = settings["country"] ?? "";
    const country = found.country || (/^[A-Z]{2}$/.test(told) ? told : "");
    this.#options.apply({ type: "locate", id, country, netName: found.netName });
  }
}
