import assert from "node:assert/strict";
import { DaemonProcess } from "./_daemon.ts";
import { Game } from "./_game.ts";
import { endToEnd, QUAKESTAT } from "./_needs.ts";
import { ask, entries, listed, untilListed } from "./_peers.ts";

/** What the game itself asks a master, byte for byte. */
const GAME_QUERY = "\\list\\gamename\\netpanzer\\final\\";

/** The port that is built into the game. */
const MASTER_PORT = 28900;

/** Seconds; enough for all that happens before the servers may expire. */
const ALIVE_TIMEOUT = 10;

const GAME_PORTS = [3031, 3032] as const;
const IDS = GAME_PORTS.map((port) => `127.0.0.1:${port}`);

async function quakestat(): Promise<string> {
  const { code, stdout } = await new Deno.Command(QUAKESTAT, {
    args: ["-netpm,netpanzer", `127.0.0.1:${MASTER_PORT}`],
    stderr: "null",
  }).output();
  assert.equal(code, 0);
  return new TextDecoder().decode(stdout);
}

endToEnd(
  "daemon: real game servers register, are challenged, listed and polled, and expire when killed",
  ["namespace", "netpanzer"],
  async () => {
    await using daemon = await DaemonProcess.start({
      set: { "network.osport": MASTER_PORT, "game.server-alive-timeout": ALIVE_TIMEOUT },
    });
    const started = performance.now();
    await using first = new Game(daemon.home, GAME_PORTS[0]);
    await using second = new Game(daemon.home, GAME_PORTS[1]);
    for (const server of IDS) {
      const fields = { server };
      await daemon.logged("server status", { fields });
      const steps = daemon.log().filter((line) => line["server"] === server);
      assert.deepEqual(steps.map(({ message }) => message), [
        "server registered",
        "server challenged",
        "server answered",
        "server listed",
        "server status",
      ]);
      assert.match(String(steps.at(-1)?.["detail"]), /^map [A-Z][\w ]+, 0 of [1-9][0-9]* players$/);
    }
    for (const port of [MASTER_PORT, daemon.port("ring 2 bis")]) {
      assert.deepEqual(entries(await ask(port, GAME_QUERY)).sort(), IDS);
    }

    await Promise.all([first.kill(), second.kill()]);
    assert.deepEqual((await listed(MASTER_PORT)).sort(), IDS, "silence alone ends nobody");
    for (const server of IDS) {
      await daemon.logged("server expired", {
        within: (ALIVE_TIMEOUT + 3) * 1000,
        fields: { server },
      });
    }
    assert.ok(performance.now() - started >= ALIVE_TIMEOUT * 1000, "nobody expired early");
    for (const port of [MASTER_PORT, daemon.port("ring 2 bis")]) await untilListed(port, []);
    assert.equal(daemon.lines("server expired").length, IDS.length);
  },
);

endToEnd(
  "daemon: quakestat prints a real game server with its map",
  ["namespace", "netpanzer", "quakestat"],
  async () => {
    await using daemon = await DaemonProcess.start({ set: { "network.osport": MASTER_PORT } });
    await using _game = new Game(daemon.home, GAME_PORTS[0]);
    const { detail } = await daemon.logged("server status");
    const map = /^map (.+), 0 of ([0-9]+) players$/.exec(String(detail));
    const printed = await quakestat();
    assert.match(printed, /^NETPM +127\.0\.0\.1:28900 +1 servers /m);
    const server = /^NETP +127\.0\.0\.1:3031 +([0-9]+)\/([0-9]+) .*$/m.exec(printed);
    assert.deepEqual(server?.slice(1), ["0", map?.[2]], printed);
    assert.ok(map?.[1] !== undefined && server?.[0].includes(` ${map[1]} `), printed);
  },
);
