import type { Config } from "../config/mod.ts";
import { type Crypto, encodeKey, findLibrary, loadKeyFile, openCrypto } from "../crypto/mod.ts";

/** Id of a master that has no key. It serves nobody who could tell it from another. */
const NO_ORIGIN = "0".repeat(16);

/** Bytes of the public key that make a master's id: enough for none to share one by chance. */
const ORIGIN_BYTES = 8;

/** Who this master is. */
export type Identity =
  /** It has a key, and can encrypt. */
  | {
    readonly type: "known";
    /** Kept open here, so that what threads share of the library outlasts each of them. */
    readonly crypto: Crypto;
    /** Private key, 32 bytes. */
    readonly privateKey: Uint8Array;
    /** Public key, base64. */
    readonly key: string;
    /** Its id among all masters. */
    readonly origin: string;
    /** Whether the key was made just now. */
    readonly isNew: boolean;
    /** Something that the operator should know of the library. */
    readonly warning: string | undefined;
  }
  /** It cannot encrypt, and this is why. */
  | { readonly type: "none"; readonly reason: string; readonly origin: string }
  /** It need not encrypt. */
  | { readonly type: "unused"; readonly origin: string };

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether any ring of a configuration is encrypted. */
function isNeeded({ network }: Config): boolean {
  return network.mmport !== "off" || network.smport !== "off" || network.cmport !== "off";
}

/** Opens libgcrypt and reads this master's key; makes the key at the first start. */
export function openIdentity(config: Config): Identity {
  if (!isNeeded(config)) return { type: "unused", origin: NO_ORIGIN };
  const opened = openCrypto(findLibrary());
  if (opened.type === "unavailable") {
    return { type: "none", reason: opened.message, origin: NO_ORIGIN };
  }
  const { crypto, warning } = opened;
  try {
    const { keyPair, isNew } = loadKeyFile(config.system.keyFile, crypto);
    const { privateKey, publicKey } = keyPair;
    const origin = hex(publicKey.subarray(0, ORIGIN_BYTES));
    return { type: "known", crypto, privateKey, key: encodeKey(publicKey), origin, isNew, warning };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { type: "none", reason, origin: NO_ORIGIN };
  }
}
