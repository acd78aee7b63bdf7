import type { Sample, ServerRecord } from "../registry/mod.ts";

/** Milliseconds between two samples of how full servers are. */
export const SAMPLE_INTERVAL_MS = 300_000;

/** Samples of the servers that told how full they are. */
export function takeSamples(records: Iterable<ServerRecord>): Sample[] {
  const samples: Sample[] = [];
  for (const { id, state, status } of records) {
    if (state !== "listed" || !status) continue;
    const { players, maxPlayers, map } = status;
    samples.push({ id, players, maxPlayers, map });
  }
  return samples;
}
