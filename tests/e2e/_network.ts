/** Networks of real masters, each in a network namespace of its own, that can be cut and healed. */

import { DaemonProcess } from "./_daemon.ts";
import { fewAtATime } from "./_few_at_a_time.ts";
import { canShell, Namespace, shell } from "./_namespace.ts";
import { ask, entries, listed, type Route } from "./_peers.ts";

/** Settings on a command line, by `section.key`. */
export type Settings = Readonly<Record<string, string | number | readonly string[]>>;

/** The ports of the protocol: each master has all of its namespace's to itself. */
export const PORTS = { ring0: 6060, ring1: 7070, ring2: 3040, ring1bis: 28900, ring2bis: 3030 };

/** Shared secret of the networks. */
export const PASSWORD = "hush-6060";

/** Addresses that game servers of the tests come from: all are this process's. */
const GAME_ADDRESSES = "10.99.0.0/16";

/** Networks that there can be at a time. */
const MAX_NETWORKS = 50;

/** Starting takes a processor for a second, and only so long may each start take. */
const starting = fewAtATime(3);

/** What all masters of all networks are told. */
const SETTINGS: Settings = {
  "network.mmport": PORTS.ring0,
  "network.smport": PORTS.ring1,
  "network.cmport": PORTS.ring2,
  "network.osport": PORTS.ring1bis,
  "network.ocport": PORTS.ring2bis,
  "game.masterserver-password": PASSWORD,
  "game.verify-servers": "no",
  "game.status-interval": 0,
  "game.servers-per-address": 65_535,
  "game.connection-limit": 1000,
  "system.servercachefile": "$HOME/neighbors",
};

/** A game server's address in the tests. */
export function gameAddress(number: number): string {
  return `10.99.${(number >> 8) & 255}.${number & 255}`;
}

/** A master of a network. */
export class Master {
  readonly name: string;
  /** Address at which the other masters reach it. */
  readonly ip: string;
  /** Address at which the test reaches it, whatever is cut. */
  readonly control: string;
  /** What the test is to it. */
  readonly testIp: string;
  /** The end of its cable that is in the test's namespace. */
  readonly cable: string;
  readonly namespace: Namespace;
  readonly home: string;
  readonly #settings: Settings;
  #env: Readonly<Record<string, string>> = {};
  #daemon: DaemonProcess | undefined;

