/**
 * What was measured, line by line, for people and for programs.
 *
 * @module
 */

import type { Spread } from "./_statistics.ts";

/** A quantity of a subject. */
export interface Figure {
  /** What it is, such as `cpu`. */
  readonly name: string;
  /** Unit, such as `µs`. */
  readonly unit: string;
  /** The figure, with its noise. */
  readonly value: Spread;
}

/** Where a figure should stay. */
export type Bound = { readonly atMost: number } | { readonly atLeast: number };

/** A line of the report. */
export type Line =
  /** Figures of one subject. */
  | {
    readonly type: "figures";
    readonly section: string;
    readonly subject: string;
    readonly figures: readonly Figure[];
  }
  /** A figure that has an aim. */
  | {
    readonly type: "aim";
    readonly section: string;
    readonly what: string;
    readonly unit: string;
    readonly value: Spread;
    readonly bound: Bound;
    readonly ok: boolean;
  }
  /** Something that was not measured, and why. */
  | { readonly type: "skipped"; readonly section: string; readonly reason: string };

/** Takes a line as soon as it is known. */
export type Report = (line: Line) => void;

/** A line about something of which less is better. */
export function aim(
  section: string,
  what: string,
  value: Spread,
  atMost: number,
  unit = "",
): Line {
  const ok = value.median <= atMost;
  return { type: "aim", section, what, unit, value, bound: { atMost }, ok };
}

/** A line about something of which more is better. */
export function aimHigh(
  section: string,
  what: string,
  value: Spread,
  atLeast: number,
  unit = "",
): Line {
  const ok = value.median >= atLeast;
  return { type: "aim", section, what, unit, value, bound: { atLeast }, ok };
}

function decimals(number: number): number {
  const size = Math.abs(number);
  return size >= 100 ? 0 : size >= 10 ? 1 : 2;
}

function format({ median, min, max }: Spread, unit: string): string {
  const digits = decimals(median);
  const space = unit === "" ? "" : ` ${unit}`;
  const middle = `${median.toFixed(digits)}${space}`;
  return min === max ? middle : `${middle} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

const SUBJECT_WIDTH = 44;

/** A line as text; the section is not part of it. */
export function formatLine(line: Line): string {
  switch (line.type) {
    case "figures": {
      const figures = line.figures.map(({ name, unit, value }) => `${name} ${format(value, unit)}`);
      return `  ${line.subject.padEnd(SUBJECT_WIDTH)}${figures.join(", ")}`;
    }
    case "aim": {
      const unit = line.unit === "" ? "" : ` ${line.unit}`;
      const { bound } = line;
      const limit = "atMost" in bound ? `≤ ${bound.atMost}` : `≥ ${bound.atLeast}`;
      const verdict = `aim ${limit}${unit}: ${line.ok ? "ok" : "missed"}`;
      return `  ${line.what.padEnd(SUBJECT_WIDTH)}${format(line.value, line.unit)}, ${verdict}`;
    }
    case "skipped":
      return `  not measured: ${line.reason}`;
  }
}

/**
 * Makes a report that prints each line at once.
 *
 * @param write Takes a line of text.
 * @param json One JSON object a line instead of text under headings.
 */
export function makeReport(write: (text: string) => void, json: boolean): Report {
  let section = "";
  return (line) => {
    if (json) {
      write(JSON.stringify(line));
      return;
    }
    if (line.section !== section) write(section === "" ? line.section : `\n${line.section}`);
    section = line.section;
    write(formatLine(line));
  };
}
