import assert from "node:assert/strict";
import { type Config, loadConfig } from "../../config/mod.ts";
import { isRingOn, neighborsPath, RINGS, ringSettings } from "../../daemon/_settings.ts";
import type { RingName } from "../../threads/mod.ts";

function config(text: string): Config {
  const loaded = loadConfig({
    text,
    fileName: "master.ini",
    overrides: [],
    environment: { home: "/home/np", hostname: "host.example.org" },
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

function served(text: string): RingName[] {
  return RINGS.filter((label) => isRingOn(label, config(text))).map(({ ring }) => ring);
}

Deno.test("isRingOn: ring 0 needs a password, every ring a port", () => {
  assert.deepEqual(served(""), ["ring1", "ring1bis", "ring2", "ring2bis"]);
  const password = "[game]\nmasterserver-password = sesame;\n";
  assert.deepEqual(served(password), ["ring0", "ring1", "ring1bis", "ring2", "ring2bis"]);
  assert.deepEqual(served(`${password}[network]\nmmport = off;\ncmport = off;\n`), [
    "ring1",
    "ring1bis",
    "ring2bis",
  ]);
});

Deno.test("ringSettings: other masters as master.ini names them, times in milliseconds", () => {
  const settings = ringSettings(
    config(
      "[masters]\npeer = a.example.org:6060;\npeer = 192.0.2.1:7;\noldpeer = old.example.org:28900;\n" +
        "[game]\nmasterserver-heartbeat-interval = 60;\nmasterserver-password = sesame;\n",
    ),
    {
      port: 6060,
      oldServerPort: 28900,
      publicAddress: undefined,
      version: "1",
      channel: undefined,
      probes: false,
      masters: [],
      neighbors: [{ host: "n.example.org", port: 6060 }],
    },
  );
  const { peers, oldPeers, neighbors, heartbeatInterval, masterPassword } = settings;
  assert.deepEqual(peers, [{ host: "a.example.org", port: 6060 }, { host: "192.0.2.1", port: 7 }]);
  assert.deepEqual(oldPeers, [{ host: "old.example.org", port: 28900 }]);
  assert.deepEqual(neighbors, [{ host: "n.example.org", port: 6060 }]);
  assert.deepEqual([heartbeatInterval, masterPassword], [60_000, "sesame"]);
});

Deno.test("neighborsPath: a relative path starts from the directory", () => {
  assert.equal(neighborsPath(config(""), "/somewhere"), "/home/np/.netpanzer/neighbors");
  const relative = config("[system]\nservercachefile = cache/neighbors;\n");
  assert.equal(neighborsPath(relative, "/somewhere"), "/somewhere/cache/neighbors");
});
