import type { RegistryEvent, Version } from "../../registry/mod.ts";
import type { SimNode } from "./_node.ts";

/** An event in short, with masters by their places in place of their ids. */
export function spellEvent(event: RegistryEvent, nodes: readonly SimNode[]): string {
  const version = ({ hlc, origin }: Version): string => {
    const node = nodes.find(({ id }) => id === origin);
    return `${hlc}/${node === undefined ? origin : `m${node.index}`}`;
  };
  switch (event.type) {
    case "put": {
      const { record, left, heard } = event;
      const { id, state, settings, status } = record;
      const told = `${state} n=${settings["n"]} ${status?.map} left ${left}${
        heard ? " heard" : ""
      }`;
      return `put ${id} ${version(record)} ${told}`;
    }
    case "seen":
      return `seen ${event.ids.join(" ")} left ${event.left}${event.heard ? " heard" : ""}`;
    case "removed":
      return `removed ${event.id} ${version(event)} ${event.cause} listed=${event.wasListed}`;
    case "status":
      return `status ${event.id} ${version(event)} ${event.status.map}`;
    case "name":
      return `name "${event.name}" ${version(event)} ${event.key.slice(0, 6)}`;
    case "synced":
      return `synced ${version(event)}`;
    case "disputed":
    case "forgotten":
      return `${event.type} ${event.id} ${version(event)}`;
    default:
      return event.type;
  }
}
