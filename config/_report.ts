import type { Problem } from "./_types.ts";

/** Where a problem is; line and column 0 are nowhere in particular. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * How many errors, and how many warnings, are told: more than anybody mends at once, few enough
 * that a wrong file (a program, a photograph) does not flood the terminal.
 */
export const MAX_PROBLEMS_TOLD = 100;

/** Collects problems while a configuration is read. */
export class Report {
  readonly #problems: Problem[] = [];
  readonly #counts = { error: 0, warning: 0 };

  constructor(earlier: readonly Problem[]) {
    for (const problem of earlier) this.add(problem.severity, problem, () => problem.message);
  }

  /** Adds a problem; its message is only made when it will be told. */
  add(severity: Problem["severity"], place: Place, message: () => string): void {
    this.#counts[severity]++;
    if (this.#counts[severity] > MAX_PROBLEMS_TOLD) return;
    const { file, line, column } = place;
    this.#problems.push({ file, line, column, message: message(), severity });
  }

  /** The problems of one severity in the file's order, those at no line last. */
  list(severity: Problem["severity"], fileName: string): readonly Problem[] {
    const told = this.#problems.filter((problem) => problem.severity === severity);
    told.sort((a, b) => lineRank(a) - lineRank(b) || a.column - b.column);
    const more = this.#counts[severity] - told.length;
    if (more > 0) {
      const message = `and ${more} more of these; is this a master.ini at all?`;
      told.push({ file: fileName, line: 0, column: 0, message, severity });
    }
    return told.map((problem) => Object.freeze(problem));
  }
}

function lineRank(problem: Problem): number {
  return problem.line === 0 ? Number.MAX_SAFE_INTEGER : problem.line;
}
