import { OLDEST_VERSION, openGcrypt } from "./_gcrypt.ts";
import { Primitives } from "./_primitives.ts";
import type { Crypto } from "./crypto.ts";

/**
 * Places where a distribution keeps libgcrypt.so.20; the first one found is used.
 *
 * Debian and Ubuntu on two processors, Fedora and its kin, Arch and Alpine. Running with fewer
 * permissions takes `--allow-ffi` for the place in use.
 */
export const LIBRARY_PATHS: readonly string[] = Object.freeze([
  "/usr/lib/x86_64-linux-gnu/libgcrypt.so.20",
  "/usr/lib/aarch64-linux-gnu/libgcrypt.so.20",
  "/usr/lib64/libgcrypt.so.20",
  "/usr/lib/libgcrypt.so.20",
]);

/** Why there is no cryptography. */
export type CryptoProblem = "missing" | "unloadable" | "too-old" | "fips";

/** What opening libgcrypt gives. */
export type CryptoOutcome =
  | {
    readonly type: "ready";
    readonly crypto: Crypto;
    /** Advice to the operator, when this version has a known hole. */
    readonly warning?: string;
  }
  | {
    readonly type: "unavailable";
    readonly problem: CryptoProblem;
    /** What is wrong and what to do about it, for an operator. */
    readonly message: string;
  };

const INSTALL = "install it with `apt install libgcrypt20` (Debian, Ubuntu) or " +
  "`dnf install libgcrypt` (Fedora)";

const UPGRADE = "upgrade it with `apt install libgcrypt20` (Debian, Ubuntu) or " +
  "`dnf upgrade libgcrypt` (Fedora)";

/** Withdrawn by its makers within days: its hash functions write past a buffer (CVE-2021-3345). */
const BROKEN_VERSION = "1.9.0";

/** The first of {@linkcode LIBRARY_PATHS} that exists, which takes permission to read it. */
export function findLibrary(): string | undefined {
  return LIBRARY_PATHS.find((path) => isThere(path));
}

/**
 * Opens libgcrypt.
 *
 * Each thread opens it for itself. They share one state of the library, which is lost when the last
 * of them closes it, and starting it is not safe for two at once: the main thread opens it first
 * and keeps it open.
 *
 * @param path The library's file; by default what {@linkcode findLibrary} finds.
 */
export function openCrypto(path: string | undefined = findLibrary()): CryptoOutcome {
  if (path === undefined) {
    return unavailable("missing", `libgcrypt.so.20 is not installed: ${INSTALL}`);
  }
  const outcome = openGcrypt(path);
  switch (outcome.type) {
    case "open": {
      const crypto = new Primitives(outcome.gcrypt, path);
      return outcome.gcrypt.version === BROKEN_VERSION
        ? {
          type: "ready",
          crypto,
          warning:
            `libgcrypt ${BROKEN_VERSION} at "${path}" can be made to write past its memory ` +
            `(CVE-2021-3345): ${UPGRADE}`,
        }
        : { type: "ready", crypto };
    }
    case "unloadable":
      return unloadable(path, outcome.cause);
    case "too-old":
      return unavailable(
        "too-old",
        `libgcrypt at "${path}" is version ${outcome.version}, and ${OLDEST_VERSION} or newer is ` +
          `needed: ${UPGRADE}`,
      );
    case "fips":
      return unavailable(
        "fips",
        `libgcrypt ${outcome.version} at "${path}" is in FIPS mode, which has no X25519 and no ` +
          "ChaCha20-Poly1305: turn FIPS mode off for this machine (/etc/gcrypt/fips_enabled, the " +
          "kernel's fips=1) or for this program (LIBGCRYPT_FORCE_FIPS_MODE in its environment)",
      );
  }
}

function unloadable(path: string, cause: unknown): CryptoOutcome {
  if (!isThere(path)) return unavailable("missing", `there is no "${path}": ${INSTALL}`);
  if (cause instanceof Deno.errors.NotCapable) {
    return unavailable(
      "unloadable",
      `loading libgcrypt is not allowed: start with --allow-ffi=${path}`,
    );
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return unavailable(
    "unloadable",
    `"${path}" cannot be loaded (${reason}): ${INSTALL} for this processor`,
  );
}

function unavailable(problem: CryptoProblem, message: string): CryptoOutcome {
  return { type: "unavailable", problem, message };
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
