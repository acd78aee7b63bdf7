/**
 * The inside of a thread: what every one does the same way (start, health, stop, log), so that a
 * ring holds only what is its own.
 *
 * @module
 */

import type { BoundSocket, FromThread, LogFields, LogLevel, ThreadSettings } from "./messages.ts";
import type { ToThread } from "./messages.ts";
import { pack, unpack } from "./_packing.ts";

/** A thread's way out. */
export interface ThreadContext {
  /** Sends a message to the main thread. */
  post(message: FromThread): void;
  /** Writes a line to the log. */
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

/** What a thread does. */
export interface ThreadBody {
  /**
   * Opens what the thread needs.
   *
   * @returns The sockets it listens on.
   * @throws An Error whose message tells the operator what to do.
   */
  start(): Promise<readonly BoundSocket[]>;
  /** Takes a message that is not about the thread's own life. */
  receive(message: ToThread): void;
  /** Takes new settings; those that need a restart stay as they were. */
  reconfigure(settings: ThreadSettings): void;
  /** Stops accepting, finishes what is in hand within a time in milliseconds, lets go. */
  stop(graceMs: number): Promise<void>;
  /** Counts since the start, for the console and metrics. */
  counters(): Readonly<Record<string, number>>;
}

/** Makes a thread's body from its settings. */
export type MakeBody = (settings: ThreadSettings, context: ThreadContext) => ThreadBody;

/** The part of a Worker's global scope that a thread uses. */
export interface WorkerPort {
  /** Called with each message from the main thread. */
  onmessage: ((event: MessageEvent<ToThread>) => void) | null;
  /** Sends to the main thread. */
  postMessage(message: FromThread): void;
  /** Ends the Worker once its current turn is over. */
  close(): void;
}

/** Runs a body in this Worker until it is stopped. */
export function runThread(port: WorkerPort, makeBody: MakeBody): void {
  const context: ThreadContext = {
    post: (message) => port.postMessage(pack(message)),
    log: (level, message, fields = {}) => port.postMessage({ type: "log", level, message, fields }),
  };
  let body: ThreadBody | undefined;

  async function start(settings: ThreadSettings): Promise<void> {
    try {
      body = makeBody(settings, context);
      context.post({ type: "ready", sockets: await body.start() });
    } catch (error) {
      context.post({
        type: "failed",
        message: error instanceof Error ? error.message : String(error),
      });
      port.close();
    }
  }

  async function stop(graceMs: number): Promise<void> {
    await body?.stop(graceMs);
    context.post({ type: "stopped", counters: body?.counters() ?? {} });
    port.close();
  }

  port.onmessage = ({ data }) => {
    const message = unpack(data);
    switch (message.type) {
      case "start":
        void start(message.settings);
        break;
      case "settings":
        body?.reconfigure(message.settings);
        break;
      case "health":
        context.post({
          type: "healthy",
          number: message.number,
          counters: body?.counters() ?? {},
        });
        break;
      case "stop":
        void stop(message.graceMs);
        break;
      default:
        body?.receive(message);
    }
  };
  context.post({ type: "loaded" });
}
