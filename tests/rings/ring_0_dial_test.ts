import assert from "node:assert/strict";
import { bytes, until } from "../_helpers.ts";
import { type FakeMesh, withMasters } from "./_mesh.ts";

async function failure({ failed }: FakeMesh): Promise<string> {
  await until("a failure", () => failed.length > 0);
  assert.equal(failed.length, 1);
  return failed[0]?.reason ?? "";
}

/** Runs with a port where connections meet something else than a master. */
async function withPort(
  serve: (tcp: Deno.TcpConn) => Promise<void> | void,
  use: (port: number) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.TcpConn[] = [];
  const served = (async () => {
    for await (const tcp of listener) {
      open.push(tcp);
      await serve(tcp);
    }
  })();
  try {
    await use(listener.addr.port);
  } finally {
    listener.close();
    await served;
    for (const tcp of open) {
      try {
        tcp.close();
      } catch {
        // The test has closed it.
      }
    }
  }
}

Deno.test("ring0 dials: another password ends the link with a reason that says so, on both sides", async () => {
  await withMasters([{ settings: { masterPassword: "another" } }, {}], async (a, b) => {
    a.dial(b.target);
    await until("the end", () => a.mesh.ended.length === 1);
    assert.equal(a.mesh.ended[0]?.link, a.mesh.links[0]);
    assert.match(
      a.mesh.ended[0]?.reason ?? "",
      /^the other side has another masterserver-password, or is no master: /,
    );
    assert.deepEqual([a.mesh.failed, b.mesh.links, b.mesh.ended], [[], [], []]);
    await until("the log there", () => b.logged.length === 1);
    assert.match(a.logged[0] ?? "", new RegExp(`^warning .*"127.0.0.1:${b.port}".*another master`));
    assert.match(b.logged[0] ?? "", /^warning .*"127.0.0.1".*another masterserver-password/);
    assert.equal(b.counter("handshakes_failed"), 1);

    a.dial(b.target);
    await until("the second end", () => a.mesh.ended.length === 2);
    await until("the second failure", () => b.counter("handshakes_failed") === 2);
    assert.deepEqual([a.logged.length, b.logged.length], [1, 1], "it was said a moment ago");
  });
});

Deno.test("ring0 dials: a port where nobody listens, and a name that leads nowhere", async () => {
  await withMasters([{}, {}], async (a, b) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    a.dial({ host: "127.0.0.1", port });
    assert.match(await failure(a.mesh), /^the connection was refused: is a master running there/);
    assert.deepEqual(a.mesh.failed[0]?.target, { host: "127.0.0.1", port });
    b.dial({ host: "no-such-host.invalid", port: 6060 });
    assert.match(await failure(b.mesh), /^the name cannot be resolved: /);
    assert.deepEqual([a.counter("dials_failed"), b.counter("dials_failed")], [1, 1]);
  });
});

Deno.test("ring0 dials: a name is as good as an address", async () => {
  await withMasters([{}, {}], async (a, b) => {
    a.dial({ host: "localhost", port: b.port });
    await until("a link", () => b.mesh.links.length === 1);
    assert.deepEqual(a.mesh.links[0]?.dialed, { host: "localhost", port: b.port });
    assert.equal(a.mesh.links[0]?.ip, "127.0.0.1");
  });
});

Deno.test("ring0 dials: who says nothing has 5 s for connection and handshake, here less", async () => {
  await withPort(() => {}, async (port) => {
    await withMasters([{ limits: { dialMs: 200 } }], async ({ mesh }) => {
      const begun = performance.now();
      mesh.parts.output.dial({ host: "127.0.0.1", port });
      assert.match(await failure(mesh), /^no answer within 0.2 s during the handshake/);
      assert.ok(performance.now() - begun < 1000);
    });
  });
});

Deno.test("ring0 dials: who closes at once is no master, or does not want this one", async () => {
  await withPort((tcp) => tcp.close(), async (port) => {
    await withMasters([{}], async ({ mesh }) => {
      mesh.parts.output.dial({ host: "127.0.0.1", port });
      assert.match(await failure(mesh), /during the handshake: is it a master's ring 0\?$/);
    });
  });
});

Deno.test("ring0 dials: what answers in another language is told of in the log", async () => {
  const banner = bytes("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
  await withPort(async (tcp) => void await tcp.write(banner), async (port) => {
    await withMasters([{}], async (master) => {
      master.dial({ host: "127.0.0.1", port });
      assert.match(
        await failure(master.mesh),
        /or is no master: a handshake message of 21331 bytes/,
      );
      assert.equal(master.logged.length, 1);
      assert.match(master.logged[0] ?? "", /^warning no connection with another master/);
    });
  });
});

Deno.test("ring0 dials: itself, for the mesh to notice", async () => {
  await withMasters([{}], async (master) => {
    master.dial(master.target);
    await until("both ends", () => master.mesh.links.length === 2);
    assert.deepEqual(master.mesh.links.map(({ key }) => key), [master.key, master.key]);
  });
});
