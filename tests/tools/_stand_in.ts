/**
 * A small program with the traits that matter to compiling the real one: its entry is also its
 * Worker's, it imports lazily, from a text file and from assets, and its permissions are in
 * deno.json.
 *
 * @module
 */

import { exists } from "../../tools/_process.ts";

/** A C compiler is there, and the headers and libraries for it. */
export const HAS_COMPILER: boolean = Deno.build.os === "linux" && await exists("/usr/bin/cc") &&
  await exists("/usr/include/stdio.h");

/** For the end of a test's title. */
export const COMPILER_NOTE: string = HAS_COMPILER ? "" : " (needs gcc and libc6-dev)";

const MODULE = `
import text from "./words.txt" with { type: "text" };

if (typeof WorkerGlobalScope !== "undefined" && self instanceof WorkerGlobalScope) {
  const { reply } = await import("./reply.ts");
  self.postMessage(reply(self.name, text));
} else if (Deno.args[0] === "--version") {
  console.log("stand-in 1.0");
} else if (Deno.args[0] === "wait") {
  Deno.addSignalListener("SIGTERM", () => Deno.exit(7));
  console.log("waiting");
  setInterval(() => {}, 1000);
} else {
  const worker = new Worker(import.meta.url, {
    type: "module",
    name: "a worker",
    deno: { permissions: { net: true, read: false, write: false, env: false, sys: false, run: false, ffi: false } },
  });
  worker.onmessage = async (event: MessageEvent<string>) => {
    const { default: asset } = await import("./asset.bin", { with: { type: "bytes" } });
    const { other } = await import("./other/mod.ts");
    const state = async (name: "net" | "read" | "write" | "run" | "ffi" | "sys") =>
      (await Deno.permissions.query({ name })).state;
    console.log(JSON.stringify({
      args: Deno.args,
      env: Deno.env.toObject(),
      worker: event.data,
      assets: [asset, await other()].map((bytes) => new TextDecoder("latin1").decode(bytes)),
      granted: { net: await state("net"), read: await state("read") },
      refused: [await state("write"), await state("run"), await state("ffi"), await state("sys")],
    }));
    Deno.exit(0);
  };
}
`;

/** Imported by two modules as `./asset.bin`, each its own. */
const OTHER = `
export async function other(): Promise<Uint8Array> {
  return (await import("./asset.bin", { with: { type: "bytes" } })).default;
}
`;

/** The program's assets, by their paths: neither is text. */
export const ASSETS: Readonly<Record<string, Uint8Array>> = {
  "asset.bin": Uint8Array.from({ length: 100_000 }, (_, index) => index % 251),
  "other/asset.bin": Uint8Array.of(0xff, 0x00, 0x80),
};

/** What the program prints when it is started without `--version` or `wait` in front. */
export interface Told {
  readonly args: string[];
  readonly env: Record<string, string>;
  readonly worker: string;
  /** Its assets' bytes, each as a character of Latin-1. */
  readonly assets: string[];
  readonly granted: { readonly net: string; readonly read: string };
  readonly refused: string[];
}

/** Writes the program's source into the empty directory `root`. */
export async function writeStandIn(root: string): Promise<void> {
  const config = {
    unstable: ["raw-imports", "worker-options"],
    compilerOptions: { lib: ["deno.window", "deno.worker", "deno.unstable"] },
    tasks: { start: "deno run --no-prompt --frozen --allow-net --allow-read --allow-env mod.ts" },
  };
  await Deno.writeTextFile(`${root}/deno.json`, JSON.stringify(config));
  await Deno.writeTextFile(`${root}/mod.ts`, MODULE);
  await Deno.writeTextFile(`${root}/words.txt`, "words from a file");
  await Deno.mkdir(`${root}/other`);
  await Deno.writeTextFile(`${root}/other/mod.ts`, OTHER);
  for (const [path, bytes] of Object.entries(ASSETS)) {
    await Deno.writeFile(`${root}/${path}`, bytes);
  }
  await Deno.writeTextFile(
    `${root}/reply.ts`,
    "export const reply = (name: string, text: string): string => `${name} has ${text}`;\n",
  );
}
