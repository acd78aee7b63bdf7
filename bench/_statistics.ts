/**
 * Rounds and what is made of them.
 *
 * @module
 */

/** The middle of repeated measurements, and how far they lay apart. */
export interface Spread {
  /** Median. */
  readonly median: number;
  /** Least. */
  readonly min: number;
  /** Most. */
  readonly max: number;
}

/**
 * Median and extremes.
 *
 * @throws RangeError when there are no values.
 */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  const upper = sorted[Math.floor(sorted.length / 2)];
  const min = sorted[0];
  const max = sorted.at(-1);
  if (lower === undefined || upper === undefined || min === undefined || max === undefined) {
    throw new RangeError("no values to take the median of: measure at least one round");
  }
  return { median: (lower + upper) / 2, min, max };
}

/**
 * Ratios of two series, round by round. What disturbs the machine for longer than a round disturbs
 * both of a pair, and leaves their ratio alone.
 */
export function ratios(numerators: readonly number[], denominators: readonly number[]): Spread {
  return spread(numerators.map((value, round) => value / (denominators[round] ?? NaN)));
}

/**
 * Measures subjects in turns, A B C A B C, so that each round is a fair comparison.
 *
 * @param measure Measures one subject once. Round 0 warms up and is not kept.
 * @returns Results of each subject, one a round.
 */
export async function interleave<S, R>(
  subjects: readonly S[],
  rounds: number,
  measure: (subject: S, round: number) => Promise<R>,
): Promise<Map<S, R[]>> {
  const results = new Map<S, R[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const subject of subjects) {
      const result = await measure(subject, round);
      if (round > 0) results.get(subject)?.push(result);
    }
  }
  return results;
}
