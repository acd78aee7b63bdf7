/**
 * Cryptography: libgcrypt, the Noise protocol on it, encrypted channels and key files.
 *
 * @module
 */

export {
  Channel,
  type ChannelEvent,
  type ChannelOptions,
  FRAME_OVERHEAD_BYTES,
  MAX_MESSAGE_BYTES,
  type Pattern,
} from "./channel.ts";
export { CipherState } from "./cipher_state.ts";
export type { Crypto, ScryptCost } from "./crypto.ts";
export { GcryptError } from "./gcrypt_error.ts";
export type {
  HandshakeFailure,
  HandshakeOptions,
  HandshakeRead,
  HandshakeWrite,
  Role,
  TransportCiphers,
} from "./handshake_types.ts";
export { createKeyFile, KeyFileError, loadKeyFile, readKeyFile } from "./key_file.ts";
export { decodeKey, encodeKey } from "./keys.ts";
export {
  type CryptoOutcome,
  type CryptoProblem,
  findLibrary,
  LIBRARY_PATHS,
  openCrypto,
} from "./library.ts";
export { HandshakeState } from "./noise.ts";
export type { HandshakePattern } from "./patterns.ts";
export type { KeyPair, NoiseCipher, NoisePrimitives } from "./primitives.ts";
export { networkKey, PROLOGUES } from "./rings.ts";
