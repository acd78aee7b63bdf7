import assert from "node:assert/strict";
import fc from "fast-check";
import { readNeighbors, writeNeighbors } from "../../daemon/_neighbors.ts";
import { withTempDir } from "../_helpers.ts";

interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Reads a file that holds this text. */
async function read(text: string | Uint8Array): Promise<ReturnType<typeof readNeighbors>> {
  let read: ReturnType<typeof readNeighbors> | undefined;
  await withTempDir((directory) => {
    const path = `${directory}/neighbors`;
    if (typeof text === "string") Deno.writeTextFileSync(path, text);
    else Deno.writeFileSync(path, text);
    const { neighbors, problems } = readNeighbors(path);
    read = {
      neighbors,
      problems: problems.map((problem) => {
        assert.ok(problem.startsWith(path), problem);
        return problem.slice(path.length);
      }),
    };
  });
  return read as ReturnType<typeof readNeighbors>;
}

function names(neighbors: readonly HostPort[]): string[] {
  return neighbors.map(({ host, port }) => `${host} ${port}`);
}

function pair(number: number | string, host: string, port: number | string = 6060): string {
  return `ip${number}=${host}\nport${number}=${port}\n`;
}

Deno.test("readNeighbors: no file is no problem", async () => {
  await withTempDir((directory) => {
    const nothing = { neighbors: [], problems: [] };
    assert.deepEqual(readNeighbors(`${directory}/neighbors`), nothing);
    assert.deepEqual(readNeighbors(`${directory}/no/such/place`), nothing);
  });
  for (const text of ["", "\n\n", "[neighbors]\n", "# nothing\n"]) {
    assert.deepEqual(await read(text), { neighbors: [], problems: [] });
  }
});

