import { Feed } from "../../daemon/_feed.ts";
import type { RegistryEvent, ServerRecord } from "../../registry/mod.ts";
import type { RingName, ToThread } from "../../threads/mod.ts";
import { record, STATUS } from "../db/_helpers.ts";

/** Two servers. */
export const A = record("192.0.2.1");
export const B = record("192.0.2.2");
/** A server that holds a key. */
export const K = record("192.0.2.3", { key: "k", name: "n" });
export const LIFE = { left: 60_000, heard: true };
export const CHALLENGE = { id: A.id, ip: A.ip, port: A.port, token: "t" };

export const REMOVED: RegistryEvent = {
  type: "removed",
  id: A.id,
  cause: "quit",
  lastSeen: 0,
  wasListed: true,
  hlc: 3,
  origin: "o",
};

export function put(record: ServerRecord): RegistryEvent {
  return { type: "put", record, ...LIFE };
}

export function status({ id }: ServerRecord): RegistryEvent {
  return { type: "status", id, status: STATUS, hlc: 2, origin: "o" };
}

export const NAME = { name: "n", key: "k", hlc: 3, origin: "o" };

export interface Bench {
  readonly feed: Feed;
  /** What it posted since then in short: to whom, what, about how many. */
  readonly take: () => string[];
  /** All that it posted. */
  readonly messages: ToThread[];
}

export function bench(records: ServerRecord[] = [], prober: RingName = "ring1bis"): Bench {
  let posted: string[] = [];
  const messages: ToThread[] = [];
  const feed = new Feed({
    post: (ring: RingName, message) => {
      messages.push(message);
      if (message.type === "events") posted.push(`${ring} events ${message.events.length}`);
      else if (message.type === "replies") posted.push(`${ring} replies ${message.replies.length}`);
      else if (message.type === "snapshot") {
        const { first, last } = message;
        const part = (first ? "first " : "") + (last ? "last " : "");
        posted.push(`${ring} snapshot ${part}${message.records.length}`);
      } else posted.push(`${ring} ${message.type}`);
    },
    prober,
    records: () => records,
    snapshot: () => ({
      records: records.filter(({ state }) => state === "listed")
        .map((record, i) => ({ record, life: { left: i, heard: true } })),
      tombstones: [],
      names: [NAME],
      vector: [],
    }),
    departures: () => ({
      origin: "o",
      tombstones: [],
      vector: [],
      horizon: [],
      gap: { origin: "o", after: 0, before: 0 },
    }),
  });
  return {
    feed,
    messages,
    take: () => {
      const taken = posted;
      posted = [];
      return taken;
    },
  };
}
