/**
 * The old-style list, from the client's side.
 *
 * @module
 */

import {
  encodeListRequest,
  type ListedServer,
  MAX_MESSAGE_BYTES,
  MAX_TOKEN_BYTES,
  OldStyleListDecoder,
} from "../protocol/mod.ts";

export type { ListedServer } from "../protocol/mod.ts";

/** Whom to ask for what. */
export interface OldStyleQuery {
  /** Host name or address of the master. */
  readonly host: string;
  /** Its old-style port. */
  readonly port: number;
  /** Which game's servers. */
  readonly gamename: string;
  /** Milliseconds to wait for the whole answer. */
  readonly timeoutMs: number;
}

/** Why a list could not be had. */
export type ListFailure =
  /** The host name is unknown. */
  | "no-host"
  /** Nobody answers there, or not in time. */
  | "unavailable"
  /** What answers there does not speak this protocol. */
  | "protocol"
  /** The master answered with an error. */
  | "refused";

/** A list could not be had. */
export class ListError extends Error {
  /** Name of this class. */
  override readonly name = "ListError";

  /**
   * An error for people to read.
   *
   * @param failure What kind of failure it is.
   */
  constructor(readonly failure: ListFailure, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Bytes of an answer at most: a list of some 300,000 servers. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

function serversOf(answer: OldStyleListDecoder, query: OldStyleQuery): ListedServer[] {
  const where = `${query.host} port ${query.port}`;
  if (answer.refusal !== undefined) {
    throw new ListError(
      "refused",
      `${where} refused the request: ${answer.refusal || "no reason given"}`,
    );
  }
  if (answer.nonsense !== undefined) {
    throw new ListError(
      "protocol",
      `${where} answered with something that is no list of servers: ` +
        `"${answer.nonsense.slice(0, MAX_TOKEN_BYTES)}"`,
    );
  }
  return [...answer.servers];
}

async function readAnswer(tcp: Deno.TcpConn, query: OldStyleQuery): Promise<OldStyleListDecoder> {
  const decoder = new OldStyleListDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let received = 0;
  while (received <= MAX_ANSWER_BYTES) {
    const count = await tcp.read(buffer);
    if (count === null) {
      if (decoder.end()) return decoder;
      break;
    }
    received += count;
    if (decoder.push(buffer.subarray(0, count))) return decoder;
  }
  throw new ListError(
    "protocol",
    `${query.host} port ${query.port} closed the connection before the list was complete` +
      (received > MAX_MESSAGE_BYTES ? "" : ": is this port an old-style one?"),
  );
}

function connectError(query: OldStyleQuery, error: unknown): ListError {
  const where = `${query.host} port ${query.port}`;
  const reason = error instanceof Error ? error.message : String(error);
  if (/lookup|resolve|name or service/i.test(reason)) {
    return new ListError("no-host", `the host ${query.host} is unknown: ${reason}`, {
      cause: error,
    });
  }
  return new ListError("unavailable", `cannot reach ${where}: ${reason}`, { cause: error });
}

/**
 * Asks a master for its list over TCP.
 *
 * @throws ListError when there is none to be had.
 */
export async function listOldStyle(query: OldStyleQuery): Promise<ListedServer[]> {
  const timedOut = new ListError(
    "unavailable",
    `${query.host} port ${query.port} did not answer within ${query.timeoutMs / 1000} s`,
  );
  let tcp: Deno.TcpConn | undefined;
  let expired = false;
  const timer = Promise.withResolvers<never>();
  const timeout = setTimeout(() => {
    expired = true;
    timer.reject(timedOut);
    tcp?.close();
  }, query.timeoutMs);
  const ask = async (): Promise<ListedServer[]> => {
    try {
      tcp = await Deno.connect({ hostname: query.host, port: query.port });
    } catch (error) {
      throw connectError(query, error);
    }
    if (expired) {
      tcp.close();
      throw timedOut;
    }
    const request = encodeListRequest(query.gamename);
    for (let sent = 0; sent < request.length;) sent += await tcp.write(request.subarray(sent));
    return serversOf(await readAnswer(tcp, query), query);
  };
  try {
    return await Promise.race([ask(), timer.promise]);
  } catch (error) {
    if (error instanceof ListError) throw error;
    throw connectError(query, error);
  } finally {
    clearTimeout(timeout);
    try {
      tcp?.close();
    } catch {
      // The timeout closed it.
    }
  }
}
