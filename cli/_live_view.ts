import type { Exit } from "./_exit.ts";
import { cutToWidth } from "./_table.ts";
import { jsonLine, type Output, widthOf } from "./_terminal.ts";

/** Milliseconds between two drawings: four a second are as many as an eye follows. */
const DRAW_MS = 250;

/** Another screen, which leaves what was on the terminal as it is; and no cursor on it. */
const ENTER_SCREEN = "\x1b[?1049h\x1b[?25l";
const LEAVE_SCREEN = "\x1b[?25h\x1b[?1049l";

const HOME = "\x1b[H";
const CLEAR_REST_OF_LINE = "\x1b[K";
const CLEAR_REST_OF_SCREEN = "\x1b[J";

/** How what changes is shown. */
export type ViewStyle = "table" | "json";

/** How a view ended by itself. */
export type ViewEnd =
  /** Nobody reads it any more. */
  | { readonly type: "unread" }
  /** Nothing came to be shown in the first place. */
  | { readonly type: "failed"; readonly exit: Exit };

/** What is shown, as it is now; control characters escaped. */
export interface Picture {
  /** Its lines, none wider than asked for. */
  lines(width: number | undefined): readonly string[];
  /** What is counted below them on a terminal, where it is always seen. */
  counts(): readonly string[];
}

/**
 * Something that changes, as it is shown: on a terminal drawn anew in place, elsewhere printed each
 * time; or a JSON object a change.
 */
export class LiveView implements Disposable {
  readonly #output: Output;
  readonly #style: ViewStyle;
  readonly #picture: Picture;
  readonly #ended = Promise.withResolvers<ViewEnd>();
  #isThere = false;
  #trouble = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #drawnAt = -Infinity;
  #onScreen = false;
  #over = false;

  constructor(output: Output, style: ViewStyle, picture: Picture) {
    this.#output = output;
    this.#style = style;
    this.#picture = picture;
  }

  /** Settles when there is no point in going on. */
  get ended(): Promise<ViewEnd> {
    return this.#ended.promise;
  }

  /** There is something new to be shown, and this is what JSON says of it. */
  changed(json: unknown): void {
    this.#isThere = true;
    if (this.#style === "table") this.redraw();
    else this.#print(jsonLine(json));
  }

  /** Draws anew, soon: the terminal's size may be another. */
  redraw(): void {
    if (this.#style === "json" || !this.#isThere || this.#timer !== undefined || this.#over) return;
    const wait = Math.max(0, this.#drawnAt + DRAW_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#drawnAt = performance.now();
      this.#draw();
    }, wait);
  }

  /**
   * Nothing new can be had. What cannot be had from the start is an error as it is without watching;
   * else what came last is shown on.
   */
  trouble(exit: Exit, seconds: number): void {
    if (!this.#isThere) this.#ended.resolve({ type: "failed", exit });
    const text = `${exit.message}: next try in ${Math.ceil(seconds)} s`;
    if (!this.#draws && text !== this.#trouble) this.#output.tell(text);
    this.#setTrouble(text);
  }

  /** The trouble is over. */
  recovered(): void {
    this.#setTrouble("");
  }

  /** Gives the terminal back as it was. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    if (this.#onScreen) this.#print(LEAVE_SCREEN);
    this.#onScreen = false;
    this.#over = true;
  }

  get #draws(): boolean {
    return this.#output.isTerminal && this.#style === "table";
  }

  #setTrouble(trouble: string): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    if (this.#draws) this.redraw();
  }

  #draw(): void {
    const lines = this.#picture.lines(widthOf(this.#output));
    if (!this.#output.isTerminal) return this.#print(`${lines.join("\n")}\n`);
    const { columns, rows } = this.#output.size();
    // One line for the summary, and one below it where the cursor stays.
    const shown = lines.slice(0, Math.max(1, rows - 2));
    shown.push(cutToWidth(this.#summary(lines.length - shown.length), columns));
    const screen = this.#onScreen ? HOME : ENTER_SCREEN + HOME;
    this.#onScreen = true;
    this.#print(
      screen + shown.join(`${CLEAR_REST_OF_LINE}\n`) + CLEAR_REST_OF_LINE + CLEAR_REST_OF_SCREEN,
    );
  }

  #summary(hidden: number): string {
    const parts = [...this.#picture.counts()];
    if (hidden > 0) parts.push(`${hidden} below`);
    if (this.#trouble !== "") parts.push(this.#trouble);
    return parts.join(", ");
  }

  #print(text: string): void {
    if (this.#over) return;
    try {
      this.#output.print(text);
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      this.#over = true;
      this.#ended.resolve({ type: "unread" });
    }
  }
}
