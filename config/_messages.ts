import type { Problem } from "./_types.ts";

/** How much of a value is quoted: enough to find it, short enough for one line of a log. */
const MAX_QUOTED_CHARACTERS = 60;

/** Names longer than this are no typing error of a known one; comparing them would only cost. */
const MAX_COMPARED_CHARACTERS = 64;

/**
 * Formats a problem for a terminal or a log: `FILE:LINE:COLUMN: message`, `FILE: message` when it
 * is at no line, with `warning: ` before a warning's message.
 */
export function formatProblem(problem: Problem): string {
  const place = problem.line === 0
    ? problem.file
    : `${problem.file}:${problem.line}:${problem.column}`;
  const label = problem.severity === "warning" ? "warning: " : "";
  return `${place}: ${label}${problem.message}`;
}

/** Quotes a value for a message, as far as {@linkcode shorten} goes. */
export function quoteValue(value: string): string {
  return `"${shorten(value)}"`;
}

/**
 * A value as it may stand in a message. What follows a `=` is left out: with a forgotten `;` the
 * value runs on into the next setting, which may be a password.
 */
export function shorten(value: string): string {
  const equals = value.indexOf("=");
  const head = equals < 0 ? value : value.slice(0, equals + 1);
  // Two code units are the most that a character takes.
  const characters = Array.from(head.slice(0, 2 * MAX_QUOTED_CHARACTERS));
  const shown = characters.slice(0, MAX_QUOTED_CHARACTERS).join("");
  return printable(shown) + (shown.length < value.length ? "…" : "");
}

/**
 * The part of a name that is worth comparing and showing. It ends at the first character that no
 * name holds: in `masterserver-password secret = …` the rest is not for a log.
 */
export function nameHead(name: string): string {
  const head = /^[\p{L}\p{N}_.-]*/u.exec(name.slice(0, MAX_COMPARED_CHARACTERS + 1));
  return head?.[0] ?? "";
}

/** Quotes a section's or key's name for a message, as far as {@linkcode nameHead} goes. */
export function quoteName(name: string): string {
  const head = nameHead(name);
  return `"${head}${head.length < name.length ? "…" : ""}"`;
}

/** The candidate closest to `name`, or undefined when none is close; the first wins a tie. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const wanted = comparable(nameHead(name));
  if (wanted === "" || wanted.length > MAX_COMPARED_CHARACTERS) return undefined;
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, comparable(candidate));
    // Half of the letters wrong is another word, not a slip.
    const allowed = Math.max(1, Math.floor(Math.max(wanted.length, candidate.length) / 2));
    if (distance <= allowed && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function comparable(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

function printable(text: string): string {
  return text.replace(/\p{C}/gu, "\uFFFD");
}

/** Optimal string alignment distance: insert, delete, replace, and swap of two neighbours. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        at(last, j) + 1,
        at(row, j - 1) + 1,
        at(last, j - 1) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, at(beforeLast, j - 2) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
