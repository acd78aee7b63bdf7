import assert from "node:assert/strict";
import { bytes, text } from "../_helpers.ts";
import { type Finished, withPlace } from "./_helpers.ts";

/** Runs `list` against a master that answers as told; what it was asked and what came of it. */
async function listFrom(answer: string, ...args: string[]): Promise<Finished & { asked: string }> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let asked = "";
  const serving = (async () => {
    const connection = await listener.accept();
    const buffer = new Uint8Array(4096);
    asked = text(buffer.subarray(0, await connection.read(buffer) ?? 0));
    await connection.write(bytes(answer));
    connection.close();
  })();
  let finished: Finished | undefined;
  await withPlace(async ({ run }) => {
    finished = await run("list", `127.0.0.1:${listener.addr.port}`, ...args);
  });
  await serving;
  listener.close();
  assert.ok(finished);
  return { ...finished, asked };
}

const SERVERS = "\\ip\\192.0.2.2\\port\\3030\\ip\\2001:db8::1\\port\\3031\\final\\";

Deno.test("masterserver list: prints a server a line", async () => {
  const { code, out, err, asked } = await listFrom(SERVERS);
  assert.deepEqual({ code, out, err }, {
    code: 0,
    out: "192.0.2.2:3030\n[2001:db8::1]:3031\n",
    err: "",
  });
  assert.equal(asked, "\\list\\gamename\\netpanzer\\final\\");
});

Deno.test("masterserver list --json: prints JSON, of another game when asked to", async () => {
  const { code, out, asked } = await listFrom(SERVERS, "--json", "--gamename", "master");
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out), [
    { ip: "192.0.2.2", port: 3030 },
    { ip: "2001:db8::1", port: 3031 },
  ]);
  assert.equal(asked, "\\list\\gamename\\master\\final\\");
});

Deno.test("masterserver list: an empty list prints nothing, as JSON an empty array", async () => {
  assert.deepEqual((await listFrom("\\final\\")).out, "");
  assert.deepEqual(JSON.parse((await listFrom("\\final\\", "--json")).out), []);
});

Deno.test("masterserver list: a refusal or nonsense is status 76, and harmless to a terminal", async () => {
  const refused = await listFrom("\\error\\Go \x1b[31maway\u202e\\final\\");
  assert.deepEqual([refused.code, refused.out], [76, ""]);
  assert.match(refused.err, /refused the request: Go \\u001b\[31maway\\u202e\n$/);
  const nonsense = await listFrom("SSH-2.0-OpenSSH_9.2\r\n");
  assert.deepEqual([nonsense.code, nonsense.out], [76, ""]);
});

Deno.test("masterserver list: a closed port is status 69", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  await withPlace(async ({ run }) => {
    const { code, out, err } = await run("list", `127.0.0.1:${listener.addr.port}`);
    assert.deepEqual([code, out], [69, ""]);
    assert.match(err, new RegExp(`cannot reach 127\\.0\\.0\\.1 port ${listener.addr.port}`));
  });
});

Deno.test("masterserver list: a host that has no address is status 68", async () => {
  await withPlace(async ({ run }) => {
    // No name server is asked: a part of a name has 63 characters at most.
    const host = `${"x".repeat(64)}.example.org`;
    const { code, out, err } = await run("list", host);
    assert.deepEqual([code, out], [68, ""]);
    assert.match(err, /is unknown/);
  });
});
