import { text, withTempDir } from "../_helpers.ts";

const ENTRY = new URL("../../mod.ts", import.meta.url).pathname;

/** What the program may do when it is run as its users run it. */
const PERMISSIONS = [
  // What deno says while it fetches packages is not the program's.
  "--quiet",
  "--no-prompt",
  "--frozen",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-sys=hostname",
  "--allow-env=HOME,NO_COLOR",
];

/** A run of the program that has ended. */
export interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A place to run the program in, with a home of its own. */
export interface Place {
  readonly directory: string;
  readonly home: string;
  run(...args: string[]): Promise<Finished>;
  /** Writes a file; its path. */
  write(name: string, content: string): string;
}

let cache: string | undefined;

/** Where packages are kept, which depends on HOME and so must be said when HOME is another. */
async function cacheDirectory(): Promise<string> {
  if (cache !== undefined) return cache;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
    env: { NO_COLOR: "1" },
  }).output();
  return cache = String(JSON.parse(text(stdout)).denoDir);
}

export async function withPlace(use: (place: Place) => Promise<void>): Promise<void> {
  const denoDir = await cacheDirectory();
  await withTempDir(async (directory) => {
    const home = `${directory}/home`;
    Deno.mkdirSync(home);
    await use({
      directory,
      home,
      run: async (...args) => {
        const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
          args: ["run", ...PERMISSIONS, ENTRY, ...args],
          cwd: directory,
          env: { HOME: home, DENO_DIR: denoDir, NO_COLOR: "1" },
        }).output();
        return { code, out: text(stdout), err: text(stderr) };
      },
      write: (name, content) => {
        Deno.writeTextFileSync(`${directory}/${name}`, content);
        return `${directory}/${name}`;
      },
    });
  });
}
