import assert from "node:assert/strict";
import { masterToAsk } from "../../cli/_peers.ts";
import type { Hello, Peer } from "../../clients/mod.ts";
import { networkKey, PROLOGUES } from "../../crypto/mod.ts";
import { FakeMaster, gcrypt } from "../clients/_fake_master.ts";
import {
  FakeNetworkMaster,
  idOf,
  type NetworkScript,
  otherMaster,
  PASSWORD,
  tells,
} from "../clients/_fake_network.ts";
import { type Finished, type Place, withPlace } from "./_helpers.ts";

const WAITING = otherMaster(2, { state: "waiting", next: 7, reason: "refused \x1b[31m\u202e" });
const OTHERS: readonly Peer[] = [otherMaster(1), WAITING];

/** Writes a configuration with the network's password; its path. */
function configure(place: Place, port: number, more = ""): string {
  return place.write(
    "master.ini",
    `[network]\nmmport = ${port};\n${more}\n[game]\nmasterserver-password = ${PASSWORD};\n`,
  );
}

/** Runs `peers` against a master of the network, which the configuration is for. */
async function peersOf(
  script: NetworkScript,
  args: readonly string[] = [],
  hello: Partial<Hello> = {},
): Promise<Finished & { master: FakeNetworkMaster }> {
  await using master = new FakeNetworkMaster(script, hello);
  let finished: Finished | undefined;
  await withPlace(async (place) => {
    finished = await place.run("peers", "--config", configure(place, master.port), ...args);
  });
  return { ...finished as Finished, master };
}

Deno.test("masterserver peers: prints who the master is and a table of the others", async () => {
  const { code, out, err, master } = await peersOf(tells(OTHERS));
  assert.deepEqual([code, err], [0, ""]);
  const [head, titles, waiting, connected, ...rest] = out.split("\n");
  assert.equal(head, `alpha.example.org, id ${idOf(master.keyPair.publicKey)}, version 0.1.0`);
  assert.match(titles ?? "", /^NAME +ADDRESS +STATE +SINCE +NEXT +LAG .*REASON$/);
  assert.match(waiting ?? "", /^master 2 .* waiting .* 7s .* refused \\u001b\[31m\\u202e$/);
  assert.match(connected ?? "", /^master 1 .* connected .* 1 ms /);
  assert.deepEqual(rest, [""]);
  assert.equal(master.hellos[0]?.observer, true);
});

Deno.test("masterserver peers: a master without others is told, with what to do", async () => {
  const { code, out } = await peersOf(tells([]));
  assert.equal(code, 0);
  assert.match(out, /\nno other master is known: name one with \[masters\] peer\n$/);
});

Deno.test("masterserver peers: prints all parts of a long answer", async () => {
  const { code, out } = await peersOf(tells(Array.from({ length: 300 }, (_, i) => otherMaster(i))));
  assert.equal(code, 0);
  assert.equal(out.split("\n").length, 303);
});

Deno.test("masterserver peers --json: prints what the master sent, harmless to a terminal", async () => {
  const { code, out, master } = await peersOf(tells(OTHERS), ["--json"], { instance: 5 });
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out), {
    master: {
      version: 1,
      id: idOf(master.keyPair.publicKey),
      name: "alpha.example.org",
      ports: { ring0: 6060 },
      time: 1_600_000,
      program: "0.1.0",
      instance: 5,
    },
    peers: OTHERS,
  });
  for (const harm of ["\x1b", "\u202e"]) assert.ok(!out.includes(harm));
});

Deno.test("masterserver peers HOST:PORT: asks the master that is named", async () => {
  await using master = new FakeNetworkMaster(tells(OTHERS));
  await withPlace(async (place) => {
    const config = configure(place, 1);
    const { code, out } = await place.run("peers", `127.0.0.1:${master.port}`, "--config", config);
    assert.equal(code, 0);
    assert.match(out, /^alpha\.example\.org, /);
  });
});

Deno.test("masterserver peers: another password is status 76 and told as such", async () => {
  await using master = new FakeNetworkMaster(tells(OTHERS), {}, {
    psk: networkKey(gcrypt, "close sesame"),
  });
  await withPlace(async (place) => {
    const { code, out, err } = await place.run("peers", "--config", configure(place, master.port));
    assert.deepEqual([code, out], [76, ""]);
    assert.match(err, /its \[game\] masterserver-password differs from the one used here/);
    assert.ok(!err.includes(PASSWORD));
  });
  master.failures.length = 0;
});

