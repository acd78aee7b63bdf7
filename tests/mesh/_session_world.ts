import assert from "node:assert/strict";
import { makeCourses } from "../../mesh/comparison.ts";
import { Ledger } from "../../mesh/ledger.ts";
import type { Target } from "../../mesh/mod.ts";
import { tell } from "../../mesh/outbox.ts";
import { Session } from "../../mesh/session.ts";
import type { SessionHost } from "../../mesh/session_host.ts";
import type { Changes, KnownMaster } from "../../protocol/mod.ts";
import type { Command, UserClaim } from "../../registry/mod.ts";
import { FakeLink, FakeSource, helloOf, idOf, keyOf, ME, put, server, wire } from "./_helpers.ts";

/** Bytes with the system from which on a session waits. */
export const FULL = 512 * 1024;

export const MEMBER: KnownMaster = {
  id: idOf(3),
  name: "m3",
  host: "m3.example",
  ports: { ring0: 6060 },
  key: keyOf(3),
  seen: 0,
};

/** A session of master 1 with whoever is at the other end of its link. */
export class SessionWorld {
  readonly source = new FakeSource();
  readonly ledger = new Ledger(ME, () => this.source.monotonic());
  readonly link: FakeLink;
  readonly session: Session;
  readonly commands: Command[] = [];
  readonly users: UserClaim[] = [];
  readonly met: KnownMaster[] = [];
  readonly synced: (readonly [origin: string, upto: number])[] = [];
  readonly known = new Map<string, number>();
  readonly ended: string[] = [];
  readonly warned: string[] = [];
  refusal: string | undefined;

  constructor(dialed?: Target) {
    this.link = new FakeLink(2, dialed);
    this.session = new Session(this.link, this.#host());
  }

  /** The other side has said hello, and all that follows is taken. */
  greet(changes: Parameters<typeof helloOf>[1] = {}): void {
    this.receive(helloOf(2, changes));
    this.session.flush();
    this.link.take();
  }

  receive(...messages: Parameters<typeof wire>): void {
    this.session.receive(wire(...messages));
  }

  /** An own change, pushed as the mesh does it. */
  change(number: number, after: number, upto: number): void {
    const key = this.ledger.apply(put(server(number, upto))) ?? assert.fail();
    const span = { after, upto };
    this.session.push([key], tell(this.ledger, [key], span), span);
  }

  /** Changes sent since the last call. */
  told(): Changes[] {
    return this.link.take().filter((message): message is Changes => message.type === "changes");
  }

  #host(): SessionHost {
    return {
      source: this.source,
      ledger: this.ledger,
      courses: makeCourses(() => this.source.monotonic()),
      hello: () => helloOf(1),
      members: () => [MEMBER],
      peers: () => [],
      greeted: () => this.refusal,
      met: (masters) => this.met.push(...masters),
      commands: (commands) => this.commands.push(...commands),
      users: (users) => this.users.push(...users),
      synced: (origin, upto) => {
        this.synced.push([origin, upto]);
        this.known.set(origin, Math.max(this.known.get(origin) ?? 0, upto));
      },
      known: (origin) => this.known.get(origin) ?? 0,
      end: (_session, reason) => this.ended.push(reason),
      warn: (_about, message, { reason }) => this.warned.push(`${message}: ${reason}`),
    };
  }
}

export function puts(changes: readonly Changes[]): number[][] {
  return changes.map((each) => each.puts.map(({ hlc }) => hlc));
}

export function spans(
  changes: readonly Changes[],
): (readonly [after: number | undefined, upto: number | undefined])[] {
  return changes.map(({ after, upto }) => [after, upto]);
}
