/**
 * The C compiler.
 *
 * @module
 */

import { BENCH, capture } from "./_environment.ts";
import type { Workplace } from "./_servers.ts";

/** What compiling gives. */
export type Compiled =
  | { readonly type: "compiled"; /** Path. */ readonly program: string }
  | { readonly type: "unavailable"; /** What to install. */ readonly reason: string };

/** What is told when there is no C compiler. */
export const NO_COMPILER = "no C compiler: install one as cc (apt install gcc libc6-dev)";

const NO_GCRYPT = "no gcrypt.h: apt install libgcrypt20-dev";

/**
 * Compiles a program in C.
 *
 * @param source Path of its one file within this folder.
 * @returns The program; undefined when there is no compiler.
 * @throws Error with what the compiler says when it refuses.
 */
export async function compile(
  { directory }: Workplace,
  source: string,
  libraries: readonly string[] = [],
): Promise<string | undefined> {
  const program = `${directory}/${source.replaceAll(/.*\/|\.c$/g, "")}`;
  const path = `${BENCH}${source}`;
  const flags = ["-O2", "-pthread", "-o", program, path, ...libraries.map((name) => `-l${name}`)];
  const compiled = await capture("cc", flags);
  if (!compiled) return undefined;
  if (!compiled.ok) throw new Error(`cc cannot compile ${path}:\n${compiled.stderr}`);
  return program;
}

/**
 * Compiles a program that needs libgcrypt's header.
 *
 * @throws Error with what the compiler says when it has the header and refuses all the same.
 */
export async function compileWithGcrypt(workplace: Workplace, source: string): Promise<Compiled> {
  const header = await capture("cc", ["-E", "-include", "gcrypt.h", "-x", "c", "/dev/null"]);
  if (header && !header.ok) return { type: "unavailable", reason: NO_GCRYPT };
  const program = await compile(workplace, source, ["gcrypt"]);
  return program === undefined
    ? { type: "unavailable", reason: NO_COMPILER }
    : { type: "compiled", program };
}
