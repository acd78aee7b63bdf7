/**
 * The command line.
 *
 * @module
 */

import { Command, CommanderError } from "commander";
import metadata from "../deno.json" with { type: "json" };
import { type ConfigurationOptions, problemsOf, readConfiguration } from "./_configuration.ts";
import { EXIT, Exit } from "./_exit.ts";
import { print, tell } from "./_output.ts";
import type { AgentCommandOptions } from "./_agent.ts";
import type { KeyPinOptions, KeyShowOptions } from "./_key.ts";
import type { ListOptions } from "./_list.ts";
import type { PeersOptions } from "./_peers.ts";
import type { RelayCommandOptions } from "./_relay.ts";

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function withConfiguration(command: Command): Command {
  return command
    .option("--config <file>", "read this file instead of $HOME/.netpanzer/config/master.ini")
    .option(
      "--set <section.key=value>",
      "override one setting; may be given several times",
      collect,
      [],
    );
}

function check(options: ConfigurationOptions): number {
  const loaded = readConfiguration(options);
  const problems = problemsOf(loaded);
  if (problems !== "") tell(problems);
  if (!loaded.ok) return EXIT.CONFIG;
  print(loaded.missing ? "no file: built-in defaults are used" : "the configuration is good");
  return EXIT.OK;
}

function program(entry: string, finish: (status: number) => void): Command {
  const masterserver = new Command("masterserver")
    .description("Master server of the netPanzer game: game servers register, players find them.")
    .version(`masterserver ${metadata.version}`, "--version", "print the version")
    .helpOption("--help", "print this help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      // Commander would ask the environment, which it may not.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      writeOut: (text) => print(text.trimEnd()),
      writeErr: (text) => tell(text.trimEnd()),
    });
  withConfiguration(masterserver.command("run", { isDefault: true }))
    .description("run the daemon until SIGTERM or SIGINT; SIGHUP reads the configuration again")
    .action(async (options: ConfigurationOptions) => {
      const { run } = await import("./_run.ts");
      finish(await run(options, entry, metadata.version));
    });
  masterserver.command("init")
    .description("write a commented configuration file, with every key explained")
    .option("--config <file>", "write this file instead of $HOME/.netpanzer/config/master.ini")
    .action(async (options: { config?: string }) => {
      const { init } = await import("./_init.ts");
      finish(init(options));
    });
  withConfiguration(masterserver.command("check"))
    .description("check the configuration and tell everything that is wrong with it")
    .action((options: ConfigurationOptions) => finish(check(options)));
  withConfiguration(masterserver.command("peers"))
    .description("print how a master stands to the others of its network, by ring 0")
    .argument("[host[:port]]", "the master to ask; the one that the configuration is for")
    .option("--json", "print JSON")
    .option("--watch", "go on and show what changes, until Ctrl-C; with --json an object a second")
    .action(async (target: string | undefined, options: PeersOptions) => {
      const { peers } = await import("./_peers.ts");
      finish(await peers(target, options, metadata.version));
    });
  addClientCommands(masterserver, finish);
  addKeyCommands(masterserver.command("key"), finish);
  addDatabaseCommands(masterserver.command("db"), finish);
  return masterserver;
}

function withPins(command: Command): Command {
  return command.option(
    "--pins <file>",
    "file with the keys of known masters instead of $HOME/.netpanzer/known_masters",
  );
}

