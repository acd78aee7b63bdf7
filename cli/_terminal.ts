import { escapeControls } from "../daemon/mod.ts";
import { print, tell } from "./_output.ts";

/** Size of a terminal that does not tell. */
const FALLBACK_SIZE = { columns: 80, rows: 24 };

/** How large a terminal is, in cells. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Where results are shown. */
export interface Output {
  /** Whether it can be drawn on. */
  readonly isTerminal: boolean;
  size(): TerminalSize;
  /**
   * Writes a text and a line end.
   *
   * @throws Deno.errors.BrokenPipe when nobody reads it any more.
   */
  print(text: string): void;
  /** Tells the user something that is not the result. */
  tell(text: string): void;
}

function terminalSize(): TerminalSize {
  try {
    const { columns, rows } = Deno.consoleSize();
    // A terminal that nobody has told its size says 0.
    return {
      columns: columns || FALLBACK_SIZE.columns,
      rows: rows || FALLBACK_SIZE.rows,
    };
  } catch {
    return FALLBACK_SIZE;
  }
}

/** The standard output, with the standard error beside it. */
export function standardOutput(): Output {
  return { isTerminal: Deno.stdout.isTerminal(), size: terminalSize, print, tell };
}

/** Cells that a line may take; undefined where nothing has to fit. */
export function widthOf({ isTerminal, size }: Output): number | undefined {
  return isTerminal ? size().columns : undefined;
}

/** JSON for people to read, harmless to a terminal; what is escaped means the same. */
export function prettyJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2).split("\n").map(escapeControls).join("\n");
}

/** JSON on one line, harmless to a terminal. */
export function jsonLine(value: unknown): string {
  return escapeControls(JSON.stringify(value));
}
