/**
 * Uses everything of libgcrypt; run by a test with no permissions but those to load that library
 * and to read files. Says `ok` at the end.
 */

import { networkKey, openCrypto } from "../../crypto/mod.ts";
import { bytes, text } from "../_helpers.ts";
import { openChannels } from "./_helpers.ts";

const outcome = openCrypto();
if (outcome.type === "unavailable") throw new Error(`${outcome.problem}: ${outcome.message}`);
using primitives = outcome.crypto;
const psk = networkKey(primitives, "password");
const { initiator, responder } = openChannels(primitives, {
  pattern: "XXpsk3",
  psk,
  rekeyAfter: 1,
});
for (const said of ["hello", "again"]) {
  const [event] = responder.receive(initiator.seal(bytes(said)));
  if (event?.type !== "message" || text(event.plaintext) !== said) throw new Error("not received");
}
initiator[Symbol.dispose]();
responder[Symbol.dispose]();
Deno.stdout.writeSync(bytes(`ok ${primitives.version}\n`));
