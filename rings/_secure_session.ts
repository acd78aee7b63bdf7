import type { Connection } from "./_connections.ts";
import type { ErrorMessage } from "../protocol/mod.ts";
import type { RegistryEvent, Replica } from "../registry/mod.ts";
import type { BoundSocket, RingSettings, ThreadContext, ToThread } from "../threads/mod.ts";
import type { DecodedMessage } from "../protocol/mod.ts";
import type { RegistryClient } from "./_registry_client.ts";

/** One encrypted connection whose handshake is done, as a role sees it. */
export interface SecureSession<Answer> {
  /** Its socket. */
  readonly connection: Connection;
  /** Public key of the other side, base64. */
  readonly key: string;
  /** Whether everything that was sent is with the system: what is sent now does not pile up. */
  readonly isDrained: boolean;
  /** Whether nothing can be sent any more. */
  readonly isClosed: boolean;
  /** Sends a message; settles once the system has taken it, or the connection is over. */
  send(message: Answer | ErrorMessage): Promise<void>;
  /** Sends a message that is encoded already. The bytes are copied before this returns. */
  sendBytes(plaintext: Uint8Array): Promise<void>;
  /** Ends the connection once what was sent is out. */
  close(): void;
}

/** What a role may use of the ring it plays in. */
export interface SecureRingParts {
  readonly replica: Replica;
  readonly context: ThreadContext;
  readonly registry: RegistryClient;
  settings(): RingSettings;
}

/** What tells one encrypted ring from the other. */
export interface SecureRole<Request, Answer> {
  /** Opens what it needs beside the ring's port; the sockets, if any. */
  start?(port: number): Promise<readonly BoundSocket[]>;
  /** Reads a message. */
  decode(plaintext: Uint8Array): DecodedMessage<Request>;
  /**
   * Answers a request. The requests of one session come one after the other: the next waits until
   * this has settled.
   */
  answer(request: Request, session: SecureSession<Answer>): Promise<void> | void;
  /** A session begins: its handshake is done. */
  opened?(session: SecureSession<Answer>): void;
  /** A session gave a sign of life and said nothing else. */
  heard?(session: SecureSession<Answer>): void;
  /** A session is over. */
  closed(session: SecureSession<Answer>): void;
  /** Takes a message other than snapshots, events and replies. */
  receive(message: ToThread): void;
  /** The copy of the registry has taken over all records of a snapshot. */
  loaded(message: ToThread & { readonly type: "snapshot" }): void;
  /** The copy of the registry is about to take over an event. */
  applying(event: RegistryEvent): void;
  /** The copy of the registry has taken over some events. */
  applied(events: readonly RegistryEvent[]): void;
  /** What it counts. */
  counters(): Record<string, number>;
  /** No further messages will come. */
  stop(): void;
}
