import type { Command, Outcome, ServerId } from "../registry/mod.ts";
import type { NumberedCommand, Reply, ThreadContext } from "../threads/mod.ts";

/**
 * Milliseconds for which refreshes are gathered. A message between threads costs more than a whole
 * heartbeat, so under load many share one.
 */
const GATHER_MS = 20;

/** Requests of one ring's thread before its numbers might meet those of another. */
const REQUESTS = 2 ** 48;

/**
 * Number before a thread's first request. By chance, since an answer that is meant for a thread
 * that has crashed may reach the one in its place.
 */
export function firstRequest(): number {
  return Math.floor(Math.random() * REQUESTS);
}

/** A ring's way to the registry: commands out in batches, outcomes back. */
export class RegistryClient {
  readonly #context: ThreadContext;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #refreshed = new Set<ServerId>();
  #refreshedByOwner = new Set<ServerId>();
  #commands: NumberedCommand[] = [];
  #lastRequest = firstRequest();
  #flushScheduled = false;
  #gatherTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(context: ThreadContext) {
    this.#context = context;
  }

  /** A listed server was heard of; whether it proved to be the owner of its key. */
  refresh(id: ServerId, byOwner = false): void {
    (byOwner ? this.#refreshedByOwner : this.#refreshed).add(id);
    this.#gatherTimer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /** Sends a command whose outcome does not matter. */
  send(command: Command): void {
    this.#enqueue({ command });
  }

  /** Sends a command and waits for its outcome. */
  async request(command: Command): Promise<Outcome> {
    return (await this.ask(command)).outcome;
  }

  /** Sends a command and waits for all that is said of it. */
  ask(command: Command): Promise<Reply> {
    const request = ++this.#lastRequest;
    this.#enqueue({ request, command });
    return new Promise((resolve) => this.#waiting.set(request, resolve));
  }

  /** Takes the outcomes of earlier requests. */
  settle(replies: readonly Reply[]): void {
    for (const reply of replies) {
      this.#waiting.get(reply.request)?.(reply);
      this.#waiting.delete(reply.request);
    }
  }

  /** Sends what has been gathered. */
  flush(): void {
    clearTimeout(this.#gatherTimer);
    this.#gatherTimer = undefined;
    this.#flushScheduled = false;
    const commands = this.#commands;
    this.#commands = [];
    if (this.#refreshed.size > 0) {
      commands.push({ command: { type: "refresh", ids: [...this.#refreshed] } });
      this.#refreshed = new Set();
    }
    if (this.#refreshedByOwner.size > 0) {
      const ids = [...this.#refreshedByOwner];
      commands.push({ command: { type: "refresh", ids, byOwner: true } });
      this.#refreshedByOwner = new Set();
    }
    if (commands.length > 0) this.#context.post({ type: "commands", commands });
  }

  #enqueue(command: NumberedCommand): void {
    this.#commands.push(command);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    // Once all sockets that are readable now have been read.
    setTimeout(() => this.flush(), 0);
  }
}
