import { formatEndpoint, type ServerEntry } from "../protocol/mod.ts";
import { escapeControls } from "../daemon/mod.ts";
import { type Column, formatTable } from "./_table.ts";

const COLUMNS: readonly Column[] = [
  { title: "NAME", shrinksTo: 12 },
  { title: "MAP", shrinksTo: 8 },
  { title: "PLAYERS", align: "right" },
  { title: "ADDRESS" },
  { title: "COUNTRY" },
  { title: "PROTOCOL", align: "right" },
];

function row(server: ServerEntry): string[] {
  const cells = [
    server.name,
    server.map,
    `${server.players}/${server.max_players}`,
    formatEndpoint(server.ip, server.port),
    server.country,
    server.protocol === 0 ? "" : String(server.protocol),
  ];
  return cells.map(escapeControls);
}

/** `1 server`, `2 servers`. */
export function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** Servers as a table: those with most players first, then by name. */
export function serverTable(servers: Iterable<ServerEntry>, width?: number): string[] {
  const names = new Intl.Collator("en", { numeric: true });
  const sorted = [...servers].sort((a, b) =>
    b.players - a.players || names.compare(a.name, b.name) ||
    names.compare(formatEndpoint(a.ip, a.port), formatEndpoint(b.ip, b.port))
  );
  return formatTable(COLUMNS, sorted.map(row), width);
}
