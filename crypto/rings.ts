import { KEY_BYTES } from "./_sizes.ts";
import type { Crypto } from "./crypto.ts";

const encoder = new TextEncoder();

/** What both sides of a ring's channels have to agree on beforehand: the protocol's version. */
export const PROLOGUES: {
  readonly ring0: Uint8Array;
  readonly ring1: Uint8Array;
  readonly ring2: Uint8Array;
} = Object.freeze({
  ring0: encoder.encode("netpanzer-masterserver/1 ring0"),
  ring1: encoder.encode("netpanzer-masterserver/1 ring1"),
  ring2: encoder.encode("netpanzer-masterserver/1 ring2"),
});

/** What a guess of the password costs: 16 MiB and some tens of milliseconds. */
const PASSWORD_COST = { n: 16384, r: 8, p: 1 };

/**
 * The pre-shared key of ring 0: 32 bytes made of the network's `masterserver-password` by scrypt,
 * which blocks for some tens of milliseconds.
 *
 * @throws RangeError when the password is empty: then there is no ring 0.
 */
export function networkKey(crypto: Crypto, password: string): Uint8Array {
  if (password === "") throw new RangeError("the network's password is empty: there is no ring 0");
  return crypto.scrypt(encoder.encode(password), PROLOGUES.ring0, PASSWORD_COST, KEY_BYTES);
}
