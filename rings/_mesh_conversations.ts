import { type ChannelEvent, encodeKey } from "../crypto/mod.ts";
import type { Link } from "../mesh/mod.ts";
import type { Complaints } from "./_complaints.ts";
import type { MeshLink } from "./_mesh_link.ts";
import { type MeshWarnings, WRONG_PASSWORD } from "./_mesh_warnings.ts";

/** Bytes read at a time until the handshake is done, of which the longest message has 96. */
const HANDSHAKE_READ_BYTES = 512;

/** Bytes read at a time afterwards: those of a long message. */
const READ_BYTES = 64 * 1024;

/** Why a link is over that an exception has ended. */
export const FAULT = "a fault of this program, which the log tells of";

/** Who is told what becomes of links. */
export interface LinkHandler {
  /** A handshake is done. */
  opened(link: Link): void;
  /** A message has come. */
  received(link: Link, plaintext: Uint8Array): void;
  /** A link is over that was not closed by its holder. */
  closed(link: Link, reason: string): void;
}

/** What conversations are made of. */
export interface ConversationsParts {
  readonly handler: LinkHandler;
  readonly warnings: MeshWarnings;
  readonly complaints: Complaints;
}

/** The connections with other masters, from the handshake to the end. */
export class Conversations {
  readonly #parts: ConversationsParts;
  readonly #links = new Set<MeshLink>();
  readonly #over: (() => void)[] = [];
  #isStopping = false;
  /** Handshakes done. */
  opened = 0;

  constructor(parts: ConversationsParts) {
    this.#parts = parts;
  }

  /** Ends links whose other side is gone without a word. */
  checkLife(now: number): void {
    for (const link of this.#links) link.checkLife(now);
  }

  /** Ends all links but those that are closed and on their last messages; these have a time for it. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    const end = (link: MeshLink): void => link.end("this master stops");
    for (const link of this.#links) if (!link.isClosing) end(link);
    if (this.#links.size === 0) return;
    const over = new Promise<void>((resolve) => this.#over.push(resolve));
    const timer = setTimeout(() => this.#links.forEach(end), graceMs);
    await over;
    clearTimeout(timer);
  }

  /**
   * Serves a link until it is over.
   *
   * @param opened Called once the handshake is done, before anyone else hears of it.
   */
  async hold(link: MeshLink, opened: () => void): Promise<void> {
    this.#links.add(link);
    try {
      for (const event of link.channel.start()) this.#take(event, link, opened);
      let buffer = new Uint8Array(HANDSHAKE_READ_BYTES);
      while (link.endReason === undefined) {
        const count = await link.read(buffer);
        if (count === null) break;
        for (const event of link.channel.receive(buffer.subarray(0, count))) {
          this.#take(event, link, opened);
        }
        if (link.key !== "" && buffer.length < READ_BYTES) buffer = new Uint8Array(READ_BYTES);
      }
    } finally {
      link.end(FAULT);
      this.#links.delete(link);
      if (this.#links.size === 0) { for (const tell of this.#over.splice(0)) tell(); }
      this.#tellEnd(link);
    }
  }

  #take(event: ChannelEvent, link: MeshLink, opened: () => void): void {
    const { handler } = this.#parts;
    if (link.endReason !== undefined) return;
    switch (event.type) {
      case "send":
        link.write(event.bytes);
        break;
      case "open":
        link.key = encodeKey(event.remoteKey);
        this.opened++;
        opened();
        this.#guard(link, () => handler.opened(link));
        break;
      case "message":
        link.messages++;
        if (!link.isClosing) this.#guard(link, () => handler.received(link, event.plaintext));
        break;
      case "failed":
        link.failure = event.reason;
        link.end(event.reason);
    }
  }

  #tellEnd(link: MeshLink): void {
    if (link.key === "" || link.isClosing || this.#isStopping) return;
    const { dialed, messages, endReason = FAULT } = link;
    // Whoever dialled cannot tell before the other side's first message whether it has understood.
    const reason = dialed && messages === 0
      ? this.#parts.warnings.tellTarget(
        dialed,
        `${WRONG_PASSWORD}: ${endReason} after the handshake, without a word`,
      )
      : endReason;
    this.#guard(link, () => this.#parts.handler.closed(link, reason));
  }

  /** What one master sends, and what it brings about here, must not end the others' links. */
  #guard(link: MeshLink, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#parts.complaints.failed(error);
      link.end(FAULT);
    }
  }
}
