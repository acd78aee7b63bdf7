/** Departures after which hosts without connections are forgotten, at least. */
const MIN_DEPARTURES = 64;

/** How many connections each host has. */
export class HostCounts {
  #counts = new Map<string, number>();
  #departures = 0;

  of(host: string): number {
    return this.#counts.get(host) ?? 0;
  }

  enter(host: string): void {
    this.#counts.set(host, this.of(host) + 1);
  }

  leave(host: string): void {
    this.#counts.set(host, this.of(host) - 1);
    if (++this.#departures > Math.max(MIN_DEPARTURES, this.#counts.size / 2)) this.#forget();
  }

  /**
   * Starts a new Map instead of deleting from the old one. A Map copies its table whenever deleted
   * entries fill it, and a table that has grown old keeps all later ones from the collector of
   * young garbage: with hosts that come and go, that took a tenth of the time of a request.
   */
  #forget(): void {
    const counts = new Map<string, number>();
    for (const [host, count] of this.#counts) if (count > 0) counts.set(host, count);
    this.#counts = counts;
    this.#departures = 0;
  }
}