Deno.test("masterserver peers: without a password it says what to set, status 78", async () => {
  await withPlace(async ({ run, write, home }) => {
    const named = await run("peers", "--config", write("master.ini", "[game]\n"));
    assert.deepEqual([named.code, named.out], [78, ""]);
    assert.match(
      named.err,
      /master\.ini has no masterserver-password in \[game\].*: set the secret/,
    );
    const usual = await run("peers");
    assert.equal(usual.code, 78);
    assert.ok(usual.err.includes(`${home}/.netpanzer/config/master.ini has no`), usual.err);
    const wrong = await run("peers", "--config", write("wrong.ini", "[network]\nmmport = x;\n"));
    assert.equal(wrong.code, 78);
    assert.match(wrong.err, /wrong\.ini:2:/);
  });
});

Deno.test("masterserver peers: no master there is status 69, with advice", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  await withPlace(async (place) => {
    const config = configure(place, listener.addr.port);
    for (const more of [[], ["--watch"]]) {
      const { code, out, err } = await place.run("peers", "--config", config, ...more);
      assert.deepEqual([code, out], [69, ""]);
      assert.match(
        err,
        /is a master running there, with \[game\] masterserver-password and \[netw/,
      );
    }
  });
});

Deno.test("masterserver peers: another ring, or another version of this one, is no ring 0", async () => {
  await using ring1 = new FakeMaster(() => {}, { prologue: PROLOGUES.ring1 });
  await withPlace(async (place) => {
    const { code, err } = await place.run("peers", "--config", configure(place, ring1.port));
    assert.equal(code, 69);
    assert.match(err, /closed the connection at once: is a master running there/);
  });
  ring1.failures.length = 0;
  const { code, out, err } = await peersOf((peer) => peer.waitForClose(), [], { version: 2 });
  assert.deepEqual([code, out], [76, ""]);
  assert.match(err, /version 2 of the protocol between masters and this program version 1/);
});

Deno.test("masterserver peers: a master that stops in the middle of its answer is status 69", async () => {
  const { code, out } = await peersOf(async (peer) => {
    await peer.expect("peers");
    await peer.send({ type: "peers", peers: OTHERS, more: true });
  });
  assert.deepEqual([code, out], [69, ""]);
});

Deno.test("masterserver peers --watch: shows it each second, over a master that goes and comes", async () => {
  const first = new FakeNetworkMaster(tells([]));
  await withPlace(async (place) => {
    const config = configure(place, first.port);
    await using watch = place.start("peers", "--config", config, "--watch");
    await watch.shows(/(^|\n)alpha.*\nno other.*\n\nalpha.*\nno other.*\n\n/, "out");
    await first[Symbol.asyncDispose]();
    await watch.shows(/^127\.0\.0\.1:\d+ .*: next try in 2 s\n/);
    await using _second = new FakeNetworkMaster(tells(OTHERS), { name: "beta" }, {
      port: first.port,
    });
    await watch.shows(/\n\nbeta, .*\nNAME .*\nmaster 2 .*\nmaster 1 .*\n\n/, "out");
    const { code, out } = await watch.stop("SIGINT");
    assert.equal(code, 0);
    assert.ok(!out.includes("\x1b"));
  });
});

Deno.test("masterserver peers --watch --json: prints an object each second", async () => {
  await using master = new FakeNetworkMaster(tells(OTHERS));
  await withPlace(async (place) => {
    const config = configure(place, master.port);
    await using watch = place.start("peers", "--config", config, "--watch", "--json");
    await watch.shows(/(.+\n){2}/, "out");
    const { code, out, err } = await watch.stop();
    assert.deepEqual([code, err], [0, ""]);
    for (const line of out.trimEnd().split("\n")) {
      const { master: { name }, peers } = JSON.parse(line);
      assert.deepEqual([name, peers], ["alpha.example.org", OTHERS]);
    }
    assert.equal(master.accepted, 1);
  });
});

Deno.test("masterToAsk: the configuration's own master unless another one is named", () => {
  const at = (target: string | undefined, address: string, mmport: number | "off") => {
    const { host, port } = masterToAsk(target, { address, mmport });
    return [host, port];
  };
  for (const address of ["*", "0.0.0.0", "::"]) {
    assert.deepEqual(at(undefined, address, 6061), ["127.0.0.1", 6061]);
  }
  assert.deepEqual(at(undefined, "192.0.2.1", 6060), ["192.0.2.1", 6060]);
  assert.deepEqual(at("m.example.org", "192.0.2.1", 6061), ["m.example.org", 6061]);
  assert.deepEqual(at("m.example.org", "*", "off"), ["m.example.org", 6060]);
  assert.deepEqual(at("[2001:db8::1]:7", "*", 0), ["2001:db8::1", 7]);
  for (const mmport of ["off", 0] as const) {
    assert.throws(
      () => at(undefined, "*", mmport),
      /mmport is (off|0).*name the master as HOST:PORT/,
    );
  }
});
