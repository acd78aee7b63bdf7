import { getRotatingFileSink } from "@logtape/file";
import {
  configureSync,
  disposeSync,
  getJsonLinesFormatter,
  getLogger,
  type LogLevel as Threshold,
  type LogRecord,
  type Sink,
} from "@logtape/logtape";
import type { LogFields, LogLevel } from "../threads/mod.ts";

/** Bytes of the log file at which it is renamed to `.1` and a new one begins. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** Log files kept, the current one included. */
const MAX_FILES = 5;

const CATEGORY = "masterserver";
const encoder = new TextEncoder();

/** Where the log goes, and what is in it. */
export interface LogOptions {
  /** File for JSON lines; undefined writes text to the terminal (stderr). */
  readonly file: string | undefined;
  /** Least important level that is written. */
  readonly level: Threshold;
}

/** The log file cannot be written. */
export class LogFileError extends Error {
  /** Name of this class. */
  override readonly name = "LogFileError";
}

/**
 * Makes text safe to show: whatever could end a line, move a cursor, or turn the direction of
 * writing becomes a visible escape.
 */
export function escapeControls(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function formatValue(value: unknown): string {
  if (typeof value !== "string") return String(value);
  return /^[\w.:/*@[\]-]+$/.test(value) ? value : escapeControls(JSON.stringify(value));
}

/** One line of text: time, level, message, and the particulars as key=value. */
export function formatText(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString();
  const level = record.level.toUpperCase().padEnd(7);
  const message = escapeControls(record.message.join(""));
  const fields = Object.entries(record.properties).map(([key, value]) =>
    ` ${key}=${formatValue(value)}`
  );
  return `${time} ${level} ${message}${fields.join("")}\n`;
}

const jsonLine = getJsonLinesFormatter({ properties: "flatten" });

function formatJson(record: LogRecord): string {
  // JSON itself escapes what could end a line, but not what confuses a terminal that shows it.
  return escapeControls(jsonLine(record).trimEnd()) + "\n";
}

function terminalSink(record: LogRecord): void {
  try {
    Deno.stderr.writeSync(encoder.encode(formatText(record)));
  } catch {
    // Nobody reads the terminal any more; the daemon goes on without it.
  }
}

function fileSink(path: string): Sink {
  try {
    return getRotatingFileSink(path, {
      maxSize: MAX_FILE_BYTES,
      // The current one is not among those that are counted here.
      maxFiles: MAX_FILES - 1,
      // Unbuffered: the last lines before a crash are the ones that matter.
      bufferSize: 0,
      formatter: formatJson,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LogFileError(
      `cannot write the log file ${path}: ${reason}. Set [system] logfile to a place this user may write`,
      { cause: error },
    );
  }
}

/**
 * Sets up the log, or sets it up anew: a file is closed and opened again, so that one that was
 * moved away is let go of.
 *
 * @throws LogFileError when the file cannot be written; the log stays as it was.
 */
export function openLog({ file, level }: LogOptions): void {
  const sink = file === undefined ? terminalSink : fileSink(file);
  configureSync({
    reset: true,
    sinks: { main: sink },
    loggers: [
      { category: CATEGORY, sinks: ["main"], lowestLevel: level },
      { category: ["logtape", "meta"], sinks: ["main"], lowestLevel: "warning" },
    ],
  });
}

/** Closes the log file. */
export function closeLog(): void {
  disposeSync();
}

/** Writes a line. */
export function log(level: LogLevel, message: string, fields: LogFields = {}): void {
  // A text and no template: a reason that holds braces must not have them filled in.
  getLogger(CATEGORY)[level](message.replaceAll(/[{}]/g, "$&$&"), fields);
}
