/** The whole daemon against a game server and a client in another language, over another Noise. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { PYTHON } from "../crypto/_python.ts";
import { DaemonProcess } from "./_daemon.ts";
import { endToEnd } from "./_needs.ts";

const CLIENT = fileURLToPath(new URL("_independent_client.py", import.meta.url));

/** Any free ports for rings 1 and 2. */
const ENCRYPTED = { "network.smport": 0, "network.cmport": 0 } as const;

/** Plays a scenario of the client's against a daemon; gives what it tells. */
async function play(
  scenario: string,
  daemon: DaemonProcess,
  before?: unknown,
): Promise<unknown> {
  const options = {
    ring1: daemon.port("ring 1"),
    ring1bis: daemon.port("ring 1 bis"),
    ring2: daemon.port("ring 2"),
    home: daemon.home,
    pid: daemon.pid,
    before,
  };
  const { success, stdout, stderr } = await new Deno.Command(PYTHON, {
    args: ["-B", CLIENT, scenario, JSON.stringify(options)],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assert.ok(success, `${scenario}:\n${decoder.decode(stderr)}\n${daemon.rawLog().slice(-4000)}`);
  return JSON.parse(decoder.decode(stdout));
}

/** A test of one scenario against a daemon of its own. */
function independent(
  title: string,
  scenario: string,
  set: Readonly<Record<string, string | number>> = {},
): void {
  endToEnd(`daemon: an independent ${title}`, ["namespace", "dissononce"], async () => {
    await using daemon = await DaemonProcess.start({ set: { ...ENCRYPTED, ...set } });
    await play(scenario, daemon);
    assert.deepEqual(daemon.log().filter(({ level }) => level === "ERROR"), []);
  });
}

independent("client shakes hands, pings, and is told what it did wrong", "channel");
independent("game server registers with all it has, reports, and says goodbye", "registration");
independent("game server is refused what is not its own", "refusals", {
  "game.servers-per-address": 2,
});
independent("client filters the list", "filters");
independent("client gets a long list in several messages", "pages");
independent("client follows changes, by cursor and by subscription", "changes");
independent("client logs in and finds users", "users");
independent("game server is listed once its port answers", "challenges");
independent("game server that goes without a word is kept for a while", "expiry", {
  "game.server-alive-timeout": 4,
});
independent("peer is pinged, and dropped when it stays silent", "silence");

endToEnd("daemon: what an independent peer knows outlives it", [
  "namespace",
  "dissononce",
], async () => {
  await using first = await DaemonProcess.start({ set: ENCRYPTED });
  const before = await play("before_restart", first);
  assert.equal((await first.ended()).code, 0);
  await using second = await DaemonProcess.start({ home: first.home, set: ENCRYPTED });
  await play("after_restart", second, before);
});
