/**
 * libgcrypt's functions that are used, with the C type of every parameter.
 *
 * Pointers to memory are buffers; handles and sizes are `usize`, given as bigints, since a number
 * would leave the fast way of calling.
 *
 * @module
 */

/** For `Deno.dlopen`; from `gcrypt.h`. */
export const SYMBOLS = {
  gcry_check_version: {
    parameters: ["buffer" /* const char *req_version */],
    result: "usize", /* const char *, NULL when older */
  },
  // Variadic in C. Integers travel as those of any other call under the calling conventions of
  // Linux on x86-64, where only floating point arguments would need a count, and on AArch64.
  gcry_control: {
    parameters: ["i32", /* enum gcry_ctl_cmds CMD */ "i32" /* ... */],
    result: "u32", /* gcry_error_t */
  },
  gcry_randomize: {
    parameters: [
      "buffer", /* void *buffer */
      "usize", /* size_t length */
      "i32", /* enum gcry_random_level level */
    ],
    result: "void",
  },
  gcry_md_hash_buffer: {
    parameters: [
      "i32", /* int algo */
      "buffer", /* void *digest */
      "buffer", /* const void *buffer */
      "usize", /* size_t length */
    ],
    result: "void",
  },
  gcry_kdf_derive: {
    parameters: [
      "buffer", /* const void *passphrase */
      "usize", /* size_t passphraselen */
      "i32", /* int algo */
      "i32", /* int subalgo */
      "buffer", /* const void *salt */
      "usize", /* size_t saltlen */
      "usize", /* unsigned long iterations */
      "usize", /* size_t keysize */
      "buffer", /* void *keybuffer */
    ],
    result: "u32", /* gpg_error_t */
  },
  gcry_ecc_mul_point: {
    parameters: [
      "i32", /* int curveid */
      "buffer", /* unsigned char *result */
      "buffer", /* const unsigned char *scalar */
      "buffer", /* const unsigned char *point */
    ],
    result: "u32", /* gpg_error_t */
    // Since 1.9: an older library has to open, so that it can be told to be too old.
    optional: true,
  },
  gcry_mac_open: {
    parameters: [
      "buffer", /* gcry_mac_hd_t *handle */
      "i32", /* int algo */
      "u32", /* unsigned int flags */
      "usize", /* gcry_ctx_t ctx */
    ],
    result: "u32", /* gcry_error_t */
  },
  gcry_mac_close: { parameters: ["usize" /* gcry_mac_hd_t h */], result: "void" },
  gcry_mac_setkey: {
    parameters: [
      "usize", /* gcry_mac_hd_t hd */
      "buffer", /* const void *key */
      "usize", /* size_t keylen */
    ],
    result: "u32", /* gcry_error_t */
  },
  gcry_mac_write: {
    parameters: [
      "usize", /* gcry_mac_hd_t hd */
      "buffer", /* const void *buffer */
      "usize", /* size_t length */
    ],
    result: "u32", /* gcry_error_t */
  },
  gcry_mac_read: {
    parameters: [
      "usize", /* gcry_mac_hd_t hd */
      "buffer", /* void *buffer */
      "buffer", /* size_t *buflen */
    ],
    result: "u32", /* gcry_error_t */
  },
  gcry_cipher_open: {
    parameters: [
      "buffer", /* gcry_cipher_hd_t *handle */
      "i32", /* int algo */
      "i32", /* int mode */
      "u32", /* unsigned int flags */
    ],
    result: "u32", /* gcry_error_t */
  },
  gcry_cipher_close: { parameters: ["usize" /* gcry_cipher_hd_t h */], result: "void" },
  gcry_cipher_setkey: {
    parameters: [
      "usize", /* gcry_cipher_hd_t hd */
      "buffer", /* const void *key */
      "usize", /* size_t keylen */
    ],
    result: "u32", /* gcry_error_t */
  },
  gcry_cipher_setiv: {
    parameters: [
      "usize", /* gcry_cipher_hd_t hd */
      "buffer", /* const void *iv */
      "usize", /* size_t ivlen */
    ],
    result: "u32", /* gcry_error_t */
  },
  gcry_cipher_authenticate: {
    parameters: [
      "usize", /* gcry_cipher_hd_t hd */
      "buffer", /* const void *abuf */
      "usize", /* size_t abuflen */
    ],
    result: "u32", /* gcry_error_t */
  },
  gcry_cipher_encrypt: {
    parameters: [
      "usize", /* gcry_cipher_hd_t h */
      "buffer", /* void *out */
      "usize", /* size_t outsize */
      "buffer", /* const void *in */
      "usize", /* size_t inlen */
    ],
    result: "u32", /* gcry_error_t */
  },
  gcry_cipher_decrypt: {
    parameters: [
      "usize", /* gcry_cipher_hd_t h */
      "buffer", /* void *out */
      "usize", /* size_t outsize */
      "buffer", /* const void *in */
      "usize", /* size_t inlen */
    ],
    result: "u32", /* gcry_error_t */
  },
  gcry_cipher_gettag: {
    parameters: [
      "usize", /* gcry_cipher_hd_t hd */
      "buffer", /* void *outtag */
      "usize", /* size_t taglen */
    ],
    result: "u32", /* gcry_error_t */
  },
  gcry_cipher_checktag: {
    parameters: [
      "usize", /* gcry_cipher_hd_t hd */
      "buffer", /* const void *intag */
      "usize", /* size_t taglen */
    ],
    result: "u32", /* gcry_error_t */
  },
} as const;

/** The functions of an open library. */
export type Functions = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** C sees the same memory either way; only the types of foreign calls leave shared memory out. */
export function forC(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}
