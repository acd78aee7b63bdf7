import {
  type ClientError,
  type ClientState,
  type Description,
  type KeyPair,
  type MasterAddress,
  RegistrationClient,
  type RegistrationOptions,
  RING_1,
} from "../../clients/mod.ts";
import type { Registered, ServerReport } from "../../protocol/mod.ts";
import { until } from "../_helpers.ts";
import { FakeMaster, gcrypt, type Received, type Script } from "./_fake_master.ts";
import { FakeTiming } from "./_fake_timing.ts";

/** Who registers. */
export const keyPair: KeyPair = gcrypt.keyPair();

/** What is registered. */
export const description: Description = {
  gamename: "netpanzer",
  name: "Bob's tanks",
  port: 3030,
  protocol: 1122,
  admin: "bob@example.org",
  settings: { gamestyle: "Objective" },
};

/** What is being played. */
export function status(players: number): ServerReport {
  return { map: "Two clans", players, max_players: 8, roster: [] };
}

/** A master's answer. */
export function registered(more: Partial<Registered> = {}): Registered {
  return { type: "registered", number: 17, interval: 60, listed: true, masters: [], ...more };
}

/** A master of ring 1. */
export function ring1(script: Script, port = 0): FakeMaster {
  return new FakeMaster(script, { prologue: RING_1.prologue, port });
}

/** Registers whoever comes, answers `bye`, and keeps what came. */
export function goodMaster(came: Received[] = [], answer: Registered = registered()): Script {
  return async (peer) => {
    for (let message; (message = await peer.receive());) {
      came.push(message);
      if (message.type === "register") await peer.send(answer);
      if (message.type === "bye") await peer.send({ type: "bye" });
    }
  };
}

/** A client, and all that it told. */
export class Told {
  readonly timing = new FakeTiming();
  readonly registered: Registered[] = [];
  readonly listed: boolean[] = [];
  readonly refused: ClientError[] = [];
  readonly states: ClientState[] = [];
  readonly client: RegistrationClient;

  constructor(masters: readonly MasterAddress[], more: Partial<RegistrationOptions> = {}) {
    this.client = new RegistrationClient({
      crypto: gcrypt,
      keyPair,
      masters,
      server: description,
      onRegistered: (answer) => this.registered.push(answer),
      onListed: ({ listed }) => this.listed.push(listed),
      onRefused: (error) => this.refused.push(error),
      onState: (state) => this.states.push(state),
      timing: this.timing,
      ...more,
    });
  }

  /** States as `type port`, with the seconds to wait. */
  get story(): string[] {
    return this.states.map((state) => {
      if (state.type === "closed") return "closed";
      const wait = state.type === "waiting" ? ` ${state.seconds}` : "";
      return `${state.type} ${state.master?.port}${wait}`;
    });
  }

  get waits(): number[] {
    return this.states.flatMap((state) => state.type === "waiting" ? state.seconds : []);
  }

  async start(registrations = 1): Promise<void> {
    this.client.start();
    await until("registered", () => this.registered.length >= registrations);
  }
}
