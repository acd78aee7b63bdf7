/**
 * What a connection uses of the mesh that it belongs to.
 *
 * @module
 */

import type { Hello, KnownMaster, Peer } from "../protocol/mod.ts";
import type { Command, UserClaim } from "../registry/mod.ts";
import type { Courses } from "./comparison.ts";
import type { Ledger } from "./ledger.ts";
import type { Session } from "./session.ts";
import type { Link, MeshSource } from "./types.ts";

/** What a session uses of the mesh. */
export interface SessionHost {
  readonly source: MeshSource;
  readonly ledger: Ledger;
  readonly courses: Courses;
  /** What this master says of itself to whoever holds the key at the other end. */
  hello(link: Link): Hello;
  /** Masters to be told of to the one with this id. */
  members(except: string): readonly KnownMaster[];
  /** How this master stands to the others. */
  peers(): readonly Peer[];
  /** The other side has said who it is; why it is not wanted, if it is not. */
  greeted(session: Session, hello: Hello): string | undefined;
  /** Another master tells of masters. */
  met(masters: readonly KnownMaster[]): void;
  /** Another master tells of changes. */
  commands(commands: readonly Command[]): void;
  /** Another master tells of players' names. */
  users(users: readonly UserClaim[]): void;
  /** All that a master had changed up to a hybrid logical time is here. */
  synced(origin: string, upto: number): void;
  /** How far all that a master changed is known here. */
  known(origin: string): number;
  /** A connection is to be ended. */
  end(session: Session, reason: string): void;
  /** Something about another master for the operator. */
  warn(
    about: string,
    message: string,
    fields: Readonly<Record<string, string | number | boolean>>,
  ): void;
}
