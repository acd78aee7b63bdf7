/**
 * The load client.
 *
 * @module
 */

import { compile } from "./_compile.ts";
import { capture } from "./_environment.ts";
import type { Server, Workplace } from "./_servers.ts";

/** Requests in flight at a time: so few that they queue up nowhere, enough to come in batches. */
const PARALLEL = 4;

/** Seconds after which one load gives up; a round takes a few. */
const MAX_SECONDS = 60;

/** Programs in C. */
export interface CPrograms {
  /** Path of the load client. */
  readonly load: string;
  /** Path of the epoll server. */
  readonly epoll: string;
}

/**
 * Compiles the programs in C.
 *
 * @returns Undefined when there is no compiler.
 * @throws Error with what the compiler says when it refuses.
 */
export async function compilePrograms(workplace: Workplace): Promise<CPrograms | undefined> {
  const load = await compile(workplace, "load.c");
  const epoll = await compile(workplace, "servers/epoll.c");
  return load === undefined || epoll === undefined ? undefined : { load, epoll };
}

/** A load to put on a server. */
export interface LoadOptions {
  /** Requests. */
  readonly count: number;
  /** Number of the first request. */
  readonly first: number;
  /** Client addresses to take in turn. */
  readonly clients: number;
  /** Bytes of a good answer; undefined takes any. */
  readonly bytes?: number;
  /** The request. */
  readonly request: string;
}

/** What a load was answered with, in microseconds. */
export interface Latency {
  /** Half of the answers took at most this long. */
  readonly p50: number;
  /** 99 of 100 answers took at most this long. */
  readonly p99: number;
}

/**
 * Puts a load on a server and waits for all answers.
 *
 * @throws Error when a request was not answered as it should.
 */
export async function putLoad(
  { load }: CPrograms,
  server: Server,
  { count, first, clients, bytes = 0, request }: LoadOptions,
): Promise<Latency> {
  const args = [server.port, count, PARALLEL, MAX_SECONDS, first, clients, bytes, request];
  const finished = await capture(load, args.map(String));
  if (!finished?.ok) throw new Error(`the load client failed: ${finished?.stderr ?? "it is gone"}`);
  const { good, failed, p50, p99 } = JSON.parse(finished.stdout);
  if (good !== count) {
    throw new Error(
      `${server.name} answered ${good} of ${count} requests as it should and ${failed} otherwise; ` +
        "the figures would be worth nothing",
    );
  }
  return { p50, p99 };
}
