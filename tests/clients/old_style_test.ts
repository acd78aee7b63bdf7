import assert from "node:assert/strict";
import { ListError, type ListFailure, listOldStyle } from "../../clients/mod.ts";
import { bytes, sleep, text } from "../_helpers.ts";

type Serve = (connection: Deno.TcpConn, request: string) => Promise<void> | void;

/** Runs with a master that answers each connection as told, once its request is there. */
async function withMaster(
  serve: Serve,
  use: (port: number) => Promise<void>,
  hostname = "127.0.0.1",
): Promise<void> {
  const listener = Deno.listen({ hostname, port: 0 });
  const served: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      served.push((async () => {
        try {
          const buffer = new Uint8Array(4096);
          const count = await connection.read(buffer);
          await serve(connection, text(buffer.subarray(0, count ?? 0)));
        } catch (error) {
          const gone = error instanceof Deno.errors.BrokenPipe ||
            error instanceof Deno.errors.ConnectionReset;
          if (!gone) throw error;
        } finally {
          connection.close();
        }
      })());
    }
  })();
  try {
    await use(listener.addr.port);
  } finally {
    listener.close();
    await accepting.catch(() => {});
    await Promise.all(served);
  }
}

function answering(answer: string): Serve {
  return async (connection) => {
    await connection.write(bytes(answer));
  };
}

function query(port: number, more: Partial<Parameters<typeof listOldStyle>[0]> = {}) {
  return { host: "127.0.0.1", port, gamename: "netpanzer", timeoutMs: 2000, ...more };
}

async function assertFails(
  failure: ListFailure,
  pattern: RegExp,
  asked: Promise<unknown>,
): Promise<void> {
  await assert.rejects(asked, (error) => {
    assert.ok(error instanceof ListError, String(error));
    assert.equal(error.failure, failure, error.message);
    assert.match(error.message, pattern);
    return true;
  });
}

Deno.test("listOldStyle: asks for the game's servers and returns them in order", async () => {
  let asked = "";
  const answer = "\\ip\\192.0.2.2\\port\\3030\\ip\\192.0.2.1\\port\\65535" +
    "\\ip\\2001:DB8::1\\port\\1\\final\\";
  await withMaster(async (connection, request) => {
    asked = request;
    await answering(answer)(connection, request);
  }, async (port) => {
    assert.deepEqual(await listOldStyle(query(port, { gamename: "other" })), [
      { ip: "192.0.2.2", port: 3030 },
      { ip: "192.0.2.1", port: 65535 },
      { ip: "2001:db8::1", port: 1 },
    ]);
  });
  assert.equal(asked, "\\list\\gamename\\other\\final\\");
});

Deno.test("listOldStyle: an empty list is a list", async () => {
  await withMaster(answering("\\final\\"), async (port) => {
    assert.deepEqual(await listOldStyle(query(port)), []);
  });
});

Deno.test("listOldStyle: does not wait for the master to close", async () => {
  await withMaster(async (connection) => {
    await connection.write(bytes("\\ip\\192.0.2.2\\port\\3030\\final\\"));
    await connection.read(new Uint8Array(1));
  }, async (port) => {
    assert.equal((await listOldStyle(query(port))).length, 1);
  });
});

Deno.test("listOldStyle: an answer may come in pieces", async () => {
  await withMaster(async (connection) => {
    for (const byte of bytes("\\ip\\192.0.2.2\\port\\3030\\final\\")) {
      await connection.write(Uint8Array.of(byte));
      await sleep(1);
    }
  }, async (port) => {
    assert.deepEqual(await listOldStyle(query(port)), [{ ip: "192.0.2.2", port: 3030 }]);
  });
  await withMaster(async (connection) => {
    for (const part of ["\\error\\It is final", "ly over\\fin", "al\\"]) {
      await connection.write(bytes(part));
      await sleep(20);
    }
  }, async (port) => {
    await assertFails("refused", /It is finally over/, listOldStyle(query(port)));
  });
});

