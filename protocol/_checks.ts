/**
 * Checks of what comes by the hundred thousand, where shapes would take several times as long. A
 * check looks only; what it let pass is what its caller says it is.
 *
 * @module
 */

import { type Mistake, readAs, type Shape } from "./_shapes.ts";

/** The first mistake in a value; undefined when there is none. */
export type Check = (value: unknown) => Mistake | undefined;

/** A value that passes a test. */
export function check(phrase: string, test: (value: unknown) => boolean): Check {
  return (value) => test(value) ? undefined : { phrase, value, path: [] };
}

/** A value of which something can tell what it `must` be. */
export function checkBy(problem: (value: unknown) => string | undefined): Check {
  return (value) => {
    const phrase = problem(value);
    return phrase === undefined ? undefined : { phrase, value, path: [] };
  };
}

/** A whole number; both ends included. */
export function checkWhole(min: number, max: number): Check {
  return check(
    `must be a whole number from ${min} to ${max}`,
    (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  );
}

/** True or false. */
export const checkFlag: Check = check(
  "must be true or false",
  (value) => typeof value === "boolean",
);

function within(step: PropertyKey, { phrase, value, path }: Mistake): Mistake {
  return { phrase, value, path: [step, ...path] };
}

/** An object with these members; others are not looked at. */
export function checkMembers(
  needed: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  const members = [
    ...Object.entries(needed).map(([name, check]) => ({ name, check, isNeeded: true })),
    ...Object.entries(optional).map(([name, check]) => ({ name, check, isNeeded: false })),
  ];
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return { phrase: "must be an object", value, path: [] };
    }
    for (const { name, check, isNeeded } of members) {
      const member = (value as Record<string, unknown>)[name];
      if (member === undefined && !isNeeded) continue;
      const mistake = check(member);
      if (mistake !== undefined) return within(name, mistake);
    }
    return undefined;
  };
}

/** An array that begins with these; what follows them is not looked at. */
export function checkRow(phrase: string, ...columns: readonly Check[]): Check {
  return (value) => {
    if (!Array.isArray(value) || value.length < columns.length) return { phrase, value, path: [] };
    for (let column = 0; column < columns.length; column++) {
      const mistake = (columns[column] as Check)(value[column]);
      if (mistake !== undefined) return within(column, mistake);
    }
    return undefined;
  };
}

/** A list, as long as a message can be unless a bound is given. */
export function checkList(entry: Check, max = Infinity): Check {
  const phrase = max === Infinity ? "must be a list" : `must be a list of at most ${max}`;
  return (value) => {
    if (!Array.isArray(value) || value.length > max) return { phrase, value, path: [] };
    for (let index = 0; index < value.length; index++) {
      const mistake = entry(value[index]);
      if (mistake !== undefined) return within(index, mistake);
    }
    return undefined;
  };
}

/** A list of what passes a check, each entry made into something with names. */
export function listBy<W, T>(entry: Check, make: (wire: W) => T): Shape<T[]> {
  const check = checkList(entry);
  return readAs((value, refuse) => {
    const mistake = check(value);
    return mistake === undefined
      ? (value as W[]).map(make)
      : refuse(mistake.phrase, mistake.value, ...mistake.path);
  });
}
