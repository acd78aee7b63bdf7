import {
  Agent,
  type AgentEvent,
  masterName,
  problemOfWords,
  RegistrationClient,
} from "../clients/mod.ts";
import { encodeKey, loadKeyFile } from "../crypto/mod.ts";
import { escapeControls } from "../daemon/mod.ts";
import { formatEndpoint } from "../protocol/mod.ts";
import { EXIT, Exit } from "./_exit.ts";
import {
  belowHome,
  ConnectionLog,
  knownMasters,
  openedCrypto,
  type PinsOption,
  RING_1_PORT,
  withKeyFile,
} from "./_secure.ts";
import { say, stopSignal } from "./_service.ts";
import { parseTarget, parseTargets, type Target } from "./_targets.ts";

/** Port of a game server when none is named. */
const GAME_PORT = 3030;

/** Where the agent's own key is kept, below the home directory. */
export const AGENT_KEY = ".netpanzer/agent.key";

/** Options of `agent`. */
export interface AgentCommandOptions extends PinsOption {
  /** Masters, between commas. */
  readonly master: string;
  /** The game server. */
  readonly server: string;
  readonly name?: string;
  readonly admin?: string;
  readonly country?: string;
  readonly netname?: string;
  readonly protocol: string;
  /** File with the agent's key. */
  readonly key?: string;
}

/** What netPanzer 0.8.7 is found to do, and nobody would guess. */
const NEVER_ANSWERS =
  "If it was started with --master_server=none it never will: name any other, such as 127.0.0.1";

/** Text of an event; undefined for those that are told elsewhere. */
export function describeEvent(event: AgentEvent, server: Target): string | undefined {
  const where = formatEndpoint(server.host, server.port);
  switch (event.type) {
    case "answers":
      return `the server ${where} answers: "${event.name}", map "${event.map}"`;
    case "silent": {
      const asking = `the server ${where}: ${event.reason}, asking again until it does`;
      return event.answeredBefore ? asking : `${asking}. ${NEVER_ANSWERS}`;
    }
    case "nameless":
      return "the server has no name and is not registered: give it one with --name NAME";
    case "changed":
      return "the server's name or settings changed: telling the master";
    case "registered": {
      const { master, registered: { number, listed, reason } } = event;
      const name = masterName(master.host, master.port);
      return `registered with ${name} as number ${number}, ${listedText(listed, reason)}`;
    }
    case "other-family":
      return otherFamilyText(event);
    case "listed":
      return listedText(event.listed.listed, event.listed.reason);
    case "refused":
      return event.error.code === "name_taken"
        ? `${event.error.message}: give the server another name with --name NAME, or use the key ` +
          "that the name was first registered with (--key FILE)"
        : event.error.message;
    case "left":
      return "the server has left the list";
    case "state":
      return undefined;
  }
}

function otherFamilyText(
  { family, master }: Extract<AgentEvent, { type: "other-family" }>,
): string {
  const [wanted, used] = family === 4 ? ["IPv4", "IPv6"] : ["IPv6", "IPv4"];
  const name = masterName(master.host, master.port);
  const advice = family === 4
    ? "netPanzer 0.8.7 does not, so name a master that has an IPv4 address"
    : "If it does not, name a master that has an IPv6 address";
  return `${name} has no ${wanted} address, and is reached over ${used}: the server has to answer ` +
    `its questions over ${used} to be listed. ${advice}`;
}

function listedText(listed: boolean, reason: string | undefined): string {
  if (listed) return "listed";
  return `not listed${reason === undefined ? "" : `: ${reason}`}`;
}

function keyPath({ key }: AgentCommandOptions): string {
  const path = key ?? belowHome(AGENT_KEY);
  if (path === undefined) {
    throw new Exit(EXIT.NO_INPUT, "HOME is not set: name the agent's key file with --key FILE");
  }
  return path;
}

function gameProtocol(text: string): number {
  if (/^[0-9]{1,10}$/.test(text)) return Number(text);
  throw new Exit(EXIT.USAGE, `--protocol "${text}" is no whole number: for example 1122`);
}

/**
 * Registers a game server until it is told to stop.
 *
 * @throws Exit when it cannot start.
 */
export async function agent(options: AgentCommandOptions): Promise<number> {
  const masters = parseTargets(options.master, RING_1_PORT);
  const server = parseTarget(options.server, GAME_PORT);
  const { name, admin = "", country, netname } = options;
  const words = {
    port: server.port,
    admin,
    protocol: gameProtocol(options.protocol),
    ...(name === undefined ? {} : { name }),
    ...(country === undefined ? {} : { country: country.toUpperCase() }),
    ...(netname === undefined ? {} : { netname }),
  };
  const problem = problemOfWords(words);
  if (problem !== undefined) throw new Exit(EXIT.USAGE, problem);
  const known = knownMasters(options);
  using crypto = openedCrypto();
  const path = keyPath(options);
  const { keyPair, isNew } = withKeyFile(EXIT.NO_INPUT, () => loadKeyFile(path, crypto));
  const publicKey = encodeKey(keyPair.publicKey);
  say(`${isNew ? "made a new key" : "the key"} in ${path}: ${publicKey}`);
  const log = new ConnectionLog(({ key }) => key !== undefined, options, say);
  const addresses = masters.map(({ host, port }) => known.address(host, port));
  const running = new Agent({
    server,
    words,
    register: (request) =>
      new RegistrationClient({ crypto, keyPair, masters: addresses, ...request }),
    onEvent: (event) => {
      const line = describeEvent(event, server);
      if (line !== undefined) say(escapeControls(line));
      if (event.type === "refused") log.told(event.error);
      if (event.type === "state") log.state(event.state);
    },
  });
  const stopped = stopSignal();
  running.start();
  await stopped;
  await running.stop();
  return EXIT.OK;
}
