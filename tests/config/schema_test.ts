import assert from "node:assert/strict";
import {
  CONFIG_KEYS,
  configValues,
  findConfigKey,
  formatProblem,
  loadConfig,
  parseIni,
  printIni,
  SECTION_NAMES,
  setConfigValue,
} from "../../config/mod.ts";
import { config, ENVIRONMENT, fixture, load } from "./_support.ts";

const SAMPLE = fixture("../../master.ini");

/** Every key that stands in a text, switched on or as a commented example, as section.key. */
function keysIn(text: string): readonly string[] {
  const found: string[] = [];
  let section = "";
  for (const line of text.split("\n")) {
    section = /^\[(\w+)\]/.exec(line)?.[1] ?? section;
    const key = /^\s*(?:# )?([\w-]+) = .*;/.exec(line)?.[1];
    if (key !== undefined) found.push(`${section}.${key}`);
  }
  return found;
}

Deno.test("CONFIG_KEYS: exactly what the sample file explains, each once", () => {
  assert.deepEqual(
    keysIn(SAMPLE).toSorted(),
    CONFIG_KEYS.map((key) => `${key.section}.${key.key}`).toSorted(),
  );
});

Deno.test("CONFIG_KEYS: every commented example works once it is switched on", () => {
  const on = SAMPLE.replace("type = sqlite;", "type = mysql;")
    .replace(/^(\s*)# ([\w-]+ = .*;)/gm, "$1$2");
  const loaded = load(on);
  assert.deepEqual(loaded.ok ? [] : loaded.problems.map(formatProblem), []);
  assert.deepEqual(loaded.warnings, []);
  assert.ok(loaded.ok);
  const empty = CONFIG_KEYS.filter((key) => configValues(loaded.config, key).length === 0);
  assert.deepEqual(empty, []);
});

Deno.test("master.ini: loads without a warning and says what holds without it", () => {
  const loaded = load(SAMPLE);
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.warnings, []);
  const defaults = loadConfig({ fileName: "none", overrides: [], environment: ENVIRONMENT });
  assert.ok(defaults.ok);
  assert.deepEqual(loaded.config, defaults.config);
});

Deno.test("master.ini: says (restart) of just the keys that need one", () => {
  for (const key of CONFIG_KEYS.filter((key) => !key.needsRestart)) {
    const line = SAMPLE.split("\n").find((line) => line.match(`^\\s*(# )?${key.key} = `));
    assert.ok(line !== undefined && !line.includes("(restart)"), key.key);
  }
});

Deno.test("CONFIG_KEYS: names, meanings and secrets", () => {
  assert.deepEqual(SECTION_NAMES, ["network", "console", "database", "game", "masters", "system"]);
  assert.deepEqual(CONFIG_KEYS.filter((key) => key.secret).map((key) => key.key), [
    "pass",
    "masterserver-password",
  ]);
  assert.deepEqual(CONFIG_KEYS.filter((key) => key.repeats).map((key) => key.key), [
    "peer",
    "oldpeer",
  ]);
  for (const key of CONFIG_KEYS) {
    assert.ok(Object.isFrozen(key));
    assert.match(key.meaning, /^\S.{10,}\.$/);
    assert.notEqual(key.allowed, "");
  }
});

Deno.test("CONFIG_KEYS: reload is all of game, the masters, loglevel and publicadress", () => {
  const reload = CONFIG_KEYS.filter((key) => !key.needsRestart);
  assert.deepEqual(
    reload.filter((key) => key.section !== "game").map((key) => key.key),
    ["publicadress", "peer", "oldpeer", "loglevel"],
  );
  assert.ok(CONFIG_KEYS.filter((key) => key.section === "game").every((key) => !key.needsRestart));
});

Deno.test("CONFIG_KEYS: defaults are what loadConfig gives", () => {
  const defaults = config("");
  for (const key of CONFIG_KEYS) {
    if (key.default === undefined) {
      assert.deepEqual(configValues(defaults, key), [], key.key);
    } else if (!["netname", "base", "logfile"].includes(key.key)) {
      const expected = key.default.replace("$HOME", ENVIRONMENT.home);
      assert.deepEqual(configValues(defaults, key), [expected], key.key);
    }
  }
});

Deno.test("findConfigKey: finds any spelling", () => {
  assert.equal(findConfigKey("network", "address"), findConfigKey("network", "adress"));
  assert.equal(findConfigKey("network", "publicaddress")?.key, "publicadress");
  assert.equal(findConfigKey("network", "loglevel"), undefined);
});

Deno.test("configValues: writes values as master.ini has them, and no secret", () => {
  const loaded = config(
    "[database]\ntype = mysql; user = u; pass = hunter2; dbip = a, [::1]:3307\n" +
      "[masters]\npeer = a:1; peer = [::1]:2\n[game]\nmasterserver-password = p; verify-servers = 0" +
      "\n[system]\nuser = 5:6",
  );
  const values = (section: string, key: string) => {
    const known = findConfigKey(section, key);
    assert.ok(known !== undefined);
    return configValues(loaded, known);
  };
  assert.deepEqual(values("database", "pass"), ["…"]);
  assert.deepEqual(values("database", "dbip"), ["a, [::1]:3307"]);
  assert.deepEqual(values("masters", "peer"), ["a:1", "[::1]:2"]);
  assert.deepEqual(values("masters", "oldpeer"), []);
  assert.deepEqual(values("game", "verify-servers"), ["no"]);
  assert.deepEqual(values("system", "user"), ["5:6"]);
  assert.deepEqual(values("network", "mmport"), ["6060"]);
});

Deno.test("setConfigValue: what it writes into the sample file loads as that value", () => {
  const wanted = new Map<string, readonly string[]>([
    ["database.type", ["mysql"]],
    ["database.user", ["panzer user"]],
    ["masters.peer", ["a.example:1", "[::1]:2"]],
    ["masters.oldpeer", ["b.example:28900"]],
    ["network.publicadress", ["master.example"]],
    ["network.mmport", ["off"]],
    ["system.pidfile", ["/run/my # pid; file"]],
    ["console.cert", ["/c"]],
    ["console.key", ["/k"]],
  ]);
  let document = parseIni(SAMPLE, "master.ini").document;
  for (const [name, values] of wanted) {
    const [section = "", key = ""] = name.split(".");
    const edit = setConfigValue(document, section, key, values);
    assert.ok(edit.ok);
    document = edit.document;
  }
  const loaded = config(printIni(document));
  for (const key of CONFIG_KEYS) {
    const values = wanted.get(`${key.section}.${key.key}`);
    if (values !== undefined) assert.deepEqual(configValues(loaded, key), values);
  }
  const comments = (text: string) => text.split("\n").filter((line) => /^\s*#/.test(line));
  assert.deepEqual(comments(printIni(document)), comments(SAMPLE));
});
