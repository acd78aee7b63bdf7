import { BrowserClient, type ClientError, Relay, type RelayEvent } from "../clients/mod.ts";
import { escapeControls } from "../daemon/mod.ts";
import { formatEndpoint } from "../protocol/mod.ts";
import { EXIT, Exit } from "./_exit.ts";
import {
  ConnectionLog,
  knownMasters,
  openedCrypto,
  type PinsOption,
  RING_2_PORT,
} from "./_secure.ts";
import { countOf } from "./_server_table.ts";
import { say, stopSignal } from "./_service.ts";
import { parseTarget, parseTargets, type Target } from "./_targets.ts";

/** Where an unmodified game asks for its list; it cannot be told another port. */
const OLD_STYLE_PORT = 28900;

/** Options of `relay`. */
export interface RelayCommandOptions extends PinsOption {
  /** Masters, between commas. */
  readonly master: string;
  /** Where clients connect. */
  readonly listen: string;
}

/** Text of an event. */
export function describeRelayEvent(event: RelayEvent): string {
  switch (event.type) {
    case "list":
      return `relaying a list of ${countOf(event.servers, "server")}`;
    case "back":
      return "a master answers again";
    case "away": {
      const since = `no master has answered since ${event.since.toISOString()}`;
      return event.servers === undefined
        ? `${since}: clients get no list`
        : `${since}: the list of that time, ${countOf(event.servers, "server")}, is served on`;
    }
  }
}

function listenError({ host, port }: Target, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const where = `TCP port ${port} on ${host}`;
  if (error instanceof Deno.errors.AddrInUse) {
    return new Exit(
      EXIT.UNAVAILABLE,
      `${where} is in use: stop the program that has it, or listen elsewhere with --listen`,
    );
  }
  return new Exit(
    EXIT.UNAVAILABLE,
    `${where} cannot be opened: ${error.message}. Name an address of this machine and a port ` +
      "above 1023 with --listen",
  );
}

/**
 * Relays lists until it is told to stop.
 *
 * @throws Exit when it cannot start.
 */
export async function relay(options: RelayCommandOptions): Promise<number> {
  const masters = parseTargets(options.master, RING_2_PORT);
  const listen = parseTarget(options.listen, OLD_STYLE_PORT);
  const known = knownMasters(options);
  using crypto = openedCrypto();
  const log = new ConnectionLog(({ key }) => key !== undefined, options, say);
  await using browser = new BrowserClient({
    crypto,
    // Nobody has to know a relay again.
    keyPair: crypto.keyPair(),
    masters: masters.map(({ host, port }) => known.address(host, port)),
    onState: (state) => log.state(state),
  });
  const refused = (error: ClientError): void => {
    log.told(error);
    say(escapeControls(error.message));
  };
  let running: Relay;
  try {
    running = new Relay({
      listen: { hostname: listen.host, port: listen.port },
      // Every game's: a client may ask for any.
      subscribe: (handlers) => browser.subscribe({}, { ...handlers, refused }),
      onEvent: (event) => say(describeRelayEvent(event)),
    });
  } catch (error) {
    throw listenError(listen, error);
  }
  const stopped = stopSignal();
  say(`listening on ${formatEndpoint(listen.host, running.port)}`);
  await stopped;
  await running.stop();
  return EXIT.OK;
}
