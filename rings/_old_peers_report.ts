import type { LogFields, ThreadContext } from "../threads/mod.ts";

/** Something about an old-style master that its operator, or this one's, can do something about. */
export interface Issue {
  /** What kind it is; as long as a kind lasts it is told once, whatever its particulars. */
  readonly kind: string;
  /** What is wrong. */
  readonly message: string;
  readonly fields: LogFields;
  /** Whether the master is asked again sooner than usual. */
  readonly isFailure: boolean;
}

/** What a round with an old-style master came to. */
export interface Round {
  readonly issues: readonly Issue[];
  /** Servers that it told of; undefined when there was no list of them. */
  readonly servers: number | undefined;
  /** Masters that it told of; undefined when there was no list of them. */
  readonly masters: number | undefined;
}

function failure(kind: string, message: string, fields: LogFields): Issue {
  return { kind, message, fields, isFailure: true };
}

export function unreachable(reason: string): Issue {
  return failure("unreachable", "an old-style master cannot be reached", {
    reason,
    advice: "it is tried again and again; check oldpeer in [masters], and whether it runs",
  });
}

export function ownAddress(): Issue {
  return failure("own", "an oldpeer in [masters] is this master itself", {
    advice: "remove the line from master.ini, or name another master",
  });
}

export function heartbeatRefused(reason: string): Issue {
  return failure("heartbeat refused", "an old-style master refuses this one", {
    reason,
    advice: "masterserver-password in [game] must be the one that its operator has set",
  });
}

export function heartbeatUnanswered(reason: string): Issue {
  return failure("heartbeat unanswered", "an old-style master does not answer heartbeats", {
    reason,
    advice: "some know no other masters; what it lists is used all the same",
  });
}

export function noList(gamename: string, reason: string): Issue {
  return failure(`no list of ${gamename}`, "an old-style master gives no list", {
    gamename,
    reason,
    advice: "check that oldpeer in [masters] names its old-style port, which is usually 28900",
  });
}

export function nonsense(gamename: string, first: string): Issue {
  return {
    kind: `nonsense of ${gamename}`,
    message: "an old-style master lists what is no server: left out",
    fields: { gamename, first },
    isFailure: false,
  };
}

export function tooMany(gamename: string, limit: number): Issue {
  return {
    kind: `too many of ${gamename}`,
    message: "an old-style master lists too many servers: the last are left out",
    fields: { gamename, limit },
    isFailure: false,
  };
}

/** Tells the operator how it stands with one old-style master, each time that changes. */
export class PeerReport {
  readonly #log: ThreadContext["log"];
  readonly #peer: string;
  /** Kinds of issues that have been told and last; undefined before the first round. */
  #told: ReadonlySet<string> | undefined;

  /** @param peer `host:port` as the operator calls it. */
  constructor(log: ThreadContext["log"], peer: string) {
    this.#log = log;
    this.#peer = peer;
  }

  /**
   * Takes what a round came to.
   *
   * @param secret A text that an answer may repeat, and that the log must not.
   */
  tell({ issues, servers, masters }: Round, secret: string): void {
    const told = this.#told;
    const kinds = new Set(issues.map(({ kind }) => kind));
    this.#told = kinds;
    const isBetter = told === undefined || [...told].some((kind) => !kinds.has(kind));
    if (isBetter && (servers !== undefined || masters !== undefined)) {
      this.#log("info", "an old-style master answers", {
        peer: this.#peer,
        servers: servers ?? 0,
        masters: masters ?? 0,
      });
    }
    for (const { kind, message, fields } of issues) {
      if (told?.has(kind)) continue;
      this.#log("warning", message, { peer: this.#peer, ...withoutSecret(fields, secret) });
    }
  }
}

function withoutSecret(fields: LogFields, secret: string): LogFields {
  if (secret === "") return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" && name !== "advice" ? value.replaceAll(secret, "***") : value,
    ]),
  );
}
