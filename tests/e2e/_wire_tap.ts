/** Who began a connection and who took it. */
export type Side = "initiator" | "responder";

/** What went over one connection, in the pieces it came in. */
export interface Recording {
  readonly initiator: Uint8Array<ArrayBuffer>[];
  readonly responder: Uint8Array<ArrayBuffer>[];
}

/** What becomes of a piece on its way. */
export type Tamper = (piece: Uint8Array<ArrayBuffer>, from: Side) => Uint8Array<ArrayBuffer>[];

const BUFFER_BYTES = 64 * 1024;

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Closed before.
  }
}

/** Somebody between two masters, who reads and writes along. */
export class WireTap implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #target: Deno.ConnectOptions;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>;
  readonly recordings: Recording[] = [];
  /** What is done to each piece; nothing unless set. */
  tamper: Tamper | undefined;
  /** Answers each connection in the other side's place; nobody is connected with unless unset. */
  impostor: readonly Uint8Array<ArrayBuffer>[] | undefined;

  constructor(target: Deno.ConnectOptions) {
    this.#listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
    this.#target = target;
    this.#running = this.#run();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** How many connections have come. */
  get connections(): number {
    return this.recordings.length;
  }

  /** What went over the connection that came last. */
  get latest(): Recording {
    const recording = this.recordings.at(-1);
    if (!recording) throw new Error("nobody has connected");
    return recording;
  }

  /** Does this to the next piece from a side. */
  once(from: Side, change: (piece: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>[]): void {
    this.tamper = (piece, side) => {
      if (side !== from) return [piece];
      this.tamper = undefined;
      return change(piece);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) closeQuietly(connection);
    await this.#running;
  }

  async #run(): Promise<void> {
    const served: Promise<void>[] = [];
    try {
      for await (const connection of this.#listener) served.push(this.#serve(connection));
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await Promise.all(served);
  }

  async #serve(initiator: Deno.TcpConn): Promise<void> {
    const recording: Recording = { initiator: [], responder: [] };
    this.recordings.push(recording);
    this.#open.add(initiator);
    try {
      if (this.impostor) await this.#pretend(initiator, this.impostor);
      else await this.#connect(initiator, recording);
    } catch {
      // One of the two, or the test, has ended it.
    } finally {
      this.#open.delete(initiator);
      closeQuietly(initiator);
    }
  }

  async #connect(initiator: Deno.TcpConn, recording: Recording): Promise<void> {
    const responder = await Deno.connect(this.#target);
    this.#open.add(responder);
    const over = async (from: Side, reader: Deno.TcpConn, writer: Deno.TcpConn): Promise<void> => {
      try {
        await this.#forward(from, recording, reader, writer);
      } catch {
        // The same for both: this connection is over.
      } finally {
        closeQuietly(initiator);
        closeQuietly(responder);
      }
    };
    await Promise.all([
      over("initiator", initiator, responder),
      over("responder", responder, initiator),
    ]);
    this.#open.delete(responder);
  }

  async #forward(
    from: Side,
    recording: Recording,
    reader: Deno.TcpConn,
    writer: Deno.TcpConn,
  ): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    for (;;) {
      const count = await reader.read(buffer);
      if (count === null) return;
      const piece = buffer.slice(0, count);
      recording[from].push(piece);
      for (const changed of this.tamper?.(piece, from) ?? [piece]) await writeAll(writer, changed);
    }
  }

  /** An old answer to each piece that comes. */
  async #pretend(
    initiator: Deno.TcpConn,
    answers: readonly Uint8Array<ArrayBuffer>[],
  ): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    for (const answer of answers) {
      if (await initiator.read(buffer) === null) return;
      await writeAll(initiator, answer);
    }
    while (await initiator.read(buffer) !== null);
  }
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}
