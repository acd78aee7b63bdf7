import { connectionError, isLasting } from "./_failures.ts";
import type { MasterRotation } from "./_rotation.ts";
import type { ConnectOptions } from "./connect_options.ts";
import { SecureConnection } from "./connection.ts";
import type { ClientError } from "./errors.ts";
import type { MasterAddress } from "./master_address.ts";
import type { RingAnswer, RingRequest } from "./ring_protocol.ts";
import type { ClientState } from "./state.ts";
import type { Timing } from "./timing.ts";

/** How long after a refusal that will not go away by itself the same is tried again. */
const REFUSED_RETRY_MS = 300_000;

/**
 * How long after `unauthorized`: another key has what we want until it has not been heard of for
 * some minutes, or the master has forgotten us, and neither lasts.
 */
const UNAUTHORIZED_RETRY_MS = 60_000;

/** How far that is spread, as a part of it. */
const REFUSED_JITTER = 0.2;

/** A connection that lasted so long was a good one: what ended it is no reason to back off. */
export const LASTING_MS = 30_000;

/** What keeping a connection takes. */
export interface KeepOptions<Request extends RingRequest, Answer extends RingAnswer> {
  readonly connect: Omit<ConnectOptions<Request, Answer>, "signal" | "timing">;
  readonly rotation: MasterRotation;
  readonly timing: Timing;
  /** Ends it all. */
  readonly signal: AbortSignal;
  readonly onState: (state: ClientState) => void;
  /** Told of a refusal that will not go away by itself. */
  readonly onRefused: (error: ClientError, master: MasterAddress) => void;
  /** Uses a connection; returns when no other is wanted after it, or throws what ended it. */
  readonly session: (connection: SecureConnection<Request, Answer>) => Promise<void>;
}

/** Calls what a user gave. That it throws is the user's to know, and no reason to stop. */
export function tell<Arguments extends unknown[]>(
  callback: ((...args: Arguments) => void) | undefined,
  ...args: Arguments
): void {
  try {
    callback?.(...args);
  } catch (error) {
    reportError(error);
  }
}

function settle<Request extends RingRequest, Answer extends RingAnswer>(
  { rotation, timing, onRefused }: KeepOptions<Request, Answer>,
  master: MasterAddress,
  error: ClientError,
  lastedMs: number,
): void {
  if (lastedMs >= LASTING_MS) rotation.lost(master);
  else rotation.failed(master);
  if (error.retryAfter !== undefined) rotation.hold(master, error.retryAfter * 1000);
  const retryMs = error.code === "unauthorized" ? UNAUTHORIZED_RETRY_MS : REFUSED_RETRY_MS;
  const slowly = retryMs * (1 - REFUSED_JITTER * timing.random());
  if (error.failure === "wrong-key") rotation.hold(master, slowly);
  if (isLasting(error)) {
    rotation.holdAll(slowly);
    onRefused(error, master);
  }
}

/** Keeps a connection to one of the masters until the signal aborts or no other is wanted. */
export async function keepConnected<Request extends RingRequest, Answer extends RingAnswer>(
  options: KeepOptions<Request, Answer>,
): Promise<void> {
  const { rotation, timing, signal, onState } = options;
  let attempt = rotation.next();
  while (!signal.aborted) {
    const { master } = attempt;
    let connection: SecureConnection<Request, Answer> | undefined;
    let connectedAt = Infinity;
    try {
      onState({ type: "connecting", master });
      connection = await SecureConnection.connect(master, { ...options.connect, timing, signal });
      connectedAt = timing.now();
      const { remoteKey: key, remoteIp: ip } = connection;
      onState({ type: "connected", master, key, ip });
      await options.session(connection);
      break;
    } catch (reason) {
      if (signal.aborted) break;
      const error = connectionError(master, reason);
      settle(options, master, error, timing.now() - connectedAt);
      attempt = rotation.next();
      const seconds = attempt.waitMs / 1000;
      onState({ type: "waiting", seconds, reason: error.message, error, master });
      await timing.sleep(attempt.waitMs, signal);
    } finally {
      await connection?.close();
    }
  }
  onState({ type: "closed" });
}
