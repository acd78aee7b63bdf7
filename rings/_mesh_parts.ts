import type { Link, MeshOutput, MeshSettings, MeshSource, Target } from "../mesh/mod.ts";
import type { RegistryEvent, Snapshot, UserClaim } from "../registry/mod.ts";

/** What ring 0 uses of the mesh. */
export interface MeshLike {
  /** Takes over all that the registry holds. */
  load(snapshot: Snapshot): void;
  /** Takes over a part of whose the players' names are; the first part clears. */
  loadUsers(users: readonly UserClaim[], first: boolean): void;
  /** Takes players' names that were claimed at this master. */
  addUsers(users: readonly UserClaim[]): void;
  /** Takes a change of the registry. */
  apply(event: RegistryEvent): void;
  /** The handshake of a connection is done. */
  opened(link: Link): void;
  /** A message has come. */
  received(link: Link, plaintext: Uint8Array): void;
  /** A connection is over that the mesh has not closed itself. */
  closed(link: Link, reason: string): void;
  /** There is no connection with what was to be dialled. */
  dialFailed(target: Target, reason: string): void;
  /** Sends what waits. */
  flush(): void;
  /** Lets time pass. */
  tick(): void;
  /** Takes other settings. */
  reconfigure(settings: MeshSettings): void;
  /** What it counts. */
  counters(): Readonly<Record<string, number>>;
  /** Says goodbye and closes all links. */
  stop(): void;
}

/** What a mesh is made of. */
export interface MeshParts {
  readonly settings: MeshSettings;
  readonly source: MeshSource;
  readonly output: MeshOutput;
}
