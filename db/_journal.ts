import type { StoreChange, Version } from "../registry/mod.ts";

/** Bytes of a journal at most: days of a database's absence. */
const MAX_BYTES = 1024 * 1024 * 1024;

/** Bytes read at a time when old batches are read back. */
const READ_BYTES = 256 * 1024;

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const LINE_FEED = 0x0a;

/** The journal takes no more: it is full, or its disk is. */
export class JournalError extends Error {
  override readonly name = "JournalError";
}

/** Several changes that are written together. */
export type Batch = readonly StoreChange[];

/**
 * Changes that are not in the database yet, in a file, one batch a line. What is in it survives the
 * process. Batches are read back in order and the file is emptied when the last one was taken.
 */
export class Journal {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  #end: number;
  #read = 0;
  /** Bytes read ahead, from {@link #read} on. */
  #ahead = new Uint8Array(0);
  /** The only batch there is, when it was written by this process: it need not be read back. */
  #fresh: { readonly batch: Batch; readonly length: number } | undefined;

  /**
   * Opens the file, makes it when there is none. A last line that was not written to its end is
   * cut off.
   *
   * @throws JournalError when it cannot be opened.
   */
  constructor(path: string) {
    this.#path = path;
    this.#file = open(path);
    this.#end = this.#file.statSync().size;
    this.#cutTornLine();
  }

  /** Whether all that was written has been taken. */
  get isEmpty(): boolean {
    return this.#read >= this.#end;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#end - this.#read;
  }

  /**
   * Adds a batch; it is safe from an end of this process when this returns.
   *
   * @throws JournalError when there is no room; then nothing was added.
   */
  append(batch: Batch): void {
    const bytes = new TextEncoder().encode(`${JSON.stringify(batch)}\n`);
    if (this.#end + bytes.length > MAX_BYTES) {
      throw new JournalError(`the journal ${this.#path} has reached ${MAX_BYTES} bytes`);
    }
    try {
      this.#file.seekSync(this.#end, Deno.SeekMode.Start);
      for (let written = 0; written < bytes.length;) {
        written += this.#file.writeSync(bytes.subarray(written));
      }
      if (this.isEmpty) this.#fresh = { batch, length: bytes.length };
      this.#end += bytes.length;
    } catch (error) {
      this.#cutOff();
      const reason = error instanceof Error ? error.message : String(error);
      throw new JournalError(`the journal ${this.#path} cannot be written: ${reason}`, {
        cause: error,
      });
    }
  }

  /** The oldest batch that was not taken. */
  peek(): Batch | undefined {
    if (this.#fresh) return this.#fresh.batch;
    for (let line = this.#line(); line; line = this.#line()) {
      const batch = parseBatch(new TextDecoder().decode(line));
      if (batch) return batch;
      this.take();
    }
    return undefined;
  }

  /** Takes the batch that {@link peek} gave. */
  take(): void {
    const length = this.#fresh?.length ?? (this.#line()?.length ?? -1) + 1;
    if (length === 0) return;
    this.#fresh = undefined;
    this.#read += length;
    this.#ahead = this.#ahead.subarray(Math.min(length, this.#ahead.length));
    if (!this.isEmpty) return;
    this.#file.truncateSync(0);
    this.#read = this.#end = 0;
    this.#ahead = new Uint8Array(0);
  }

  /** All batches that were not taken, oldest first. */
  *waiting(): Generator<Batch> {
    const bytes = new Uint8Array(this.bytes);
    this.#readAt(this.#read, bytes);
    for (const line of new TextDecoder().decode(bytes).split("\n")) {
      const batch = line === "" ? undefined : parseBatch(line);
      if (batch) yield batch;
    }
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  #line(): Uint8Array | undefined {
    for (;;) {
      const end = this.#ahead.indexOf(LINE_FEED);
      if (end >= 0) return this.#ahead.subarray(0, end);
      const at = this.#read + this.#ahead.length;
      if (at >= this.#end) return undefined;
      const more = new Uint8Array(Math.min(READ_BYTES, this.#end - at));
      this.#readAt(at, more);
      const both = new Uint8Array(this.#ahead.length + more.length);
      both.set(this.#ahead);
      both.set(more, this.#ahead.length);
      this.#ahead = both;
    }
  }

  #readAt(at: number, bytes: Uint8Array): void {
    this.#file.seekSync(at, Deno.SeekMode.Start);
    for (let read = 0; read < bytes.length;) {
      const count = this.#file.readSync(bytes.subarray(read));
      if (count === null) {
        throw new JournalError(`the journal ${this.#path} was cut by someone else`);
      }
      read += count;
    }
  }

  /** Removes what a failed write left behind; where that fails too, reading skips it. */
  #cutOff(): void {
    try {
      this.#file.truncateSync(this.#end);
    } catch {
      // The next batch is written over it.
    }
  }

  #cutTornLine(): void {
    const bytes = new Uint8Array(this.#end);
    this.#readAt(0, bytes);
    this.#end = bytes.lastIndexOf(LINE_FEED) + 1;
    this.#file.truncateSync(this.#end);
  }
}

function open(path: string): Deno.FsFile {
  try {
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")) || "/", {
      recursive: true,
      mode: DIRECTORY_MODE,
    });
    return Deno.openSync(path, { create: true, read: true, write: true, mode: FILE_MODE });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new JournalError(
      `the file ${path} for changes on their way to the database cannot be opened: ${reason}. ` +
        "It stands beside [database] base (sqlite) or [system] servercachefile (mysql)",
      { cause: error },
    );
  }
}

/** A line's batch; undefined for what a failed write left behind. */
function parseBatch(line: string): Batch | undefined {
  try {
    return (JSON.parse(line) as Batch).map(versioned);
  } catch {
    return undefined;
  }
}

/** Version of what was written before there were versions. */
const EARLIEST: Version = { hlc: 0, origin: "" };

/** A change as it is written now; an earlier release may have left the journal behind. */
function versioned(change: StoreChange): StoreChange {
  if (change.type === "gone") {
    // Only those that fell silent had a time of silence before there were causes.
    const cause = change.silentSince === undefined ? "quit" : "expired";
    const earlier = { ...EARLIEST, cause } as const;
    return { ...earlier, ...change };
  }
  if (change.type === "put") return { ...change, record: { ...EARLIEST, ...change.record } };
  return change;
}