  constructor(
    options: {
      readonly network: number;
      readonly number: number;
      readonly namespace: Namespace;
      readonly settings: Settings;
    },
  ) {
    const { network, number, namespace, settings } = options;
    this.name = `m${number}`;
    this.ip = `10.${100 + network}.0.${number}`;
    this.control = `10.${150 + network}.${number}.2`;
    this.testIp = `10.${150 + network}.${number}.1`;
    this.cable = `n${network}p${number}`;
    this.namespace = namespace;
    this.home = Deno.makeTempDirSync({ prefix: `masterserver-net-${this.name}-` });
    this.#settings = {
      "network.netname": this.name,
      "network.publicadress": this.ip,
      ...SETTINGS,
      ...settings,
    };
    const test = `n${network}t${number}`;
    shell(
      `ip link add ${this.cable} type veth peer name net0 netns ${namespace.pid}`,
      `ip link add ${test} type veth peer name test0 netns ${namespace.pid}`,
      `ip addr add ${this.testIp}/30 dev ${test}`,
      `ip link set ${test} up`,
      `ip link set ${this.cable} up`,
      `${namespace.enter} sh -ec '
        ip addr add ${this.ip}/24 dev net0
        ip addr add ${this.control}/30 dev test0
        ip link set net0 up
        ip link set test0 up
        ip route add ${GAME_ADDRESSES} via ${this.testIp}'`,
    );
  }

  /** Its process; there has to be one. */
  get daemon(): DaemonProcess {
    if (!this.#daemon) throw new Error(`${this.name} does not run`);
    return this.#daemon;
  }

  /** Whether it runs. */
  get runs(): boolean {
    return this.#daemon !== undefined;
  }

  /** `ip:port` of its ring 1 bis, as lists of masters have it. */
  get listEntry(): string {
    return `${this.ip}:${PORTS.ring1bis}`;
  }

  /** `ip:port` of its ring 0, as `peer` has it. */
  get peer(): string {
    return `${this.ip}:${PORTS.ring0}`;
  }

  /** Starts it in its home, with further settings. */
  async start(
    set: Settings = {},
    env: Readonly<Record<string, string>> = this.#env,
  ): Promise<void> {
    this.#env = env;
    this.#daemon = await starting(() =>
      DaemonProcess.start({
        home: this.home,
        set: { ...this.#settings, ...set },
        inside: this.namespace.inside,
        env,
      })
    );
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    await this.#daemon?.kill();
    this.#daemon = undefined;
  }

  /** Tells it to stop and waits until it has. */
  async stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  /** Asks ring 1 bis; the answer. */
  ask(message: string, route: Route = {}): Promise<string> {
    return ask(PORTS.ring1bis, message, { ...route, to: this.control });
  }

  /** The game servers that it lists, sorted. */
  async servers(): Promise<string[]> {
    return (await this.#list("gamename\\netpanzer")).sort();
  }

  /** The masters that it lists, sorted. */
  async masters(): Promise<string[]> {
    return (await this.#list("gamename\\master")).sort();
  }

  /** Both lists over ring 2 bis. */
  listedAtRing2Bis(filter: string): Promise<string[]> {
    return listed(PORTS.ring2bis, filter, { to: this.control });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.[Symbol.asyncDispose]();
    await this.namespace[Symbol.asyncDispose]();
    Deno.removeSync(this.home, { recursive: true });
  }

  async #list(filter: string): Promise<string[]> {
    return entries(await this.ask(`\\list\\${filter}\\final\\`));
  }
}

/** What a network is made of. */
export interface NetworkOptions {
  /** How many masters. */
  readonly size: number;
  /** Settings of all masters. */
  readonly set?: Settings;
}

/** Masters on a cable that can be cut. None runs until it is started. */
export class MasterNetwork implements AsyncDisposable {
  readonly masters: readonly Master[];
  readonly #bridges: readonly string[];

  private constructor(bridges: readonly string[], masters: readonly Master[]) {
    this.#bridges = bridges;
    this.masters = masters;
  }

  /** Lays the cables. */
  static async create({ size, set = {} }: NetworkOptions): Promise<MasterNetwork> {
    shell(`ip route replace local ${GAME_ADDRESSES} dev lo`);
    const network = Array.from({ length: MAX_NETWORKS }, (_, i) => i)
      .find((number) => canShell(`ip link add n${number}b0 type bridge`));
    if (network === undefined) throw new Error("there are too many networks, or no bridges");
    const bridges = Array.from({ length: size }, (_, i) => `n${network}b${i}`);
    const masters: Master[] = [];
    try {
      shell(
        ...bridges.slice(1).map((bridge) => `ip link add ${bridge} type bridge`),
        ...bridges.map((bridge) => `ip link set ${bridge} up`),
      );
      for (let number = 1; number <= size; number++) {
        masters.push(await makeMaster(network, number, set));
      }
      const made = new MasterNetwork(bridges, masters);
      made.heal();
      return made;
    } catch (error) {
      await removeNetwork(bridges, masters);
      throw error;
    }
  }

  /** The master of a number, from 1. */
  at(number: number): Master {
    const master = this.masters[number - 1];
    if (!master) throw new RangeError(`there is no master ${number}`);
    return master;
  }

  /** Starts all, each with the one before it as its only `peer`. */
  async startChain(): Promise<void> {
    await Promise.all(this.masters.map((master, i) => {
      const before = this.masters[i - 1];
      return master.start(before ? { "masters.peer": before.peer } : {});
    }));
  }

  /** Cuts it: masters reach each other only within their part. */
  partition(...parts: readonly (readonly Master[])[]): void {
    shell(
      ...parts.flatMap((part, i) =>
        part.map(({ cable }) => `ip link set ${cable} master ${this.#bridges[i]}`)
      ),
    );
  }

  /** Everybody reaches everybody. */
  heal(): void {
    this.partition(this.masters);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeNetwork(this.#bridges, this.masters);
  }
}

async function makeMaster(network: number, number: number, settings: Settings): Promise<Master> {
  const namespace = await Namespace.create();
  try {
    return new Master({ network, number, namespace, settings });
  } catch (error) {
    await namespace[Symbol.asyncDispose]();
    throw error;
  }
}

async function removeNetwork(
  bridges: readonly string[],
  masters: readonly Master[],
): Promise<void> {
  const ended = await Promise.allSettled(masters.map((master) => master[Symbol.asyncDispose]()));
  const cables = masters.flatMap(({ cable }) => [cable, cable.replace("p", "t")]);
  // Those at a namespace that is gone may be gone with it.
  for (const link of [...cables, ...bridges]) canShell(`ip link delete ${link}`);
  for (const each of ended) if (each.status === "rejected") throw each.reason;
}

/**
 * Makes a master's cable slow, and lossy when more is to go over it than it takes; what was done to
 * it, if the system can do that.
 */
export function slowDown(master: Master): string | undefined {
  const kinds = [
    "netem delay 40ms 20ms loss 3% rate 4mbit",
    "tbf rate 4mbit burst 4k limit 12k",
  ];
  return kinds.find((kind) => canShell(`tc qdisc replace dev ${master.cable} root ${kind}`));
}
