import assert from "node:assert/strict";
import { Journal, JournalError } from "../../db/_journal.ts";
import type { StoreChange } from "../../registry/mod.ts";
import { gone as goneAt, server, version } from "./_records.ts";

function gone(n: number): StoreChange {
  return goneAt(`10.0.0.${n}:3030`, n);
}

async function withPath(run: (path: string) => void | Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await run(`${directory}/journal`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("Journal: gives batches back in order and is empty after the last", () =>
  withPath((path) => {
    const journal = new Journal(path);
    assert.ok(journal.isEmpty);
    assert.equal(journal.peek(), undefined);
    journal.append([gone(1), gone(2)]);
    journal.append([gone(3)]);
    assert.ok(!journal.isEmpty);
    assert.deepEqual(journal.peek(), [gone(1), gone(2)]);
    assert.deepEqual(journal.peek(), [gone(1), gone(2)], "peek takes nothing");
    journal.take();
    journal.append([gone(4)]);
    assert.deepEqual(journal.peek(), [gone(3)]);
    journal.take();
    assert.deepEqual(journal.peek(), [gone(4)]);
    journal.take();
    assert.ok(journal.isEmpty);
    assert.equal(Deno.statSync(path).size, 0);
    journal.close();
  }));

Deno.test("Journal: what was not taken is there after an end of the process", () =>
  withPath((path) => {
    const before = new Journal(path);
    for (let n = 1; n <= 5; n++) before.append([gone(n)]);
    before.take();
    // The process is killed here. What it had taken comes again: writing it twice does no harm.
    const after = new Journal(path);
    assert.deepEqual([...after.waiting()], [1, 2, 3, 4, 5].map((n) => [gone(n)]));
    after.close();
    before.close();
  }));

Deno.test("Journal: a torn last line is cut off, and what follows is whole", () =>
  withPath((path) => {
    const before = new Journal(path);
    before.append([gone(1)]);
    before.close();
    Deno.writeTextFileSync(path, '[{"type":"gone","i', { append: true });
    const after = new Journal(path);
    after.append([gone(2)]);
    assert.deepEqual([...after.waiting()], [[gone(1)], [gone(2)]]);
    after.close();
  }));

Deno.test("Journal: a line that is none is skipped", () =>
  withPath((path) => {
    Deno.writeTextFileSync(path, `garbage\n{}\n${JSON.stringify([gone(1)])}\n{{{\n`);
    const journal = new Journal(path);
    assert.deepEqual([...journal.waiting()], [[gone(1)]]);
    assert.deepEqual(journal.peek(), [gone(1)]);
    journal.take();
    assert.equal(journal.peek(), undefined);
    assert.ok(journal.isEmpty);
    journal.close();
  }));

Deno.test("Journal: users and masters of the network come back as they went", () =>
  withPath((path) => {
    const batch: StoreChange[] = [
      { type: "user", user: "Zoë 🛡", key: "key of Zoë", country: "", ...version(1) },
      {
        type: "master",
        master: {
          id: "fedcba9876543210",
          name: "Bob's master",
          ip: "2001:db8::1",
          port: 6060,
          netName: "master.example.org",
          key: "key",
          ports: { ring0: 6060 },
          lastSeen: 5,
        },
      },
    ];
    const before = new Journal(path);
    before.append(batch);
    before.close();
    const after = new Journal(path);
    assert.deepEqual(after.peek(), batch);
    after.close();
  }));

Deno.test("Journal: changes of releases before versions and causes get what they meant", () =>
  withPath((path) => {
    const { hlc: _hlc, origin: _origin, ...unversioned } = server(1);
    const lines = [
      [{ type: "put", record: unversioned }, { type: "seen", ids: [unversioned.id], at: 5 }],
      [{ type: "gone", id: unversioned.id, silentSince: 7 }],
      [{ type: "put", record: server(2) }, { type: "gone", id: "10.0.0.3:3030", ...version(3) }],
      [gone(4), goneAt("10.0.0.5:3030", 5, 7)],
    ];
    Deno.writeTextFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const journal = new Journal(path);
    const expected = [
      [{ type: "put", record: server(1, { hlc: 0, origin: "" }) }, lines[0]?.[1]],
      [
        {
          type: "gone",
          id: unversioned.id,
          silentSince: 7,
          hlc: 0,
          origin: "",
          cause: "expired",
        },
      ],
      [lines[2]?.[0], { type: "gone", id: "10.0.0.3:3030", ...version(3), cause: "quit" }],
      lines[3],
    ];
    assert.deepEqual([...journal.waiting()], expected);
    assert.deepEqual(journal.peek(), expected[0]);
    journal.close();
  }));

Deno.test("Journal: batches larger than what is read at a time", () =>
  withPath((path) => {
    const journal = new Journal(path);
    const large = [...Array(40_000).keys()].map(gone);
    journal.append(large);
    journal.append([gone(1)]);
    assert.deepEqual(journal.peek(), large);
    journal.take();
    assert.deepEqual(journal.peek(), [gone(1)]);
    journal.close();
  }));

Deno.test("Journal: is the user's own", () =>
  withPath((path) => {
    new Journal(path).close();
    assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  }));

Deno.test({
  name: "Journal: a full disk is told and costs nothing that was taken before (needs root)",
  ignore: Deno.uid() !== 0,
  fn: () =>
    withPath(async (path) => {
      const disk = `${path}.disk`;
      await Deno.mkdir(disk);
      await command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk);
      try {
        const journal = new Journal(`${disk}/journal`);
        journal.append([gone(1)]);
        const large = [...Array(10_000).keys()].map(gone);
        assert.throws(() => journal.append(large), JournalError);
        journal.append([gone(2)]);
        assert.deepEqual([...journal.waiting()], [[gone(1)], [gone(2)]]);
        journal.close();
      } finally {
        await command("umount", disk);
      }
    }),
});

async function command(name: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(name, { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}
