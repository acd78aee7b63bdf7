import { formatHostAndPort } from "./_address.ts";
import type { DatabaseNode, RunAsUser } from "./_types.ts";

/** Writes a value of any kind as master.ini has it; one text for each entry. */
export function formatValue(value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (typeof value === "boolean") return [value ? "yes" : "no"];
  if (Array.isArray(value)) return value.flatMap((item) => formatValue(item));
  if (isHostAndPort(value)) {
    return [value.port === undefined ? value.host : formatHostAndPort(value.host, value.port)];
  }
  if (isRunAs(value)) {
    if (value.kind === "name") return [value.name];
    return [value.gid === undefined ? `${value.uid}` : `${value.uid}:${value.gid}`];
  }
  return [String(value)];
}

function isHostAndPort(value: unknown): value is DatabaseNode {
  return typeof value === "object" && value !== null && "host" in value;
}

function isRunAs(value: unknown): value is RunAsUser {
  return typeof value === "object" && value !== null && "kind" in value;
}
