/**
 * The least a server on Deno can do, as a yardstick: accept, read a request, write an answer, close.
 *
 * `deno run --allow-net --allow-read bare.ts PORT ANSWER_FILE` serves until it is killed.
 *
 * @module
 */

/** Bytes read at a time, as the masterserver does it. */
const READ_BYTES = 2048;

const [port, answerFile] = Deno.args;
if (port === undefined || answerFile === undefined) {
  throw new Error("usage: bare.ts PORT ANSWER_FILE");
}
const answer = Deno.readFileSync(answerFile);
const spareBuffers: Uint8Array<ArrayBuffer>[] = [];

async function serve(tcp: Deno.TcpConn): Promise<void> {
  const buffer = spareBuffers.pop() ?? new Uint8Array(READ_BYTES);
  try {
    await tcp.read(buffer);
    let written = await tcp.write(answer);
    while (written < answer.length) written += await tcp.write(answer.subarray(written));
  } catch {
    // The other side went away.
  } finally {
    spareBuffers.push(buffer);
    tcp.close();
  }
}

const listener = Deno.listen({ hostname: "::", port: Number(port) });
for (;;) void serve(await listener.accept());
