/** Messages that may wait to be received; then reading pauses until there is room again. */
const MAX_WAITING = 64;

/** What has ended an inbox: nothing went wrong, or this did. */
interface InboxEnd {
  readonly error: Error | undefined;
}

/** Messages between the reading of a connection and who receives them. */
export class Inbox<Message> {
  readonly #waiting: Message[] = [];
  readonly #receivers: PromiseWithResolvers<Message | undefined>[] = [];
  #room: PromiseWithResolvers<void> | undefined;
  #end: InboxEnd | undefined;

  /** Whether reading should pause. */
  get isFull(): boolean {
    return this.#waiting.length >= MAX_WAITING;
  }

  push(message: Message): void {
    const receiver = this.#receivers.shift();
    if (receiver) receiver.resolve(message);
    else this.#waiting.push(message);
  }

  /** The next message; undefined after an end without an error, a rejection after one with. */
  receive(): Promise<Message | undefined> {
    const message = this.#waiting.shift();
    if (!this.isFull) this.#room?.resolve();
    if (message !== undefined) return Promise.resolve(message);
    if (this.#end) {
      return this.#end.error ? Promise.reject(this.#end.error) : Promise.resolve(undefined);
    }
    const receiver = Promise.withResolvers<Message | undefined>();
    this.#receivers.push(receiver);
    return receiver.promise;
  }

  /** Waits until it is no longer full, or has ended. */
  async room(): Promise<void> {
    while (this.isFull && !this.#end) {
      this.#room = Promise.withResolvers();
      await this.#room.promise;
    }
  }

  /** Ends it, once; what still waits can be received. */
  end(error: Error | undefined): void {
    this.#end = { error };
    this.#room?.resolve();
    for (const receiver of this.#receivers.splice(0)) {
      if (error) receiver.reject(error);
      else receiver.resolve(undefined);
    }
  }
}
