import type { Config } from "../config/mod.ts";
import type { BoundSocket } from "../threads/mod.ts";
import type { Identity } from "./_identity.ts";
import { log } from "./_log.ts";
import { isRingOn, type RingLabel, RINGS } from "./_settings.ts";

/** Says where a ring listens. */
export function tellListening({ label, transports }: RingLabel, socket: BoundSocket): void {
  const everywhere = socket.address === "::" || socket.address === "0.0.0.0";
  log("info", `${label} listens`, {
    port: socket.port,
    transports,
    address: everywhere ? "every address" : socket.address,
  });
}

/** Says who this master is, or why it cannot encrypt. */
export function tellIdentity(identity: Identity, config: Config): void {
  if (identity.type === "none") {
    const off = RINGS.filter((label) => label.isEncrypted && isRingOn(label, config))
      .map(({ ring }) => ring.slice("ring".length));
    if (off.length === 0) return;
    const all = new Intl.ListFormat("en-GB").format(off);
    const rings = off.length === 1 ? `ring ${all} is` : `rings ${all} are`;
    log("error", `${rings} off, because nothing can be encrypted`, { reason: identity.reason });
  }
  if (identity.type !== "known") return;
  const { key, isNew, crypto, warning } = identity;
  log("info", isNew ? "made this master's key" : "read this master's key", {
    key,
    file: config.system.keyFile,
    libgcrypt: crypto.version,
  });
  if (warning !== undefined) log("warning", "libgcrypt", { warning });
}

/** Says that ring 0 is off, if it is, and what to do for it. */
export function tellRing0({ network, game, masters }: Config): void {
  const isWanted = masters.peers.length > 0;
  if (network.mmport === "off") {
    if (!isWanted) return;
    log(
      "warning",
      "ring 0 is off, so [masters] peer has no effect: set [network] mmport to a port",
    );
  } else if (game.masterserverPassword === undefined) {
    log(
      isWanted ? "warning" : "info",
      "ring 0 is off: set [game] masterserver-password to the secret of your network of masters",
    );
  }
}
