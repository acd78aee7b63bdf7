import assert from "node:assert/strict";
import {
  KnownMasters,
  KnownMastersError,
  readKnownMasters,
  writeKnownMasters,
} from "../../clients/mod.ts";
import { encodeKey } from "../../crypto/mod.ts";
import { withTempDir } from "../_helpers.ts";

const keyA = new Uint8Array(32).fill(1);
const keyB = new Uint8Array(32).fill(2);
const [textA, textB] = [encodeKey(keyA), encodeKey(keyB)];

function assertDamaged(text: string, line: number, pattern: RegExp): void {
  assert.throws(() => KnownMasters.parse(text, "/somewhere/known_masters"), (error) => {
    assert.ok(error instanceof KnownMastersError, String(error));
    assert.equal(error.line, line);
    assert.ok(error.message.startsWith(`/somewhere/known_masters line ${line}: `), error.message);
    assert.match(error.message, pattern);
    return true;
  });
}

Deno.test("KnownMasters: finds a master however its host is spelt", () => {
  const known = KnownMasters.parse(
    `Master.Example.ORG:7070 ${textA}\n[2001:DB8:0::1]:7070   ${textB}  # v6\n192.0.2.1:1 ${textA}`,
  );
  assert.deepEqual(known.get("master.example.org", 7070), keyA);
  assert.deepEqual(known.get("MASTER.example.org.", 7070), keyA);
  assert.deepEqual(known.get("2001:db8::1", 7070), keyB);
  assert.deepEqual(known.get("::ffff:192.0.2.1", 1), keyA);
  assert.equal(known.get("master.example.org", 3040), undefined);
  assert.equal(known.get("example.org", 7070), undefined);
  assert.deepEqual(known.entries().map(({ name }) => name), [
    "master.example.org:7070",
    "[2001:db8::1]:7070",
    "192.0.2.1:1",
  ]);
});

Deno.test("KnownMasters: comments and empty lines survive a change, byte for byte", () => {
  const text = `# mine\n\n  # indented\nb.example.org:1 ${textB} # Bob's\r\n#end\n`;
  const known = KnownMasters.parse(text);
  assert.equal(known.format(), text);
  assert.deepEqual(known.pin("a.example.org", 2, keyA), { type: "added" });
  assert.equal(known.format(), `${text}a.example.org:2 ${textA}\n`);
  known.replace("B.example.org", 1, keyA);
  assert.equal(
    known.format(),
    `# mine\n\n  # indented\nb.example.org:1 ${textA}\n#end\na.example.org:2 ${textA}\n`,
  );
  assert.equal(known.remove("a.example.org", 2), true);
  assert.equal(known.remove("a.example.org", 2), false);
  assert.equal(known.get("a.example.org", 2), undefined);
});

Deno.test("KnownMasters: a pinned key is never changed by pin, and the error says what to do", () => {
  const known = KnownMasters.parse("");
  assert.equal(known.pin("Master.example.org", 3040, keyA).type, "added");
  assert.equal(known.pin("master.example.org", 3040, keyA.slice()).type, "same");
  const outcome = known.pin("master.example.org", 3040, keyB);
  assert.ok(outcome.type === "conflict");
  assert.deepEqual(outcome.pinned, keyA);
  assert.equal(outcome.error.failure, "wrong-key");
  assert.match(outcome.error.message, /^master\.example\.org:3040 shows .* ask whoever runs it/);
  assert.ok(outcome.error.message.includes(textB), outcome.error.message);
  assert.deepEqual(known.get("master.example.org", 3040), keyA);
});

Deno.test("KnownMasters: keeps its own copy of a key", () => {
  const known = KnownMasters.parse("");
  const key = keyA.slice();
  known.pin("a", 1, key);
  key.fill(9);
  assert.deepEqual(known.get("a", 1), keyA);
});

Deno.test("KnownMasters.address: its key is at any time the pinned one", () => {
  const known = KnownMasters.parse("");
  const address = known.address("a.example.org", 7070);
  assert.equal(address.key, undefined);
  known.pin("a.example.org", 7070, keyA);
  assert.deepEqual(address.key, keyA);
  assert.deepEqual([address.host, address.port], ["a.example.org", 7070]);
});