Deno.test("listOldStyle: takes a list of 30,000 servers", async () => {
  const entries = Array.from(
    { length: 30_000 },
    (_, i) => `\\ip\\10.0.${i >> 8}.${i & 255}\\port\\${1 + i}`,
  );
  await withMaster(async (connection) => {
    const data = bytes(entries.join("") + "\\final\\");
    for (let sent = 0; sent < data.length;) sent += await connection.write(data.subarray(sent));
  }, async (port) => {
    const servers = await listOldStyle(query(port));
    assert.equal(servers.length, 30_000);
    assert.deepEqual(servers.at(-1), { ip: "10.0.117.47", port: 30_000 });
  });
});

Deno.test("listOldStyle: asks a master over IPv6", async () => {
  await withMaster(answering("\\final\\"), async (port) => {
    assert.deepEqual(await listOldStyle(query(port, { host: "::1" })), []);
  }, "::1");
});

Deno.test("listOldStyle: an error of the master is told as it is", async () => {
  await withMaster(answering("\\error\\Go away\\final\\"), async (port) => {
    await assertFails("refused", /Go away/, listOldStyle(query(port)));
  });
});

Deno.test("listOldStyle: what is no list is told and quoted, and never half a list", async () => {
  const nonsense = [
    "\\ip\\192.0.2.1\\port\\3030\\ip\\nowhere\\port\\3030\\final\\",
    "\\ip\\192.0.2.1\\port\\0\\final\\",
    "\\ip\\192.0.2.1\\final\\",
    "\\hello\\world\\final\\",
    "\\ip\\192.0.2.1:3030\\final\\",
  ];
  for (const answer of nonsense) {
    await withMaster(answering(answer), async (port) => {
      await assertFails("protocol", /no list of servers: ".+"/, listOldStyle(query(port)));
    });
  }
});

Deno.test("listOldStyle: a connection that closes before the end is told", async () => {
  for (const answer of ["", "\\ip\\192.0.2.1\\port\\3030", "HTTP/1.0 400 Bad Request\r\n\r\n"]) {
    await withMaster(answering(answer), async (port) => {
      await assertFails("protocol", /closed.*old-style/, listOldStyle(query(port)));
    });
  }
});

Deno.test("listOldStyle: an endless answer ends it", async () => {
  const block = new Uint8Array(1024 * 1024).fill(0x78);
  await withMaster(async (connection) => {
    for (let i = 0; i < 64; i++) {
      for (let sent = 0; sent < block.length;) sent += await connection.write(block.subarray(sent));
    }
  }, async (port) => {
    await assertFails("protocol", /./, listOldStyle(query(port, { timeoutMs: 20_000 })));
  });
});

Deno.test("listOldStyle: nobody there is told as such", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  const { port } = listener.addr;
  await assertFails("unavailable", new RegExp(`127.0.0.1 port ${port}`), listOldStyle(query(port)));
});

Deno.test("listOldStyle: a host that has no address is told as such", async () => {
  const host = `${"x".repeat(70)}.invalid`;
  await assertFails("no-host", /is unknown/, listOldStyle(query(28900, { host })));
});

Deno.test("listOldStyle: a master that is silent or drips is given up on in time", async () => {
  const slow: Serve[] = [
    async (connection) => void await connection.read(new Uint8Array(1)),
    async (connection) => {
      for (;;) {
        await connection.write(bytes("\\ip\\192.0.2.1\\port\\3030"));
        await sleep(20);
      }
    },
  ];
  for (const serve of slow) {
    await withMaster(serve, async (port) => {
      const start = performance.now();
      await assertFails("unavailable", /0\.3 s/, listOldStyle(query(port, { timeoutMs: 300 })));
      assert.ok(performance.now() - start < 1500);
    });
  }
});

Deno.test("listOldStyle: a connection that comes about too late is closed", async () => {
  const connect = Deno.connect;
  let late: Promise<Deno.TcpConn> | undefined;
  Deno.connect = ((options: Deno.ConnectOptions) => {
    late = sleep(150).then(() => connect(options));
    return late;
  }) as typeof Deno.connect;
  try {
    await withMaster(() => {}, async (port) => {
      await assertFails("unavailable", /0\.05 s/, listOldStyle(query(port, { timeoutMs: 50 })));
      const tcp = await late;
      await sleep(10);
      await assert.rejects(async () => await tcp?.write(bytes("x")), Deno.errors.BadResource);
    });
  } finally {
    Deno.connect = connect;
  }
});
