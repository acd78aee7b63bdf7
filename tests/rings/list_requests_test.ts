import assert from "node:assert/strict";
import fc from "fast-check";
import { isIpv6 } from "../../protocol/mod.ts";
import { Replica } from "../../registry/mod.ts";
import type { Connection } from "../../rings/_connections.ts";
import { ListRequests, withoutSecrets } from "../../rings/_list_requests.ts";
import type { Answer, TextSession } from "../../rings/_text_session.ts";
import type { KnownMaster, RingSettings } from "../../threads/mod.ts";
import { text } from "../_helpers.ts";
import { stored, World } from "../registry/_helpers.ts";
import { entries, SETTINGS, THIS_MASTER } from "./_helpers.ts";

const world = new World();

interface Bench {
  readonly replica: Replica;
  ask(pairs: readonly (readonly [string, string])[], more?: Asked): Answer;
}

interface Asked {
  readonly command?: string;
  readonly ip?: string;
  readonly localIp?: string;
  readonly gamespy?: boolean;
}

function bench(settings: Partial<RingSettings> = {}): Bench {
  const replica = new Replica();
  const requests = new ListRequests(replica, () => ({ ...SETTINGS, ...settings }));
  return {
    replica,
    ask(
      pairs,
      { command = "list", ip = "192.0.2.99", localIp = "192.0.2.1", gamespy = false } = {},
    ) {
      // The address is all that is looked at.
      const connection = { ip, localIp, busy: false } as Connection;
      const session: TextSession = { connection, gamespy };
      return requests.answer({ command, values: new Map(pairs) }, session);
    },
  };
}

function shown(answer: Answer): string {
  return answer.bytes ? text(answer.bytes) : "(nothing)";
}

const MASTER = ["gamename", "master"] as const;

Deno.test("ListRequests: a guess at the password makes no difference to the answer", () => {
  const { replica, ask } = bench({ masterPassword: "sesame" });
  // Even if a secret had got into the settings.
  const settings = { gamename: "master", port: "28900", password: "sesame" };
  replica.put(stored(world, "192.0.2.2", { gamename: "master", port: 28900, settings }));
  const none = shown(ask([MASTER]));
  assert.match(none, /192\.0\.2\.2/);
  for (const key of ["password", "Password", "PASSWORD"]) {
    for (const guess of ["sesame", "wrong", "sesam", "sesame2", "x".repeat(256)]) {
      assert.equal(shown(ask([MASTER, [key, guess]])), none, `${key} ${guess}`);
      assert.equal(shown(ask([[key, guess], MASTER])), none);
    }
  }
  fc.assert(fc.property(fc.string(), (guess) => {
    assert.equal(shown(ask([MASTER, ["password", guess]])), none);
  }));
});

Deno.test("ListRequests: a guess makes no difference in GameSpy style either", () => {
  const { ask } = bench();
  const strip = (answer: Answer): string => shown(answer).replace(/secure\\[A-Z]{6}/, "");
  const none = strip(ask([MASTER], { gamespy: true }));
  assert.equal(strip(ask([MASTER, ["password", "sesame"]], { gamespy: true })), none);
  assert.equal(strip(ask([MASTER, ["password", "wrong"]], { gamespy: true })), none);
});

Deno.test("withoutSecrets: leaves out the password however it is spelt, and keeps the order", () => {
  const values = new Map([["a", "1"], ["PassWord", "x"], ["password2", "2"], ["password", "y"]]);
  assert.deepEqual([...withoutSecrets(values)], [["a", "1"], ["password2", "2"]]);
  assert.equal(values.size, 4);
});

Deno.test("ListRequests: every pair filters, gamename included", () => {
  const { replica, ask } = bench();
  const netpanzer = { gamename: "netpanzer", port: "3030", protocol: "1122" };
  replica.put(stored(world, "192.0.2.2", { settings: netpanzer }));
  replica.put(stored(world, "192.0.2.3", { settings: { ...netpanzer, protocol: "1123" } }));
  replica.put(stored(world, "192.0.2.4", { settings: { gamename: "other", port: "3030" } }));
  const ips = (...pairs: [string, string][]): string[] =>
    [...shown(ask(pairs)).matchAll(/ip\\192\.0\.2\.([0-9])/g)].map(([, last]) => last ?? "");
  assert.deepEqual(ips(["gamename", "netpanzer"]), ["2", "3"]);
  assert.deepEqual(ips(["gamename", "netpanzer"], ["protocol", "1123"]), ["3"]);
  assert.deepEqual(ips(["protocol", "1122"], ["gamename", "netpanzer"]), ["2"]);
  assert.deepEqual(ips(["gamename", "netpanzer"], ["protocol", "112"]), []);
  assert.deepEqual(ips(["gamename", "netpanzer"], ["nothing", "of the kind"]), []);
  assert.deepEqual(ips(["gamename", "NetPanzer"]), []);
  assert.deepEqual(ips(["gamename", "netpanzer"], ["port", "3030"]), ["2", "3"]);
});

