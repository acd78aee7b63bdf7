/**
 * Writes docs/protocol_session.md: `deno task session-dump`.
 *
 * @module
 */

import { openCrypto } from "../crypto/mod.ts";
import { complain, say } from "./_process.ts";
import { ROOT } from "./_project.ts";
import { sessionDocument } from "./_session_document.ts";

/** Where the document belongs. */
const PATH = `${ROOT}/docs/protocol_session.md`;

function main(): number {
  const opened = openCrypto();
  if (opened.type === "unavailable") {
    complain(opened.message);
    return 1;
  }
  using crypto = opened.crypto;
  Deno.writeTextFileSync(PATH, sessionDocument(crypto));
  say(`wrote ${PATH}`);
  return 0;
}

if (import.meta.main) Deno.exit(main());
