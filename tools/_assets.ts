/**
 * Assets: files that the program imports lazily as bytes, by
 * `import("…", { with: { type: "bytes" } })`. In a bundle they would be base64 that every Worker
 * parses. The single file carries them beside the bundle, and they are read where that import is
 * reached.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { capture, DENO, PLAIN_OUTPUT } from "./_process.ts";

/** A file that the program imports lazily as bytes. */
export interface Asset {
  /** What `deno bundle --external` knows it by, and then writes into the bundle. */
  readonly external: string;
  /** The import's target, a `file:` or `npm:` URL. */
  readonly url: string;
}

/** What is read here of `deno info --json`. */
interface ModuleGraph {
  readonly modules: readonly {
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: { readonly specifier?: string };
      readonly isDynamic?: boolean;
      readonly assertionType?: string;
    }[];
  }[];
}

/**
 * The assets of the program `entry` in the folder `root`, each once, in the order of their URLs.
 * Throws an `Error` with deno's own message when it cannot tell the program's modules.
 */
export async function findAssets(root: string, entry: string): Promise<Asset[]> {
  const args = ["info", "--json", "--frozen", entry];
  const finished = await capture(DENO, args, { cwd: root, env: PLAIN_OUTPUT });
  if (finished.code !== 0) {
    throw new Error(`deno info cannot examine ${entry}: ${finished.stderr.trimEnd()}`);
  }
  const graph = JSON.parse(finished.stdout) as ModuleGraph;
  const found = new Map<string, Asset>();
  for (const dependency of graph.modules.flatMap((module) => module.dependencies ?? [])) {
    const { specifier, code, isDynamic = false, assertionType } = dependency;
    const url = code?.specifier;
    if (!isDynamic || assertionType !== "bytes" || url === undefined) continue;
    // Two modules may mean different files by the same relative specifier, so a file goes by its
    // path. The bundler knows a package's file by the specifier only.
    found.set(url, { url, external: url.startsWith("file:") ? fileURLToPath(url) : specifier });
  }
  return [...found.values()].sort((a, b) => a.url < b.url ? -1 : 1);
}

/** The bytes of an asset. A package's file is the one that this project's lock file fixes. */
export async function readAsset(asset: Asset): Promise<Uint8Array> {
  const module: unknown = await import(asset.url, { with: { type: "bytes" } });
  return (module as { readonly default: Uint8Array }).default;
}

/**
 * `bundle` with its imports of `assets` made imports of what `location` gives for their indices;
 * `failed` when it does not import one of them.
 */
export function redirectAssets(
  bundle: string,
  assets: readonly Asset[],
  location: (index: number) => string,
):
  | { readonly kind: "redirected"; readonly bundle: string }
  | { readonly kind: "failed"; readonly message: string } {
  let redirected = bundle;
  for (const [index, asset] of assets.entries()) {
    const before = redirected;
    redirected = before.replaceAll(
      `import(${JSON.stringify(asset.external)}, {`,
      `import(${JSON.stringify(location(index))}, {`,
    );
    if (redirected === before) {
      return {
        kind: "failed",
        message: `the bundle has no import("${asset.external}", { with: { type: "bytes" } }); ` +
          "where it is never reached, remove it; otherwise deno bundle writes it differently now, " +
          "and tools/_assets.ts has to follow",
      };
    }
  }
  return { kind: "redirected", bundle: redirected };
}
