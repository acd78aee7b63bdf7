import { Channel, type Crypto, type KeyPair, PROLOGUES, type Role } from "../crypto/mod.ts";
import type { Target } from "../mesh/mod.ts";
import type { ThreadContext } from "../threads/mod.ts";
import { type Complaints, complaints } from "./_complaints.ts";
import { type Connection, Connections } from "./_connections.ts";
import { FramePool } from "./_frame_pool.ts";
import { Conversations, FAULT, type LinkHandler } from "./_mesh_conversations.ts";
import { dial } from "./_mesh_dial.ts";
import { LINK_LIMITS, type LinkLimits, MeshLink } from "./_mesh_link.ts";
import { Strangers } from "./_mesh_strangers.ts";
import { MeshWarnings, WRONG_PASSWORD } from "./_mesh_warnings.ts";
import { socketAddress } from "./_sockets.ts";

/** Milliseconds within which whoever connects has done the handshake. */
const HANDSHAKE_MS = 10_000;

/** Milliseconds within which another master is connected and has done the handshake. */
const DIAL_MS = 5000;

/** Connections of one host in all: a hundred masters may stand behind one address. */
const MAX_PER_HOST = 512;

const NOTHING = new Uint8Array(0);

/** Limits that tests make smaller. */
export interface MeshLimits extends LinkLimits {
  /** Milliseconds for the handshake of whoever connects. */
  readonly handshakeMs: number;
  /** Milliseconds for connecting to another master, handshake included. */
  readonly dialMs: number;
}

/** The limits of the program itself. */
export const MESH_LIMITS: MeshLimits = {
  ...LINK_LIMITS,
  handshakeMs: HANDSHAKE_MS,
  dialMs: DIAL_MS,
};

/** Who is told what becomes of links. */
export interface MeshHandler extends LinkHandler {
  /** There is no connection with what was to be dialled. */
  dialFailed(target: Target, reason: string): void;
  /** Somebody has taken most of what waited: more can be sent. */
  drained(): void;
}

/** What links are made of. */
export interface MeshLinksOptions {
  readonly listener: Deno.TcpListener;
  readonly crypto: Crypto;
  readonly keyPair: KeyPair;
  /** The network's key, as it is now. */
  readonly networkKey: () => Uint8Array;
  readonly context: ThreadContext;
  readonly limits: MeshLimits;
  readonly handler: MeshHandler;
}

/** The connections of ring 0, those that come and those that are made. */
export class MeshLinks {
  readonly #options: MeshLinksOptions;
  readonly #connections: Connections;
  readonly #strangers = new Strangers();
  readonly #pool = new FramePool();
  readonly #warnings: MeshWarnings;
  readonly #complaints: Complaints;
  readonly #conversations: Conversations;
  /** Those who are dialled, until their handshake is done. */
  readonly #dialing = new Set<AbortController>();
  #isStopping = false;
  #dials = 0;
  #dialsFailed = 0;
  #handshakesFailed = 0;
  #handshakesRefused = 0;

