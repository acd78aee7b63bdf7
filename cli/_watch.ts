import type { ClientState, ServerChange, SubscriptionHandlers } from "../clients/mod.ts";
import type { ServerEntry } from "../protocol/mod.ts";
import { LiveView, type ViewEnd, type ViewStyle } from "./_live_view.ts";
import { clientExit, type PinsOption } from "./_secure.ts";
import { countOf, serverTable } from "./_server_table.ts";
import type { Output } from "./_terminal.ts";

/** A subscription as it is shown: a table drawn anew, or a JSON object per change. */
export class Watch implements Disposable {
  readonly #view: LiveView;
  readonly #options: PinsOption;
  #servers: ReadonlyMap<string, ServerEntry> = new Map();

  /** @param options What was said of the file of pins, for advice about it. */
  constructor(output: Output, style: ViewStyle, options: PinsOption = {}) {
    this.#options = options;
    this.#view = new LiveView(output, style, {
      lines: (width) => serverTable(this.#servers.values(), width),
      counts: () => this.#counts(),
    });
  }

  /** Settles when there is no point in going on. */
  get ended(): Promise<ViewEnd> {
    return this.#view.ended;
  }

  /** What tells it of the list. */
  readonly handlers: SubscriptionHandlers = {
    list: (servers) => this.#servers = servers,
    changed: (change) => this.#changed(change),
    view: (view) => {
      if (view === "live") this.#view.recovered();
    },
  };

  /** Tells it how it stands with the masters. */
  state(state: ClientState): void {
    if (state.type !== "waiting") return;
    this.#view.trouble(clientExit(state.error, this.#options), state.seconds);
  }

  /** Draws anew, soon: the terminal's size may be another. */
  redraw(): void {
    this.#view.redraw();
  }

  /** Gives the terminal back as it was. */
  [Symbol.dispose](): void {
    this.#view[Symbol.dispose]();
  }

  #changed({ servers, removed, full }: ServerChange): void {
    this.#view.changed({ servers, removed, ...(full ? { full } : {}) });
  }

  #counts(): string[] {
    let players = 0;
    for (const server of this.#servers.values()) players += server.players;
    return [countOf(this.#servers.size, "server"), countOf(players, "player")];
  }
}
