import type { ClientState, ServerChange, SubscriptionHandlers } from "../clients/mod.ts";
import { escapeControls } from "../daemon/mod.ts";
import type { ServerEntry } from "../protocol/mod.ts";
import type { Exit } from "./_exit.ts";
import { clientExit, type PinsOption } from "./_secure.ts";
import { countOf, serverTable } from "./_server_table.ts";
import { cutToWidth } from "./_table.ts";

/** Milliseconds between two drawings: four a second are as many as an eye follows. */
const DRAW_MS = 250;

/** Another screen, which leaves what was on the terminal as it is; and no cursor on it. */
const ENTER_SCREEN = "\x1b[?1049h\x1b[?25l";
const LEAVE_SCREEN = "\x1b[?25h\x1b[?1049l";

const HOME = "\x1b[H";
const CLEAR_REST_OF_LINE = "\x1b[K";
const CLEAR_REST_OF_SCREEN = "\x1b[J";

/** Size of a terminal that does not tell. */
export const FALLBACK_SIZE = { columns: 80, rows: 24 };

/** Where a watch is shown. */
export interface WatchOutput {
  /** Whether it can be drawn on. */
  readonly isTerminal: boolean;
  size(): { readonly columns: number; readonly rows: number };
  /**
   * Writes a text and a line end.
   *
   * @throws Deno.errors.BrokenPipe when nobody reads it any more.
   */
  print(text: string): void;
  /** Tells the user something that is not the result. */
  tell(text: string): void;
}

/** How a watch is shown. */
export type WatchStyle = "table" | "json";

/** How a watch ended by itself. */
export type WatchEnd =
  /** Nobody reads it any more. */
  | { readonly type: "unread" }
  /** No list came in the first place. */
  | { readonly type: "failed"; readonly exit: Exit };

/** A subscription as it is shown: a table drawn anew, or a JSON object per change. */
export class Watch implements Disposable {
  readonly #output: WatchOutput;
  readonly #style: WatchStyle;
  readonly #options: PinsOption;
  readonly #ended = Promise.withResolvers<WatchEnd>();
  #servers: ReadonlyMap<string, ServerEntry> = new Map();
  #hasList = false;
  #trouble = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #drawnAt = -Infinity;
  #onScreen = false;
  #over = false;

  /** @param options What was said of the file of pins, for advice about it. */
  constructor(output: WatchOutput, style: WatchStyle, options: PinsOption = {}) {
    this.#output = output;
    this.#style = style;
    this.#options = options;
  }

  /** Settles when there is no point in going on. */
  get ended(): Promise<WatchEnd> {
    return this.#ended.promise;
  }

  /** What tells it of the list. */
  readonly handlers: SubscriptionHandlers = {
    list: (servers) => {
      this.#servers = servers;
      this.#hasList = true;
    },
    changed: (change) => this.#changed(change),
    view: (view) => {
      if (view === "live") this.#setTrouble("");
    },
  };

  /** Tells it how it stands with the masters. */
  state(state: ClientState): void {
    if (state.type !== "waiting") return;
    // What cannot be had from the start is an error as it is without watching.
    const exit = clientExit(state.error, this.#options);
    if (!this.#hasList) this.#ended.resolve({ type: "failed", exit });
    const next = `${exit.message}: next try in ${Math.ceil(state.seconds)} s`;
    if (!this.#draws) this.#output.tell(next);
    this.#setTrouble(next);
  }

  /** Draws anew, soon: the terminal's size may be another. */
  redraw(): void {
    if (this.#style === "json" || !this.#hasList || this.#timer !== undefined || this.#over) return;
    const wait = Math.max(0, this.#drawnAt + DRAW_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#drawnAt = performance.now();
      this.#attempt(() => this.#draw());
    }, wait);
  }

  /** Gives the terminal back as it was. */
  [Symbol.dispose](): void {
    this.#over = true;
    clearTimeout(this.#timer);
    if (this.#onScreen) this.#attempt(() => this.#output.print(LEAVE_SCREEN));
    this.#onScreen = false;
  }

  get #draws(): boolean {
    return this.#output.isTerminal && this.#style === "table";
  }

  #changed({ servers, removed, full }: ServerChange): void {
    if (this.#style === "table") return this.redraw();
    const line = escapeControls(JSON.stringify({ servers, removed, ...(full ? { full } : {}) }));
    this.#attempt(() => this.#output.print(line));
  }

  #setTrouble(trouble: string): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    if (this.#draws) this.redraw();
  }

  #draw(): void {
    if (!this.#output.isTerminal) {
      this.#output.print(`${serverTable(this.#servers.values()).join("\n")}\n`);
      return;
    }
    const { columns, rows } = this.#output.size();
    const table = serverTable(this.#servers.values(), columns);
    // One line for the summary, and one below it where the cursor stays.
    const room = Math.max(1, rows - 2);
    const shown = table.slice(0, room);
    const lines = [...shown, cutToWidth(this.#summary(table.length - shown.length), columns)];
    const screen = this.#onScreen ? HOME : ENTER_SCREEN + HOME;
    this.#onScreen = true;
    this.#output.print(
      screen + lines.join(`${CLEAR_REST_OF_LINE}\n`) + CLEAR_REST_OF_LINE + CLEAR_REST_OF_SCREEN,
    );
  }

  #summary(hidden: number): string {
    let players = 0;
    for (const server of this.#servers.values()) players += server.players;
    const parts = [countOf(this.#servers.size, "server"), countOf(players, "player")];
    if (hidden > 0) parts.push(`${hidden} below`);
    if (this.#trouble !== "") parts.push(this.#trouble);
    return parts.join(", ");
  }

  #attempt(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      this.#over = true;
      this.#ended.resolve({ type: "unread" });
    }
  }
}