Deno.test("ListRequests: a list without gamename is told what it needs", () => {
  assert.equal(shown(bench().ask([])), "\\error\\A list request needs gamename\\final\\");
});

Deno.test("ListRequests: a list of masters begins with this one, as it is known or was reached", () => {
  const own = (answer: Answer): string => shown(answer);
  assert.equal(own(bench().ask([MASTER])), "\\ip\\192.0.2.1\\port\\28900\\final\\");
  const known = bench({ publicAddress: "203.0.113.7", oldServerPort: 4000 });
  assert.equal(own(known.ask([MASTER])), "\\ip\\203.0.113.7\\port\\4000\\final\\");
  assert.equal(own(known.ask([["gamename", "netpanzer"]])), "\\final\\");
});

Deno.test("ListRequests: this master is listed once, even when it has registered with itself", () => {
  const { replica, ask } = bench();
  const settings = { gamename: "master", port: "28900" };
  replica.put(stored(world, "192.0.2.2", { gamename: "master", port: 28900, settings }));
  replica.put(stored(world, "192.0.2.1", { gamename: "master", port: 28900, settings }));
  const list = shown(ask([MASTER]));
  assert.equal(list.split("192.0.2.1\\").length, 2, list);
  assert.equal(list.split("192.0.2.2\\").length, 2, list);
});

Deno.test("ListRequests: a list of masters has those of its network, each once", () => {
  const other = (ip: string | undefined, ring1bis: number | undefined): KnownMaster => ({
    ...THIS_MASTER,
    ip,
    ports: ring1bis === undefined ? {} : { ring1bis },
  });
  const { replica, ask } = bench({
    masters: [
      THIS_MASTER,
      other("192.0.2.2", 28900),
      other("192.0.2.3", 4000),
      other("192.0.2.3", 4000),
      other("192.0.2.1", 28900),
      other("192.0.2.4", 28900),
      other("192.0.2.5", undefined),
      other(undefined, 28900),
      other("2001:db8::6", 28900),
    ],
  });
  const settings = { gamename: "master", port: "28900" };
  replica.put(stored(world, "192.0.2.4", { gamename: "master", port: 28900, settings }));
  const all = ["192.0.2.1:28900", "192.0.2.2:28900", "192.0.2.3:4000", "192.0.2.4:28900"];
  assert.deepEqual(entries(shown(ask([MASTER]))), all);
  assert.deepEqual(entries(shown(ask([MASTER, ["port", "4000"]]))), ["192.0.2.3:4000"]);
  assert.deepEqual(entries(shown(ask([["gamename", "netpanzer"]]))), []);
  const overIpv6 = shown(ask([MASTER], { ip: "2001:db8::99" }));
  assert.match(overIpv6, /2001:db8::6/);
});

Deno.test("ListRequests: this master is subject to the filter and to what a client can parse", () => {
  const { ask } = bench();
  assert.equal(shown(ask([MASTER, ["port", "1"]])), "\\final\\");
  assert.match(shown(ask([MASTER, ["port", "28900"]])), /192\.0\.2\.1/);
  const ipv6 = bench({ publicAddress: "2001:db8::7" });
  assert.ok(isIpv6("2001:db8::7"));
  assert.equal(shown(ipv6.ask([MASTER])), "\\final\\");
  assert.match(shown(ipv6.ask([MASTER], { ip: "2001:db8::99" })), /2001:db8::7/);
});

Deno.test("ListRequests: the GameSpy style has its own head and entries, and closes", () => {
  const { replica, ask } = bench();
  replica.put(stored(world, "192.0.2.2"));
  replica.put(stored(world, "192.0.2.3", { port: 4040 }));
  const answer = ask([["gamename", "netpanzer"]], { gamespy: true });
  assert.match(
    shown(answer),
    /^\\basic\\\\secure\\[A-Z]{6}\\ip\\192\.0\.2\.2:3030\\ip\\192\.0\.2\.3:4040\\final\\$/,
  );
  assert.equal(answer.close, true);
  assert.equal(ask([["gamename", "netpanzer"]]).close, false);
});

Deno.test("ListRequests: what is unknown is told so", () => {
  const { ask } = bench();
  for (const command of ["", "status", "echo", "error", "LIST", "lis", "constructor"]) {
    const answer = ask([], { command });
    assert.equal(shown(answer), "\\error\\Unknown request\\final\\", command);
  }
});
