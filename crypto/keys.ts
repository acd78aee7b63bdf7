import { assertLength, KEY_BYTES } from "./_sizes.ts";

/** 43 characters for 32 bytes, and one of padding. */
const BASE64 = /^[A-Za-z0-9+/]{43}=$/;

/** A key of 32 bytes in base64 (RFC 4648, section 4) with padding: 44 characters. */
export function encodeKey(key: Uint8Array): string {
  assertLength("a key", key, KEY_BYTES);
  return btoa(String.fromCharCode(...key));
}

/** The 32 bytes of a key, or `undefined` unless the text is just what `encodeKey` gives. */
export function decodeKey(text: string): Uint8Array | undefined {
  if (!BASE64.test(text)) return undefined;
  const key = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  // The last character has two bits to spare; other than zero they are another text of one key.
  return encodeKey(key) === text ? key : undefined;
}
