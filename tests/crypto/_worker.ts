/** Opens libgcrypt in a thread of its own, uses it, and says what became of that. */

/// <reference lib="deno.worker" />

import { crypto, openChannels } from "./_helpers.ts";

self.onmessage = ({ data }: MessageEvent<{ readonly rounds: number; readonly close: boolean }>) => {
  const primitives = crypto();
  let received = 0;
  for (let round = 0; round < data.rounds; round++) {
    const { initiator, responder } = openChannels(primitives);
    const [event] = responder.receive(initiator.seal(new Uint8Array(round)));
    if (event?.type === "message" && event.plaintext.length === round) received++;
    initiator[Symbol.dispose]();
    responder[Symbol.dispose]();
  }
  if (data.close) primitives[Symbol.dispose]();
  self.postMessage(received);
};
