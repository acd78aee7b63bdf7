/** What a simulated master is made of, and who watches it. */

import type { Target } from "../../mesh/mod.ts";
import type { Challenge, Clock, Command, RegistryEvent, ServerId } from "../../registry/mod.ts";
import type { ClockErrors, Timeline } from "./_clock.ts";
import type { Network } from "./_network.ts";
import type { SimNode } from "./_node.ts";
import type { SimRandom } from "./_random.ts";

/** Who watches what masters do. */
export interface Watcher {
  /** A process has started. */
  started(node: SimNode): void;
  /** A process gets its store's servers; those that were listed. */
  restored(node: SimNode, listed: ReadonlySet<ServerId>): void;
  /** The registry has told of a change. */
  event(node: SimNode, event: RegistryEvent): void;
  /** A challenge is to be sent to a server. */
  challenge(node: SimNode, challenge: Challenge): void;
}

/** What is wrong with a master on purpose, so that tests see whether it is noticed. */
export interface Flaw {
  /** What becomes of a command of the mesh. */
  readonly command?: (command: Command, node: SimNode) => Command | undefined;
  /** What becomes of an event for the mesh. */
  readonly event?: (event: RegistryEvent) => RegistryEvent | undefined;
  /** What the registry takes for its clocks. */
  readonly clock?: (clock: Clock) => Clock;
}

/** What a master is made of. */
export interface NodeOptions {
  readonly index: number;
  readonly timeline: Timeline;
  readonly network: Network;
  readonly random: SimRandom;
  readonly watcher: Watcher;
  readonly clock: ClockErrors;
  readonly aliveTimeout: number;
  readonly verify: boolean;
  /** Milliseconds between two ticks. */
  readonly tick: number;
  /** Milliseconds until a change is safe in the store. */
  readonly storeLag: number;
  /** Milliseconds from a start until the store has answered. */
  readonly restoreLag: number;
  /** Masters that the operator named. */
  readonly peers: readonly Target[];
  readonly flaw: Flaw;
  readonly trace: ((line: () => string) => void) | undefined;
}
