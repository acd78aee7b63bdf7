import assert from "node:assert/strict";
import { text } from "./_helpers.ts";

const ROOT = new URL("..", import.meta.url);

/** Which folder may import which; what is not here may import nothing, and `types` no code. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "mod.ts": ["cli", "db", "rings", "threads"],
  cli: ["clients", "config", "crypto", "daemon", "db", "protocol"],
  clients: ["crypto", "protocol"],
  config: [],
  crypto: [],
  daemon: [
    "config",
    "crypto",
    "db",
    "protocol",
    "registry",
    "threads",
    "types of mesh",
    "whereabouts",
  ],
  db: ["protocol", "registry", "threads"],
  http: ["config", "registry", "threads"],
  mesh: ["protocol", "registry"],
  protocol: [],
  registry: [],
  rings: ["crypto", "mesh", "protocol", "registry", "threads"],
  threads: ["registry", "types of config", "types of mesh"],
  whereabouts: [],
};

/** Files at the top that are data, for anyone to import. */
const DATA = new Set(["deno.json", "master.ini"]);

/** What a pure folder leaves to its caller: the system, the clock, timers, chance. */
const IMPURE =
  /\b(Deno\.|Date\.now|new Date\(\)|performance\.|setTimeout|setInterval|Math\.random)/;
const PURE = ["config", "mesh", "protocol", "registry"];

interface Dependency {
  readonly specifier: string;
  readonly code?: { readonly specifier?: string; readonly error?: string };
  readonly type?: { readonly specifier?: string; readonly error?: string };
  readonly isDynamic?: boolean;
}

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly Dependency[];
  readonly error?: string;
}

/** One import within the project, paths relative to its top. */
interface Import {
  readonly from: string;
  readonly to: string;
  /** Whether code is imported at load; not so for types and for what is loaded when needed. */
  readonly eager: boolean;
  /** Whether nothing but types is imported. */
  readonly typesOnly: boolean;
}

async function graph(entry: string): Promise<Module[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  assert.ok(success, text(stderr));
  return JSON.parse(text(stdout)).modules;
}

function inProject(specifier: string | undefined): string | undefined {
  return specifier?.startsWith(ROOT.href) ? specifier.slice(ROOT.href.length) : undefined;
}

function importsOf({ specifier, dependencies = [] }: Module): Import[] {
  const from = inProject(specifier);
  if (from === undefined) return [];
  return dependencies.flatMap(({ code, type, isDynamic = false }) => {
    const to = inProject(code?.specifier ?? type?.specifier);
    const typesOnly = code === undefined;
    return to === undefined ? [] : [{ from, to, typesOnly, eager: !typesOnly && !isDynamic }];
  });
}

function folderOf(path: string): string {
  return path.split("/")[0] ?? "";
}

const modules = await graph("mod.ts");
const imports = modules.flatMap(importsOf);
const across = imports.filter(({ from, to }) => folderOf(from) !== folderOf(to));

Deno.test("layering: all modules of the program can be resolved", () => {
  const broken = modules.filter(({ error }) => error !== undefined);
  assert.deepEqual(broken, []);
  const folders = new Set(
    modules.flatMap(({ specifier }) => inProject(specifier) ?? []).map(folderOf),
  );
  for (
    const folder of [
      "cli",
      "config",
      "daemon",
      "db",
      "mesh",
      "protocol",
      "registry",
      "rings",
      "threads",
    ]
  ) {
    assert.ok(folders.has(folder), `${folder} is not part of the program`);
  }
});

Deno.test("layering: each folder imports only what the table allows", () => {
  const wrong = across.filter(({ from, to, typesOnly }) => {
    if (DATA.has(to)) return false;
    const allowed = MAY_IMPORT[folderOf(from)] ?? [];
    const types = typesOnly && allowed.includes(`types of ${folderOf(to)}`);
    return !allowed.includes(folderOf(to)) && !types;
  });
  assert.deepEqual(wrong, []);
});

Deno.test("layering: a folder is entered by its mod.ts only", () => {
  const wrong = across.filter(({ to }) => !DATA.has(to) && !/^[^/]+\/mod\.ts$/.test(to));
  assert.deepEqual(wrong, []);
});

Deno.test("layering: the entry loads only what the thread at hand needs", () => {
  assert.deepEqual(imports.filter(({ from, eager }) => from === "mod.ts" && eager), []);
});

Deno.test("layering: no folder's own files import their mod.ts", () => {
  const wrong = imports.filter(({ from, to }) =>
    folderOf(from) === folderOf(to) && to.endsWith("/mod.ts")
  );
  assert.deepEqual(wrong, []);
});

Deno.test("layering: no modules import each other in a circle", () => {
  const eager = new Map<string, string[]>();
  for (const { from, to, typesOnly } of imports) {
    if (!typesOnly) eager.set(from, [...eager.get(from) ?? [], to]);
  }
  const finished = new Set<string>();
  const visit = (path: string, above: readonly string[]): void => {
    assert.ok(!above.includes(path), [...above, path].join(" -> "));
    if (finished.has(path)) return;
    for (const next of eager.get(path) ?? []) visit(next, [...above, path]);
    finished.add(path);
  };
  for (const path of eager.keys()) visit(path, []);
  assert.ok(finished.size > 30);
});

Deno.test("layering: pure folders use no clock, no timer, no chance and nothing of the system", () => {
  const wrong: string[] = [];
  for (const folder of PURE) {
    for (const { name } of Deno.readDirSync(new URL(`${folder}/`, ROOT))) {
      const source = Deno.readTextFileSync(new URL(`${folder}/${name}`, ROOT));
      const code = source.replaceAll(/\/\*.*?\*\/|\/\/[^\n]*/gs, "");
      const found = IMPURE.exec(code)?.[0];
      if (found !== undefined) wrong.push(`${folder}/${name}: ${found}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("layering: only tests import tests", () => {
  assert.deepEqual(imports.filter(({ to }) => folderOf(to) === "tests"), []);
});