Deno.test("KnownMasters: a damaged line is told by number, with what to do", () => {
  const good = `# x\na.example.org:1 ${textA}\n`;
  assertDamaged(`${good}b.example.org ${textA}\n`, 3, /HOST:PORT.*"b\.example\.org"/);
  assertDamaged(`${good}b.example.org:0 ${textA}\n`, 3, /HOST:PORT/);
  assertDamaged(`${good}b.example.org:65536 ${textA}\n`, 3, /HOST:PORT/);
  assertDamaged(`2001:db8::1:7070 ${textA}`, 1, /HOST:PORT/);
  assertDamaged(`[b.example.org]:7070 ${textA}`, 1, /HOST:PORT/);
  assertDamaged(`${good}b.example.org:1\n`, 3, /HOST:PORT KEY/);
  assertDamaged(`${good}b.example.org:1 ${textA} ${textB}\n`, 3, /HOST:PORT KEY/);
  assertDamaged(`${good}b.example.org:1 ${textA.slice(0, -1)}\n`, 3, /no key.*44/);
  assertDamaged(`${good}\u001b[2J ${textA}\n`, 3, /^[\P{C}]+correct or remove/u);
  assertDamaged(`${good}A.example.org:1 ${textB}\n`, 3, /another key/);
});

Deno.test("KnownMasters: the same pin twice is no damage, and one change replaces both", () => {
  const known = KnownMasters.parse(`a:1 ${textA}\nA:1 ${textA}\n`);
  known.replace("a", 1, keyB);
  assert.equal(known.format(), `a:1 ${textB}\n`);
});

Deno.test("writeKnownMasters: makes directories and file for the owner only", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/.netpanzer/known_masters`;
    const known = readKnownMasters(path);
    known.pin("a.example.org", 7070, keyA);
    writeKnownMasters(path, known);
    assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
    assert.equal((Deno.statSync(`${directory}/.netpanzer`).mode ?? 0) & 0o777, 0o700);
    assert.deepEqual(readKnownMasters(path).get("a.example.org", 7070), keyA);
    assert.match(Deno.readTextFileSync(path), /^#.*\na\.example\.org:7070 [\w+/]{43}=\n$/);
    assert.deepEqual([...Deno.readDirSync(`${directory}/.netpanzer`)].length, 1);
  });
});

Deno.test("writeKnownMasters: replaces the file as a whole, through links", async () => {
  await withTempDir((directory) => {
    const [path, link] = [`${directory}/file`, `${directory}/link`];
    Deno.writeTextFileSync(path, `# mine\na:1 ${textA}\n`, { mode: 0o644 });
    Deno.symlinkSync(path, link);
    const before = Deno.openSync(path);
    const known = readKnownMasters(link);
    known.replace("a", 1, keyB);
    writeKnownMasters(link, known);
    assert.equal(Deno.readTextFileSync(path), `# mine\na:1 ${textB}\n`);
    assert.ok(Deno.lstatSync(link).isSymlink);
    assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
    const buffer = new Uint8Array(8);
    before.readSync(buffer);
    before.close();
    assert.equal(new TextDecoder().decode(buffer), "# mine\na", "the old one was not touched");
  });
});

Deno.test("KnownMasters: a file that cannot be read or written is told by name", async () => {
  await withTempDir((directory) => {
    assert.throws(() => readKnownMasters(directory), (error) => {
      assert.ok(error instanceof KnownMastersError);
      assert.equal(error.path, directory);
      assert.match(error.message, /cannot be read/);
      return true;
    });
    const path = `${directory}/file/known_masters`;
    Deno.writeTextFileSync(`${directory}/file`, "");
    assert.throws(() => writeKnownMasters(path, KnownMasters.parse("")), /cannot be written/);
    Deno.mkdirSync(`${directory}/a/directory`, { recursive: true });
    const known = KnownMasters.parse("");
    assert.throws(() => writeKnownMasters(`${directory}/a/directory`, known), KnownMastersError);
    assert.equal([...Deno.readDirSync(`${directory}/a`)].length, 1, "nothing is left behind");
  });
});