  constructor(options: MeshLinksOptions) {
    this.#options = options;
    this.#warnings = new MeshWarnings(options.context);
    this.#complaints = complaints(options.context);
    this.#conversations = new Conversations({
      handler: options.handler,
      warnings: this.#warnings,
      complaints: this.#complaints,
    });
    this.#connections = new Connections(options.listener, {
      limits: () => ({ perHost: MAX_PER_HOST, timeoutMs: options.limits.handshakeMs }),
      serve: (connection) => this.#serve(connection),
      refusal: (ip) => {
        this.#refuse(ip, `more than ${MAX_PER_HOST} connections from this address`);
        return NOTHING;
      },
      ...this.#complaints,
    });
  }

  /** Accepts from now on. */
  run(): void {
    void this.#connections.run();
  }

  /** Dials; ends in `opened` or `dialFailed`. */
  dial(target: Target): void {
    if (this.#isStopping) return;
    this.#dials++;
    this.#dial(target).catch((error: unknown) => this.#complaints.failed(error));
  }

  /** Ends links whose other side is gone without a word. Call it now and then. */
  checkLife(): void {
    this.#conversations.checkLife(performance.now());
  }

  /**
   * Ends what is under way, and waits for links that were closed to be over. The handler, which has
   * closed its own before, is not told of anything any more.
   */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    for (const abort of this.#dialing) abort.abort("this master stops");
    await Promise.all([this.#connections.stop(graceMs), this.#conversations.stop(graceMs)]);
  }

  /** What it counts. */
  counters(): Record<string, number> {
    const { open, accepted, refused, timedOut } = this.#connections;
    return {
      connections_open: open,
      connections_accepted: accepted,
      connections_refused: refused,
      connections_timed_out: timedOut,
      dials: this.#dials,
      dials_failed: this.#dialsFailed,
      links_opened: this.#conversations.opened,
      handshakes_failed: this.#handshakesFailed,
      handshakes_refused: this.#handshakesRefused,
      strangers: this.#strangers.size,
    };
  }

  async #serve(connection: Connection): Promise<void> {
    const { tcp, ip } = connection;
    const refusal = this.#strangers.admit(ip, performance.now());
    if (refusal !== undefined) return this.#refuse(ip, refusal);
    using channel = this.#makeChannel("responder");
    const link = this.#makeLink(tcp, ip, undefined, channel);
    let isStranger = true;
    const leave = (): void => {
      if (isStranger) this.#strangers.leave(link);
      isStranger = false;
    };
    this.#strangers.enter(link);
    try {
      await this.#conversations.hold(link, () => {
        leave();
        this.#strangers.trust(ip);
        // From now on its own silence ends it, and a stop says goodbye to it before it closes it.
        connection.deadline = Infinity;
        connection.busy = true;
      });
    } finally {
      leave();
    }
    if (link.key !== "") return;
    this.#handshakesFailed++;
    // Who left or said nothing was no master: strangers look at every port there is.
    if (link.failure === undefined) return;
    this.#warnings.tell("a handshake failed on ring 0", ip, `${WRONG_PASSWORD}: ${link.failure}`);
  }

  async #dial(target: Target): Promise<void> {
    const { dialMs } = this.#options.limits;
    const abort = new AbortController();
    this.#dialing.add(abort);
    const timer = setTimeout(() => abort.abort(`no answer within ${dialMs / 1000} s`), dialMs);
    const forget = (): void => {
      clearTimeout(timer);
      this.#dialing.delete(abort);
    };
    let failure: string | undefined = FAULT;
    const opened = (): void => {
      forget();
      failure = undefined;
    };
    try {
      const dialed = await dial(target, abort.signal);
      failure = dialed.type === "failed"
        ? this.#warnings.unreachable(target, dialed.reason)
        : await this.#greet(dialed.tcp, target, abort.signal, opened);
    } finally {
      forget();
      if (failure !== undefined && !this.#isStopping) {
        this.#dialsFailed++;
        this.#options.handler.dialFailed(target, failure);
      }
    }
  }

  /** Does the handshake and all that follows; why there was no handshake, if there was none. */
  async #greet(
    tcp: Deno.TcpConn,
    target: Target,
    signal: AbortSignal,
    opened: () => void,
  ): Promise<string | undefined> {
    this.#warnings.reached(target);
    using channel = this.#makeChannel("initiator");
    const link = this.#makeLink(
      tcp,
      socketAddress(tcp.remoteAddr as Deno.NetAddr),
      target,
      channel,
    );
    signal.addEventListener("abort", () => {
      if (link.key === "") link.end(String(signal.reason));
    }, { once: true });
    await this.#conversations.hold(link, opened);
    if (link.key !== "") return undefined;
    this.#handshakesFailed++;
    const { failure, endReason } = link;
    if (failure === undefined) {
      const reason = `${endReason} during the handshake: is it a master's ring 0?`;
      return this.#isStopping ? reason : this.#warnings.tellTarget(target, reason);
    }
    return this.#warnings.tellTarget(target, `${WRONG_PASSWORD}: ${failure}`);
  }

  #makeChannel(role: Role): Channel {
    const { crypto, keyPair, networkKey } = this.#options;
    return new Channel({
      primitives: crypto,
      role,
      pattern: "XXpsk3",
      prologue: PROLOGUES.ring0,
      staticKey: keyPair,
      psk: networkKey(),
    });
  }

  #makeLink(
    tcp: Deno.TcpConn,
    ip: string,
    dialed: Target | undefined,
    channel: Channel,
  ): MeshLink {
    const { limits } = this.#options;
    const { drained } = this.#options.handler;
    return new MeshLink({ tcp, ip, dialed, channel, pool: this.#pool, limits, drained });
  }

  #refuse(ip: string, reason: string): void {
    this.#handshakesRefused++;
    this.#warnings.tell("a connection to ring 0 was refused", ip, reason);
  }
}
