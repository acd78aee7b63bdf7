/**
 * Shapes of what JSON messages are made of. Each says of a wrong value what it `must` be.
 *
 * @module
 */

import * as z from "zod/mini";
import { textProblem, type TextRules } from "./_texts.ts";

const encoder = new TextEncoder();

/** Issues are to hold the wrong value, which is quoted. */
const REPORT_INPUT = { reportInput: true };

/** The shape of a T in a JSON message. */
export type Shape<T> = z.ZodMiniType<T>;

/** What is wrong with a value. */
export interface Mistake {
  /** What it `must` be. */
  readonly phrase: string;
  /** The wrong value itself; undefined when there is none. */
  readonly value: unknown;
  /** Keys and indexes that lead to it. */
  readonly path: readonly PropertyKey[];
}

/** Reads a value by its shape; of several mistakes the first is told. */
export function read<T>(shape: Shape<T>, value: unknown): { readonly read: T } | Mistake {
  const result = z.safeParse(shape, value, REPORT_INPUT);
  if (result.success) return { read: result.data };
  const [{ message, input, path }] = result.error.issues as [z.core.$ZodIssue];
  return { phrase: message, value: input, path };
}

/** Turns a value away: what it `must` be, the value itself, and the path that leads to it. */
export type Refuse = (phrase: string, value: unknown, ...path: PropertyKey[]) => never;

/** A value that passes a test. */
export function tested<T>(phrase: string, test: (value: unknown) => boolean): Shape<T> {
  return z.custom<T>(test, phrase);
}

/** A value that is not kept as it came, or that has several things to be wrong. */
export function readAs<T>(read: (value: unknown, refuse: Refuse) => T): Shape<T> {
  return z.transform((value: unknown, context) =>
    read(value, (message, input, ...path) => {
      context.issues.push({ code: "custom", message, input, path });
      return z.NEVER;
    })
  );
}

/** An object with these members; others are not kept. */
export function object<M extends z.core.$ZodShape>(
  members: M,
): z.ZodMiniObject<M, z.core.$strip> {
  return z.object(members, "must be an object");
}

/** A member that may be left out. */
export function optional<T>(shape: Shape<T>): z.ZodMiniExactOptional<Shape<T>> {
  return z.exactOptional(shape);
}

/** A member that stands for a copy of this when it is left out. */
export function withDefault<T>(shape: Shape<T>, byDefault: T): Shape<T> {
  // Its type speaks of values that zod itself can copy.
  return z._default(shape, byDefault as z.core.util.NoUndefined<T>);
}

/** What is read by a shape, changed. */
export function changed<T, U>(shape: Shape<T>, change: (value: T) => U): Shape<U> {
  return z.pipe(shape, z.transform(change));
}

/** `type` of a message, which it was found by. */
export function type<T extends string>(name: T): Shape<T> {
  return z.literal(name);
}

/** A text of a request. */
export function text(rules: TextRules): Shape<string> {
  return z.custom<string>((value) => textProblem(value, rules) === undefined, {
    error: ({ input }) => textProblem(input, rules),
  });
}

/** A whole number; both ends included. */
export function wholeNumber(min: number, max: number): Shape<number> {
  return tested(
    `must be a whole number from ${min} to ${max}`,
    (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  );
}

/** A port, 1 to 65535. */
export const port: Shape<number> = wholeNumber(1, 65_535);

/** Number of a row in the database. */
export const rowNumber: Shape<number> = wholeNumber(0, Number.MAX_SAFE_INTEGER);

/** True or false. */
export const flag: Shape<boolean> = tested(
  "must be true or false",
  (value) => typeof value === "boolean",
);

/** A list. What comes after the first wrong entry is not looked at, so that it costs nothing. */
export function listOf<T>(entry: Shape<T>, max: number, min = 0): Shape<T[]> {
  const phrase = `must be a list of ${min === max ? "" : "at most "}${max}`;
  return readAs((value, refuse) => {
    if (!Array.isArray(value) || value.length > max || value.length < min) {
      return refuse(phrase, value);
    }
    const list: T[] = [];
    for (const [index, one] of value.entries()) {
      const result = read(entry, one);
      if ("phrase" in result) return refuse(result.phrase, result.value, index, ...result.path);
      list.push(result.read);
    }
    return list;
  });
}

/** What the pairs of a {@link recordOf} may be. */
export interface PairRules {
  /** Most pairs. */
  readonly max: number;
  /** Most bytes as JSON, for what is to fit into a message with something else. */
  readonly maxBytes?: number;
  /** What its values are, for whoever sent something else altogether. */
  readonly values: string;
  /** Pairs that are left out, looked at no further. */
  readonly leftOut?: (key: string) => boolean;
  /** What is wrong with a key, as what it `must` be. */
  readonly keyProblem: (key: string) => string | undefined;
  /** What is wrong with a value, as what it `must` be. */
  readonly valueProblem: (value: unknown, key: string) => string | undefined;
}

/** An object with any keys, `__proto__` too; only its own properties mean anything. */
export function recordOf<T>(rules: PairRules): Shape<Record<string, T>> {
  const { max, maxBytes, values, leftOut = () => false, keyProblem, valueProblem } = rules;
  return readAs((value, refuse) => {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    const pairs = isObject ? Object.entries(value).filter(([key]) => !leftOut(key)) : undefined;
    if (pairs === undefined || pairs.length > max) {
      return refuse(`must be an object of at most ${max} ${values}`, value);
    }
    for (const [key, one] of pairs) {
      const wrongKey = keyProblem(key);
      if (wrongKey !== undefined) return refuse(`key ${wrongKey}`, key);
      const wrongValue = valueProblem(one, key);
      if (wrongValue !== undefined) return refuse(wrongValue, one, key);
    }
    // Not by assignment, which would set the prototype.
    const record = Object.fromEntries(pairs);
    return maxBytes !== undefined && encoder.encode(JSON.stringify(record)).length > maxBytes
      ? refuse(`must have at most ${maxBytes} bytes`, value)
      : record;
  });
}