function addClientCommands(masterserver: Command, finish: (status: number) => void): void {
  withPins(masterserver.command("list"))
    .description("print the servers that a master lists")
    .argument("<host[:port]>", "the master to ask; port 3040 unless given, 28900 with --old")
    .option("--old", "ask in the old style, without encryption, and print no more than ip:port")
    .option("--gamename <name>", "which game's servers; master lists master servers", "netpanzer")
    .option(
      "--filter <key=value>",
      "only servers with this value; may be given several times",
      collect,
      [],
    )
    .option("--not-empty", "only servers with players")
    .option("--not-full", "only servers with room for a player")
    .option("--text <text>", "only servers with this in their name or map")
    .option("--json", "print JSON")
    .option("--watch", "go on and show what changes, until Ctrl-C; with --json an object a change")
    .action(async (target: string, options: ListOptions) => {
      const { list } = await import("./_list.ts");
      finish(await list(target, options));
    });
  withPins(masterserver.command("agent"))
    .description("register a netPanzer server that runs beside this, over an encrypted line")
    .requiredOption("--master <host[:port],...>", "masters in order of preference; port 7070")
    .option("--server <host:port>", "the game server", "127.0.0.1:3030")
    .option("--name <name>", "its name; its own unless given")
    .option("--admin <address>", "how to reach its operator")
    .option("--country <code>", "its country, two letters")
    .option("--netname <name>", "DNS name to be known by")
    .option("--protocol <number>", "version of the game's protocol if it does not tell", "1122")
    .option("--key <file>", "its identity instead of $HOME/.netpanzer/agent.key, made if missing")
    .action(async (options: AgentCommandOptions) => {
      const { agent } = await import("./_agent.ts");
      finish(await agent(options));
    });
  withPins(masterserver.command("relay"))
    .description("serve unmodified clients the list of a master, fetched over an encrypted line")
    .requiredOption("--master <host[:port],...>", "masters in order of preference; port 3040")
    .option("--listen <address:port>", "where clients ask", "127.0.0.1:28900")
    .action(async (options: RelayCommandOptions) => {
      const { relay } = await import("./_relay.ts");
      finish(await relay(options));
    });
}

function addKeyCommands(key: Command, finish: (status: number) => void): void {
  key.description("show keys, make them, and pin those of masters").helpCommand(false);
  withConfiguration(key.command("show"))
    .description("print the public key of this master, for others to pin")
    .option("--agent", "that of the agent instead")
    .option("--file <file>", "that of this key file instead")
    .action(async (options: KeyShowOptions) => {
      const { keyShow } = await import("./_key.ts");
      finish(keyShow(options));
    });
  key.command("new")
    .description("make a key and print its public part")
    .argument("<file>", "a new file")
    .action(async (file: string) => {
      const { keyNew } = await import("./_key.ts");
      finish(keyNew(file));
    });
  withPins(key.command("pin"))
    .description("accept a master with this key only, from now on")
    .argument("<host[:port]>", "the master; ports 7070 and 3040 unless given")
    .argument("[key]", "its key, as key show prints it there; the one it shows unless given")
    .option("--replace", "even if another key is pinned for it")
    .action(async (target: string, given: string | undefined, options: KeyPinOptions) => {
      const { keyPin } = await import("./_key.ts");
      finish(await keyPin(target, given, options));
    });
}

function addDatabaseCommands(database: Command, finish: (status: number) => void): void {
  database.description("look at the database, migrate it, carry it to another one")
    .helpCommand(false);
  withConfiguration(database.command("status"))
    .description("print which database it is, its schema's version and its rows")
    .action(async (options: ConfigurationOptions) => {
      const { databaseStatus } = await import("./_database.ts");
      finish(await databaseStatus(options));
    });
  withConfiguration(database.command("migrate"))
    .description("bring the schema up to date; a start does so too")
    .action(async (options: ConfigurationOptions) => {
      const { databaseMigrate } = await import("./_database.ts");
      finish(await databaseMigrate(options));
    });
  withConfiguration(database.command("export"))
    .description("write all rows as JSON lines; stop the master first")
    .argument("[file]", "a new file; the standard output unless given")
    .action(async (file: string | undefined, options: ConfigurationOptions) => {
      const { databaseExport } = await import("./_database.ts");
      finish(await databaseExport(options, file));
    });
  withConfiguration(database.command("import"))
    .description("read an export into an empty database, all of it or nothing")
    .argument("[file]", "the export; the standard input unless given")
    .action(async (file: string | undefined, options: ConfigurationOptions) => {
      const { databaseImport } = await import("./_database.ts");
      finish(await databaseImport(options, file));
    });
}

/**
 * Runs the command line.
 *
 * @param args Arguments, the program's name left out.
 * @param entry URL of the program's entry module, which every thread's Worker runs.
 * @returns Exit status, as in sysexits.h.
 */
export async function main(args: readonly string[], entry: string): Promise<number> {
  let status: number = EXIT.OK;
  try {
    await program(entry, (finished) => status = finished).parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
    if (!(error instanceof Exit)) throw error;
    tell(`masterserver: ${error.message}`);
    return error.status;
  }
  return status;
}