Deno.test("readNeighbors: reads what a program or a person would write", async () => {
  const { neighbors, problems } = await read(
    "\uFEFF# masters\r\n[other]\r\nip0 = 198.51.100.1;\r\nport0 = 1\r\nnonsense\r\n" +
      "  [ Neighbors ]   # here they are\r\n" +
      "ip0=192.0.2.1\r\nport0=6060\r\n" +
      "\tip1 = Master.Example.ORG. ;  # a name\r\n\tport1 = 7000 ;\r\n" +
      "ip7 = 2001:DB8:0::7; port7 = 6060\r\n" +
      'IP8 = "[2001:db8::8]"; Port8 = "6061"\r\n' +
      "port10=6060\r\nip10=::ffff:192.0.2.10\r\n" +
      "ip11=192.0.2.1\r\nport11=6060\r\n" +
      "ip12=my_container\r\nport12=6060\r\n" +
      "[more]\r\nip20=192.0.2.20\r\nport20=0\r\n",
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(names(neighbors), [
    "192.0.2.1 6060",
    "master.example.org 7000",
    "2001:db8::7 6060",
    "2001:db8::8 6061",
    "192.0.2.10 6060",
    "my_container 6060",
  ]);
});

Deno.test("readNeighbors: what makes no sense is left out and told with its line", async () => {
  const cases: [string, RegExp[]][] = [
    [pair(1, "300.1.1.1"), [/^:4: ip1 = "300.1.1.1" is neither .*correct or remove/]],
    [pair(1, "1.2.3"), [/^:4: ip1 = "1.2.3" is neither/]],
    [pair(1, "0x7f"), [/^:4: ip1 = "0x7f" is neither/]],
    [pair(1, "0.0.0.0"), [/^:4: ip1 = "0.0.0.0" is neither/]],
    [pair(1, "::"), [/^:4: ip1 = "::" is neither/]],
    [pair(1, "two words"), [/^:4: ip1 = "two words" is neither/]],
    [pair(1, "a".repeat(64)), [/^:4: ip1 = "a+" is neither/]],
    [pair(1, ""), [/^:4: ip1 = "" is neither/]],
    [pair(1, "x\u001b[31m"), [/^:4: ip1 = "x\?\[31m" is neither/]],
    [pair(1, `${"x".repeat(2000)}!`), [/^:4: ip1 = "x{64}…" is neither/]],
    [pair(1, "192.0.2.9", 0), [/^:5: port1 = "0" is no port; write one from 1 to 65535/]],
    [pair(1, "192.0.2.9", 65536), [/^:5: port1 = "65536" is no port/]],
    [pair(1, "192.0.2.9", "6060x"), [/^:5: port1 = "6060x" is no port/]],
    [pair(1, "!", "!"), [/^:4: ip1/, /^:5: port1/]],
    ["ip1 = 192.0.2.9\n", [/^:4: ip1 has no port1; write port1 = 6060/]],
    ["port1 = 6060\n", [/^:4: port1 has no ip1; write ip1 = HOST/]],
    [pair(0, "192.0.2.9"), [/^:4: "ip0" is in line 2 already/, /^:5: "port0" is in line 3/]],
    ["name = x\n", [/^:4: "name" is no key of this file; write ip0/]],
    ["ip = 192.0.2.9\n", [/^:4: "ip" is no key/]],
    ["192.0.2.9:6060\n", [/^:4: text without "="/]],
  ];
  for (const [text, expected] of cases) {
    const { neighbors, problems } = await read(`[neighbors]\n${pair(0, "192.0.2.1")}${text}`);
    assert.deepEqual(names(neighbors), ["192.0.2.1 6060"], text);
    assert.equal(problems.length, expected.length, `${text}: ${problems}`);
    for (const [i, pattern] of expected.entries()) assert.match(problems[i] as string, pattern);
  }
});

Deno.test("readNeighbors: of a file of something else not every line is told", async () => {
  const { neighbors, problems } = await read(`[neighbors]\n${"what\n".repeat(1000)}`);
  assert.deepEqual(neighbors, []);
  assert.equal(problems.length, 11);
  assert.match(problems[10] as string, /^: 990 more such problems; correct the file or remove it/);
  const binary = await read(Uint8Array.from({ length: 4096 }, (_, i) => (i * 167) & 255));
  assert.deepEqual(binary.neighbors, []);
});

Deno.test("readNeighbors: takes 256 masters and tells of the rest once", async () => {
  const text = Array.from({ length: 300 }, (_, i) => pair(i, `10.0.${i >> 8}.${i & 255}`)).join("");
  const { neighbors, problems } = await read(`[neighbors]\n${text}`);
  assert.equal(neighbors.length, 256);
  assert.equal(problems.length, 1);
  assert.match(problems[0] as string, /^:514: there are more than 256 masters/);
});

Deno.test("readNeighbors: a file that cannot be read is told with what to do", async () => {
  await withTempDir((directory) => {
    const { neighbors, problems } = readNeighbors(directory);
    assert.deepEqual(neighbors, []);
    assert.equal(problems.length, 1);
    assert.ok(problems[0]?.includes(directory));
    assert.match(problems[0] as string, /it is no file.*\[system\] servercachefile/);
    const large = `${directory}/large`;
    Deno.writeTextFileSync(large, "x".repeat(1024 * 1024 + 1));
    assert.match(readNeighbors(large).problems[0] as string, /it has 1048577 bytes/);
  });
});

Deno.test("writeNeighbors: writes the old form, for everyone to read", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/new/place/neighbors`;
    const neighbors = [
      { host: "192.0.2.1", port: 6060 },
      { host: "2001:db8::1", port: 6061 },
      { host: "master.example.org", port: 6062 },
    ];
    assert.equal(writeNeighbors(path, neighbors), undefined);
    assert.equal(
      Deno.readTextFileSync(path),
      "[neighbors]\nip0=192.0.2.1\nport0=6060\nip1=2001:db8::1\nport1=6061\n" +
        "ip2=master.example.org\nport2=6062\n",
    );
    assert.equal((Deno.statSync(path).mode as number) & 0o777, 0o644 & ~Deno.umask());
    assert.deepEqual([...Deno.readDirSync(`${directory}/new/place`)].map(({ name }) => name), [
      "neighbors",
    ]);
    assert.equal(writeNeighbors(path, []), undefined);
    assert.equal(Deno.readTextFileSync(path), "[neighbors]\n");
  });
});

Deno.test("writeNeighbors: leaves a file alone that says the same", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/neighbors`;
    const neighbors = [{ host: "192.0.2.1", port: 6060 }];
    writeNeighbors(path, neighbors);
    const { ino } = Deno.statSync(path);
    assert.equal(writeNeighbors(path, neighbors), undefined);
    assert.equal(Deno.statSync(path).ino, ino);
    assert.equal(writeNeighbors(path, [...neighbors, { host: "b", port: 1 }]), undefined);
    assert.notEqual(Deno.statSync(path).ino, ino, "another file took its place as a whole");
  });
});

