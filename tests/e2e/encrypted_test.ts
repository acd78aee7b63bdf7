/** The way of a real game server's name to a real client's list, encrypted all along. */

import assert from "node:assert/strict";
import { CommandProcess, runCommand } from "./_command.ts";
import { DaemonProcess } from "./_daemon.ts";
import { Game } from "./_game.ts";
import { endToEnd, TCPDUMP } from "./_needs.ts";
import { ask, entries, untilListed } from "./_peers.ts";
import { ENCRYPTED } from "./_secure_peers.ts";
import { soon, until } from "./_until.ts";

/** The port that is built into the game: there the relay listens. */
const GAME_MASTER_PORT = 28900;
const GAME_PORT = 3031;
const ID = `127.0.0.1:${GAME_PORT}`;

/** What the game itself asks a master, byte for byte. */
const GAME_QUERY = "\\list\\gamename\\netpanzer\\final\\";

/** Milliseconds for a command of the program to start and do its first work. */
const COMMAND_MS = 15_000;

const NAME = "Readable nowhere";

/** All that goes over two TCP ports of loopback, until it is disposed of. */
class Capture {
  readonly #process: Deno.ChildProcess;
  readonly #file: string;

  private constructor(process: Deno.ChildProcess, file: string) {
    this.#process = process;
    this.#file = file;
  }

  static async start(home: string, ports: readonly number[]): Promise<Capture> {
    const file = `${home}/capture.pcap`;
    const filter = ports.map((port) => `tcp port ${port}`).join(" or ");
    const process = new Deno.Command(TCPDUMP, {
      args: ["-i", "lo", "-U", "-s", "0", "-Z", "root", "-w", file, filter],
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until("the capture's file", () => sizeOf(file) > 0);
    return new Capture(process, file);
  }

  /** Ends it; what went over the line, headers and all. */
  async stop(): Promise<string> {
    this.#process.kill("SIGTERM");
    await soon("the capture's end", this.#process.status);
    return new TextDecoder("latin1").decode(Deno.readFileSync(this.#file));
  }
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

endToEnd(
  "encrypted: a real game server reaches an unmodified client, and nobody between can read it",
  ["namespace", "netpanzer", "tcpdump"],
  async () => {
    await using daemon = await DaemonProcess.start({ set: ENCRYPTED });
    const [ring1, ring2] = [daemon.port("ring 1"), daemon.port("ring 2")];
    const capture = await Capture.start(daemon.home, [ring1, ring2]);
    await using game = new Game(daemon.home, GAME_PORT);
    await using agent = new CommandProcess(daemon.home, [
      "agent",
      ...["--master", `127.0.0.1:${ring1}`, "--server", ID],
      ...["--name", NAME, "--admin", "root@readable.example"],
    ]);
    await agent.said(/registered with .* as number [1-9]/, COMMAND_MS);
    await daemon.logged("server listed", { fields: { server: ID } });
    await using relay = new CommandProcess(daemon.home, [
      "relay",
      ...["--master", `127.0.0.1:${ring2}`, "--listen", `127.0.0.1:${GAME_MASTER_PORT}`],
    ]);
    await relay.said(/28900/, COMMAND_MS);
    await untilListed(GAME_MASTER_PORT, [ID]);
    assert.deepEqual(entries(await ask(GAME_MASTER_PORT, GAME_QUERY)), [ID]);

    const listed = await runCommand(daemon.home, ["list", `127.0.0.1:${ring2}`, "--json"]);
    assert.equal(listed.code, 0, listed.stderr);
    const [server] = JSON.parse(listed.stdout);
    assert.equal(server.name, NAME);
    assert.equal(`${server.ip}:${server.port}`, ID);
    assert.equal(server.protocol, 1122);
    assert.match(server.map, /^[A-Z]/, "the agent tells what the game says of itself");

    await game.kill();
    await daemon.logged("server quit", { fields: { server: ID }, within: 60_000 });
    await untilListed(GAME_MASTER_PORT, []);
    const wire = await capture.stop();
    assert.ok(wire.length > 2000, "something was captured");
    const log = daemon.rawLog();
    for (const readable of [NAME, "netpanzer", "register", "Readable", "servers", "gamename"]) {
      assert.ok(!wire.includes(readable), `"${readable}" can be read off the wire`);
    }
    assert.ok(!wire.includes(String(server.key)), "keys are encrypted, too");
    const secret = Deno.readTextFileSync(`${daemon.home}/.netpanzer/master.key`)
      .split("\n").find((line) => line !== "" && !line.startsWith("#"));
    assert.ok(secret !== undefined && secret.trim().length === 44);
    assert.ok(!log.includes(secret.trim()), "the master's key is in no log");
    assert.equal(await relay.stop(), 0);
    assert.equal(await agent.stop(), 0);
  },
);

endToEnd(
  "relay: goes on with the last list while all masters are away, says so, and comes back",
  ["namespace"],
  async () => {
    const ports = { "network.smport": "off", "network.cmport": 13040 } as const;
    const set = { ...ports, "game.verify-servers": "no", "network.osport": 12890 };
    await using daemon = await DaemonProcess.start({ set });
    await ask(12890, "\\heartbeat\\gamename\\netpanzer\\port\\3030\\final\\");
    await using relay = new CommandProcess(daemon.home, [
      "relay",
      ...["--master", "127.0.0.1:13040", "--listen", "127.0.0.1:12899"],
    ]);
    await relay.said(/12899/, COMMAND_MS);
    await untilListed(12899, ["127.0.0.1:3030"]);
    await daemon.stop();
    await relay.said(
      /no master has answered since .*the list of that time, 1 server, is served on/,
      COMMAND_MS,
    );
    await untilListed(12899, ["127.0.0.1:3030"]);
    await using again = await DaemonProcess.start({ set, home: daemon.home });
    await ask(12890, "\\heartbeat\\gamename\\netpanzer\\port\\3031\\final\\");
    await until("the new server at the relay", async () => {
      return entries(await ask(12899, GAME_QUERY)).includes("127.0.0.1:3031");
    }, { within: 30_000, explain: () => relay.stderr });
    await again.stop();
  },
);
