import { isUnspecified } from "./_address.ts";
import { quoteValue } from "./_messages.ts";
import type { Place, Report } from "./_report.ts";
import type { Config } from "./_types.ts";

/** Where a value of the configuration came from. */
export type Origin =
  | { readonly kind: "default" }
  /** Given, but wrong; that has been told, and nothing more is to be said about it. */
  | { readonly kind: "bad" }
  | {
    readonly kind: "given";
    readonly name: string;
    readonly place: Place;
    /** Its place in the order in which values were given. */
    readonly rank: number;
  };

/** Tells a value's origin by its section and property. */
export type OriginOf = <S extends keyof Config>(section: S, property: keyof Config[S]) => Origin;

/** Old-style game servers send a heartbeat this often; it is built into them. */
const OLD_STYLE_HEARTBEAT_SECONDS = 300;

/** Checks that need more than one value at a time. */
export function checkTogether(config: Config, originOf: OriginOf, report: Report): void {
  checkPorts(config, originOf, report);
  checkCertificate(config, originOf, report);
  checkDatabase(config, originOf, report);
  checkGame(config, originOf, report);
  checkMasters(config, originOf, report);
}

function checkPorts(config: Config, originOf: OriginOf, report: Report): void {
  const { network, console } = config;
  const listeners = [
    { name: "mmport", origin: originOf("network", "mmport"), on: network.mmport },
    { name: "smport", origin: originOf("network", "smport"), on: network.smport },
    { name: "cmport", origin: originOf("network", "cmport"), on: network.cmport },
    { name: "osport", origin: originOf("network", "osport"), on: network.osport },
    { name: "ocport", origin: originOf("network", "ocport"), on: network.ocport },
  ].map((ring) => ({ ...ring, address: network.address }));
  const consoleOrigin = originOf("console", "port");
  listeners.push({
    name: "the console's port",
    origin: consoleOrigin,
    on: console.port,
    address: console.address,
  });
  const taken: typeof listeners = [];
  for (const listener of listeners.toSorted((a, b) => rankOf(a.origin) - rankOf(b.origin))) {
    const { name, origin, on, address } = listener;
    if (origin.kind === "bad" || on === "off" || on === 0) continue;
    const first = taken.find((other) => other.on === on && overlap(other.address, address));
    if (first === undefined) {
      taken.push(listener);
    } else if (origin.kind === "given") {
      report.add(
        "error",
        origin.place,
        () =>
          `${name} = ${on} is taken by ${first.name} (${describeOrigin(first.origin)}); ` +
          "give each a port of its own, 0 (any free one), or off",
      );
    }
  }
}

function checkCertificate(config: Config, originOf: OriginOf, report: Report): void {
  const { cert, key } = config.console;
  const [certOrigin, keyOrigin] = [originOf("console", "cert"), originOf("console", "key")];
  if (cert !== undefined && certOrigin.kind === "given" && keyOrigin.kind === "default") {
    report.add(
      "error",
      certOrigin.place,
      () => "cert without key; HTTPS needs both, write key = FILE; in [console], or remove cert",
    );
  }
  if (key !== undefined && keyOrigin.kind === "given" && certOrigin.kind === "default") {
    report.add(
      "error",
      keyOrigin.place,
      () => "key without cert; HTTPS needs both, write cert = FILE; in [console], or remove key",
    );
  }
}

function checkDatabase(config: Config, originOf: OriginOf, report: Report): void {
  const { database } = config;
  const type = originOf("database", "type");
  if (type.kind === "bad") return;
  if (database.type === "mysql") {
    if (
      database.user === undefined && originOf("database", "user").kind !== "bad" &&
      type.kind === "given"
    ) {
      report.add(
        "error",
        type.place,
        () => "type = mysql needs the database's user; write user = NAME; in [database]",
      );
    }
    const base = originOf("database", "base");
    if (base.kind === "given" && database.base.includes("/")) {
      report.add(
        "error",
        base.place,
        () =>
          `base = ${
            quoteValue(database.base)
          } is a file's path; with type = mysql it is the name ` +
          "of a database, for example netpanzer",
      );
    }
    return;
  }
  for (const property of ["user", "pass", "dbip", "dbport"] as const) {
    const origin = originOf("database", property);
    if (origin.kind !== "given") continue;
    report.add(
      "warning",
      origin.place,
      () => `${origin.name} has no effect with type = sqlite; write type = mysql; or remove it`,
    );
  }
}

function checkGame(config: Config, originOf: OriginOf, report: Report): void {
  const { serverAliveTimeout } = config.game;
  const origin = originOf("game", "serverAliveTimeout");
  if (origin.kind !== "given" || serverAliveTimeout > OLD_STYLE_HEARTBEAT_SECONDS) return;
  report.add(
    "warning",
    origin.place,
    () =>
      `server-alive-timeout = ${serverAliveTimeout} drops old-style servers that are well: they ` +
      `speak every ${OLD_STYLE_HEARTBEAT_SECONDS} seconds; 720 misses two of them`,
  );
}

function checkMasters(config: Config, originOf: OriginOf, report: Report): void {
  if (config.game.masterserverPassword !== undefined) return;
  if (originOf("game", "masterserverPassword").kind === "bad") return;
  const origin = originOf("masters", "peers");
  if (origin.kind !== "given" || config.masters.peers.length === 0) return;
  report.add(
    "warning",
    origin.place,
    () =>
      `${origin.name} has no effect without masterserver-password in [game], the secret that all ` +
      "masters of one network share",
  );
}

function overlap(a: string, b: string): boolean {
  return a === b || isUnspecified(a) || isUnspecified(b);
}

function rankOf(origin: Origin): number {
  return origin.kind === "given" ? origin.rank : -1;
}

function describeOrigin(origin: Origin): string {
  if (origin.kind !== "given") return "its default";
  return origin.place.line === 0 ? origin.place.file : `line ${origin.place.line}`;
}
