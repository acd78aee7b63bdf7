import { type DatabaseAdmin, openDatabaseAdmin } from "../db/mod.ts";
import { storeSettings } from "../daemon/mod.ts";
import { type ConfigurationOptions, problemsOf, readConfiguration } from "./_configuration.ts";
import { EXIT, Exit } from "./_exit.ts";
import { print, tell } from "./_output.ts";

/** Runs work on the database that the configuration names. */
async function withDatabase(
  options: ConfigurationOptions,
  work: (database: DatabaseAdmin) => Promise<void>,
): Promise<number> {
  const loaded = readConfiguration(options);
  const problems = problemsOf(loaded);
  if (problems !== "") tell(problems);
  if (!loaded.ok) return EXIT.CONFIG;
  let database: DatabaseAdmin | undefined;
  try {
    database = await openDatabaseAdmin(storeSettings(loaded.config, Deno.cwd()).database);
    await work(database);
    return EXIT.OK;
  } catch (error) {
    if (error instanceof Exit || !(error instanceof Error)) throw error;
    throw new Exit(error.name === "ImportError" ? EXIT.DATA : EXIT.UNAVAILABLE, error.message);
  } finally {
    await database?.close();
  }
}

/** Prints what the database holds. */
export function databaseStatus(options: ConfigurationOptions): Promise<number> {
  return withDatabase(options, async (database) => {
    const { where, schema, wanted, rows } = await database.status();
    print(`database  ${where}`);
    const advice = schema < wanted ? `, this program wants ${wanted}: masterserver db migrate` : "";
    print(`schema    ${schema === 0 ? "none" : schema}${advice}`);
    for (const [table, count] of Object.entries(rows)) print(`${table}  ${count}`);
  });
}

/** Brings the schema up to date. */
export function databaseMigrate(options: ConfigurationOptions): Promise<number> {
  return withDatabase(options, async (database) => {
    const before = await database.migrate();
    const { schema } = await database.status();
    print(before === schema ? `schema ${schema} is up to date` : `schema ${before} -> ${schema}`);
  });
}

/** Makes a file that only its user may read: an export holds what the database holds. */
function createPrivately(file: string): Deno.FsFile {
  try {
    return Deno.openSync(file, { createNew: true, write: true, mode: 0o600 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Exit(
      EXIT.CANT_CREATE,
      `${file} cannot be made: ${reason}. Name a file that is not there`,
    );
  }
}

function openToRead(file: string): Deno.FsFile {
  try {
    return Deno.openSync(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Exit(EXIT.NO_INPUT, `${file} cannot be read: ${reason}`);
  }
}

/** Writes all rows as JSON lines to a file, or to the standard output. */
export function databaseExport(options: ConfigurationOptions, file?: string): Promise<number> {
  return withDatabase(options, async (database) => {
    const output = file === undefined ? Deno.stdout : createPrivately(file);
    const writer = output.writable.getWriter();
    const encoder = new TextEncoder();
    for await (const line of database.export()) await writer.write(encoder.encode(`${line}\n`));
    if (file !== undefined) await writer.close();
  });
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/** Reads JSON lines of an export into an empty database. */
export function databaseImport(options: ConfigurationOptions, file?: string): Promise<number> {
  return withDatabase(options, async (database) => {
    const input = file === undefined ? Deno.stdin : openToRead(file);
    const counts = await database.import(linesOf(input.readable));
    for (const [table, count] of Object.entries(counts)) print(`${table}  ${count}`);
  });
}
