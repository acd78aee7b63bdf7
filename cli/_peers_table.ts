import type { NetworkView } from "../clients/mod.ts";
import { escapeControls } from "../daemon/mod.ts";
import { formatEndpoint, type Peer } from "../protocol/mod.ts";
import { countOf } from "./_server_table.ts";
import { type Column, cutToWidth, formatTable } from "./_table.ts";
import { formatBytes, formatDuration, formatMilliseconds } from "./_units.ts";

/** What stands for a master that has not said yet who it is. */
const NAMELESS = "-";

const ALONE = "no other master is known: name one with [masters] peer";

/** A column, and what stands in it; nothing where there is nothing to tell. */
interface PeerColumn extends Column {
  /** @param time The asked master's clock, milliseconds since 1970. */
  readonly cell: (peer: Peer, time: number) => string;
}

/** What is told where there is something to tell. */
function told<T>(value: T | undefined, format: (value: T) => string): string {
  return value === undefined ? "" : format(value);
}

function signed(ms: number): string {
  return `${ms < 0 ? "-" : ms > 0 ? "+" : ""}${formatMilliseconds(Math.abs(ms))}`;
}

function reasonOf({ state, reason }: Peer): string {
  return state === "connected" ? "" : reason ?? "";
}

const COLUMNS: readonly PeerColumn[] = [
  { title: "NAME", shrinksTo: 12, cell: ({ name, id }) => name || id || NAMELESS },
  { title: "ADDRESS", shrinksTo: 21, cell: ({ host, port }) => formatEndpoint(host, port) },
  { title: "STATE", cell: ({ state }) => state },
  {
    title: "SINCE",
    align: "right",
    worth: 4,
    cell: ({ since }, time) => told(since, (since) => formatDuration((time - since) / 1000)),
  },
  { title: "NEXT", align: "right", cell: ({ next }) => told(next, formatDuration) },
  {
    title: "LAG",
    align: "right",
    worth: 5,
    cell: ({ lag_ms: lag }) => told(lag, formatMilliseconds),
  },
  { title: "CLOCK", align: "right", worth: 3, cell: ({ clock_ms: clock }) => told(clock, signed) },
  { title: "BEHIND", align: "right", worth: 6, cell: ({ behind }) => told(behind, String) },
  { title: "SENT", align: "right", worth: 1, cell: ({ sent_bytes: sent }) => formatBytes(sent) },
  {
    title: "RECEIVED",
    align: "right",
    worth: 1,
    cell: ({ received_bytes: received }) => formatBytes(received),
  },
  { title: "SERVERS", align: "right", worth: 2, cell: ({ records }) => told(records, String) },
  { title: "REASON", shrinksTo: 24, cell: reasonOf },
];

/** What is to be seen first: who is not connected. */
const ORDER: Readonly<Record<Peer["state"], number>> = { waiting: 0, connecting: 1, connected: 2 };

function sorted(peers: readonly Peer[]): Peer[] {
  const names = new Intl.Collator("en", { numeric: true });
  return peers.toSorted((a, b) =>
    ORDER[a.state] - ORDER[b.state] || names.compare(a.name, b.name) ||
    names.compare(formatEndpoint(a.host, a.port), formatEndpoint(b.host, b.port))
  );
}

/** `3 other masters`, `2 connected`. */
export function peerCounts({ peers }: NetworkView): string[] {
  const connected = peers.filter(({ state }) => state === "connected").length;
  return [countOf(peers.length, "other master"), `${connected} connected`];
}

/** Who the asked master is, on one line, and how it stands to each of the others on the next ones. */
export function peersTable(view: NetworkView, width?: number): string[] {
  const { master: { name, id, program }, peers, time } = view;
  const line = `${name || NAMELESS}, id ${id}, version ${program || NAMELESS}`;
  const cut = (text: string) => width === undefined ? text : cutToWidth(text, width);
  const head = cut(escapeControls(line));
  if (peers.length === 0) return [head, cut(ALONE)];
  const rows = sorted(peers).map((peer) =>
    COLUMNS.map(({ cell }) => escapeControls(cell(peer, time)))
  );
  // What nobody has anything to tell of takes no room.
  const told = [...COLUMNS.keys()].filter((i) => rows.some((row) => row[i] !== ""));
  const pick = <T>(row: readonly T[]): T[] => told.map((i) => row[i] as T);
  return [head, ...formatTable(pick(COLUMNS), rows.map(pick), width)];
}