Deno.test("writeNeighbors: a link stays one", async () => {
  await withTempDir((directory) => {
    Deno.mkdirSync(`${directory}/elsewhere`);
    Deno.writeTextFileSync(`${directory}/elsewhere/list`, "");
    Deno.symlinkSync(`${directory}/elsewhere/list`, `${directory}/neighbors`);
    writeNeighbors(`${directory}/neighbors`, [{ host: "192.0.2.1", port: 6060 }]);
    assert.ok(Deno.lstatSync(`${directory}/neighbors`).isSymlink);
    assert.match(Deno.readTextFileSync(`${directory}/elsewhere/list`), /ip0=192\.0\.2\.1/);
  });
});

Deno.test("writeNeighbors: where it cannot write it says so, and leaves nothing behind", async () => {
  await withTempDir((directory) => {
    Deno.writeTextFileSync(`${directory}/file`, "");
    Deno.mkdirSync(`${directory}/neighbors`);
    for (const path of [`${directory}/file/neighbors`, `${directory}/neighbors`]) {
      const problem = writeNeighbors(path, [{ host: "192.0.2.1", port: 6060 }]);
      assert.ok(problem?.includes(path));
      assert.match(problem as string, /cannot write .*\[system\] servercachefile/);
    }
    const left = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
    assert.deepEqual(left, ["file", "neighbors"]);
  });
});

Deno.test("writeNeighbors: keeps the first 256, each once, and nothing that is no host", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/neighbors`;
    const bad = ["", "0.0.0.0", "a b", "x\n[other]", "a=b", "a;b", "a#b", "-a", "\u202e", "1.2.3"]
      .map((host) => ({ host, port: 6060 }));
    const wrongPorts = [0, -1, 65536, 1.5, NaN].map((port) => ({ host: "192.0.2.1", port }));
    const good = Array.from(
      { length: 300 },
      (_, i) => ({ host: `m${i}.example.org`, port: 1 + i }),
    );
    writeNeighbors(path, [...bad, ...wrongPorts, ...good.slice(0, 10), ...good]);
    const { neighbors, problems } = readNeighbors(path);
    assert.deepEqual(problems, []);
    assert.deepEqual(neighbors, good.slice(0, 256));
  });
});

const label = fc.stringMatching(/^[a-z][a-z\d-]{0,8}[a-z\d]$/);
const host = fc.oneof(
  fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join(".")),
  fc.ipV4().filter((ip) => ip !== "0.0.0.0"),
  fc.tuple(fc.nat(0xffff), fc.nat(0xffff)).map(([a, b]) =>
    `2001:db8:${(a + 1).toString(16)}:1:1:1:1:${(b + 1).toString(16)}`
  ).filter((ip) => !ip.includes("10000")),
);
const port = fc.integer({ min: 1, max: 65535 });

Deno.test("writeNeighbors: what it writes is read as it was", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/neighbors`;
    const lists = fc.uniqueArray(fc.record({ host, port }, { noNullPrototype: true }), {
      maxLength: 40,
      selector: ({ host, port }) => `${host} ${port}`,
    });
    fc.assert(fc.property(lists, (neighbors) => {
      assert.equal(writeNeighbors(path, neighbors), undefined);
      assert.deepEqual(readNeighbors(path), { neighbors, problems: [] });
    }));
  });
});

Deno.test("writeNeighbors: any text for a host is written as something readable or not at all", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/neighbors`;
    const lists = fc.array(
      fc.record({ host: fc.oneof(fc.string({ unit: "binary" }), host), port }),
    );
    fc.assert(fc.property(lists, (neighbors) => {
      assert.equal(writeNeighbors(path, neighbors), undefined);
      const first = readNeighbors(path);
      assert.deepEqual(first.problems, []);
      const text = Deno.readTextFileSync(path);
      assert.equal(writeNeighbors(path, first.neighbors), undefined);
      assert.equal(Deno.readTextFileSync(path), text);
    }));
  });
});

Deno.test("readNeighbors: any text is read without throwing, and reads the same once written", async () => {
  await withTempDir((directory) => {
    const path = `${directory}/neighbors`;
    const part = fc.constantFrom(
      "ip0",
      "port0",
      "ip1",
      "port1",
      "=",
      " = ",
      "192.0.2.1",
      "::1",
      "6060",
      "0",
      ";",
      "#",
      '"',
      "\n",
      "\r\n",
      "[neighbors]",
      "[",
      "\0",
      "é",
    );
    fc.assert(fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
      Deno.writeTextFileSync(path, `[neighbors]\n${parts.join("")}`);
      const { neighbors } = readNeighbors(path);
      writeNeighbors(path, neighbors);
      assert.deepEqual(readNeighbors(path), { neighbors, problems: [] });
    }));
  });
});
