/*
 * The limit that libgcrypt sets to bench/noise.ts: the same work on the same keys and messages, with
 * nothing around it. One thread; handles are kept wherever a server can keep them.
 *
 *     noise handshake COUNT STATIC EPHEMERAL FIRST LAST HASH
 *     noise seal COUNT BYTES
 *     noise open COUNT BYTES
 *
 * A handshake is the responder's part of Noise_XX_25519_ChaChaPoly_SHA256 with a recorded initiator:
 * STATIC and EPHEMERAL are private keys, FIRST and LAST the initiator's messages without their
 * lengths, HASH is what the handshake hash has to be; all in hexadecimal. It makes a new ephemeral key
 * as every handshake does, and goes on with the recorded one.
 *
 * It prints one line of JSON: the CPU time of the work, user and system.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <gcrypt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  KEY = 32,
  TAG = 16,
  NONCE = 12,
  LENGTH = 2,                  /* In front of every message. */
  FIRST_BYTES = KEY,           /* e */
  LAST_BYTES = KEY + 2 * TAG,  /* s and an empty payload */
  MAX_BYTES = 65535 - TAG,
  MAX_COUNT = 10000000,        /* Nobody should be able to start endless work by a slip. */
  BATCH_BYTES = 4 * 1024 * 1024, /* Frames sealed at a time to be opened; noise.ts has the same. */
};

static const char NAME[KEY] = "Noise_XX_25519_ChaChaPoly_SHA256";
static const char PROLOGUE[] = "netpanzer-masterserver/1 ring2";
static const uint8_t BASE_POINT[KEY] = {9};

static void fail(const char *what) {
  fprintf(stderr, "noise: %s\n", what);
  exit(70);
}

static void check(gcry_error_t code, const char *what) {
  if (code == 0) return;
  fprintf(stderr, "noise: %s: %s\n", what, gcry_strerror(code));
  exit(70);
}

static double cpu_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static gcry_cipher_hd_t open_cipher(void) {
  gcry_cipher_hd_t cipher;
  check(gcry_cipher_open(&cipher, GCRY_CIPHER_CHACHA20, GCRY_CIPHER_MODE_POLY1305, 0),
        "gcry_cipher_open");
  return cipher;
}

/* The counter stands behind four zero bytes, least significant byte first. */
static void set_nonce(gcry_cipher_hd_t cipher, uint64_t number) {
  uint8_t nonce[NONCE] = {0};
  for (int i = 0; i < 8; i++) nonce[4 + i] = (uint8_t)(number >> (8 * i));
  check(gcry_cipher_setiv(cipher, nonce, NONCE), "gcry_cipher_setiv");
}

/* Handshakes. */

static gcry_mac_hd_t mac;
static gcry_cipher_hd_t handshake_cipher;
static uint8_t hash[KEY], chaining_key[KEY];
static uint64_t number;

static void multiply(const uint8_t *private_key, const uint8_t *point, uint8_t *product) {
  check(gcry_ecc_mul_point(GCRY_ECC_CURVE25519, product, private_key, point), "gcry_ecc_mul_point");
}

static void hmac(const uint8_t *key, const uint8_t *data, size_t length, uint8_t *out) {
  size_t size = KEY;
  check(gcry_mac_setkey(mac, key, KEY), "gcry_mac_setkey");
  check(gcry_mac_write(mac, data, length), "gcry_mac_write");
  check(gcry_mac_read(mac, out, &size), "gcry_mac_read");
}

static void hkdf(const uint8_t *material, size_t length, uint8_t *first, uint8_t *second) {
  uint8_t key[KEY], input[KEY + 1] = {1};
  hmac(chaining_key, material, length, key);
  hmac(key, input, 1, first);
  memcpy(input, first, KEY);
  input[KEY] = 2;
  hmac(key, input, sizeof input, second);
}

static void mix_hash(const void *data, size_t length) {
  uint8_t input[2 * KEY + TAG];
  memcpy(input, hash, KEY);
  memcpy(input + KEY, data, length);
  gcry_md_hash_buffer(GCRY_MD_SHA256, hash, input, KEY + length);
}

static void mix_key(const uint8_t *private_key, const uint8_t *point) {
  uint8_t secret[KEY], first[KEY], key[KEY], bits = 0;
  multiply(private_key, point, secret);
  for (int i = 0; i < KEY; i++) bits |= secret[i];
  if (bits == 0) fail("a public key of low order");
  hkdf(secret, KEY, first, key);
  memcpy(chaining_key, first, KEY);
  check(gcry_cipher_setkey(handshake_cipher, key, KEY), "gcry_cipher_setkey");
  number = 0;
}

static void encrypt_and_hash(const uint8_t *plain, size_t length, uint8_t *out) {
  set_nonce(handshake_cipher, number++);
  check(gcry_cipher_authenticate(handshake_cipher, hash, KEY), "gcry_cipher_authenticate");
  check(gcry_cipher_encrypt(handshake_cipher, out, length, plain, length), "gcry_cipher_encrypt");
  check(gcry_cipher_gettag(handshake_cipher, out + length, TAG), "gcry_cipher_gettag");
  mix_hash(out, length + TAG);
}

static void decrypt_and_hash(const uint8_t *sealed, size_t length, uint8_t *out) {
  set_nonce(handshake_cipher, number++);
  check(gcry_cipher_authenticate(handshake_cipher, hash, KEY), "gcry_cipher_authenticate");
  check(gcry_cipher_decrypt(handshake_cipher, out, length, sealed, length), "gcry_cipher_decrypt");
  check(gcry_cipher_checktag(handshake_cipher, sealed + length, TAG), "gcry_cipher_checktag");
  mix_hash(sealed, length + TAG);
}

struct recording {
  uint8_t static_key[KEY], static_public[KEY];
  uint8_t ephemeral_key[KEY], ephemeral_public[KEY];
  uint8_t first[FIRST_BYTES], last[LAST_BYTES], hash[KEY];
};

/* One connection, from its first message to its end. */
static void handshake(const struct recording *r) {
  uint8_t private_key[KEY], public_key[KEY], reply[LENGTH + KEY + KEY + TAG + TAG];
  uint8_t remote_static[KEY], nothing[1], keys[2][KEY];
  memcpy(hash, NAME, KEY);
  memcpy(chaining_key, NAME, KEY);
  mix_hash(PROLOGUE, sizeof PROLOGUE - 1);
  /* e */
  mix_hash(r->first, KEY);
  mix_hash(nothing, 0);
  /* e, ee, s, es */
  gcry_randomize(private_key, KEY, GCRY_STRONG_RANDOM);
  multiply(private_key, BASE_POINT, public_key);
  uint8_t *part = reply + LENGTH;
  memcpy(part, r->ephemeral_public, KEY);
  mix_hash(part, KEY);
  mix_key(r->ephemeral_key, r->first);
  encrypt_and_hash(r->static_public, KEY, part + KEY);
  mix_key(r->static_key, r->first);
  encrypt_and_hash(nothing, 0, part + KEY + KEY + TAG);
  /* s, se */
  decrypt_and_hash(r->last, KEY, remote_static);
  mix_key(r->ephemeral_key, remote_static);
  decrypt_and_hash(r->last + KEY + TAG, 0, nothing);
  if (memcmp(hash, r->hash, KEY) != 0) fail("another handshake hash than the recorded one");
  hkdf(nothing, 0, keys[0], keys[1]);
  for (int i = 0; i < 2; i++) {
    /* A connection keeps these two for as long as it lasts. */
    gcry_cipher_hd_t cipher = open_cipher();
    check(gcry_cipher_setkey(cipher, keys[i], KEY), "gcry_cipher_setkey");
    gcry_cipher_close(cipher);
  }
}

static double time_handshakes(long count, const struct recording *r) {
  check(gcry_mac_open(&mac, GCRY_MAC_HMAC_SHA256, 0, NULL), "gcry_mac_open");
  handshake_cipher = open_cipher();
  double before = cpu_us();
  for (long i = 0; i < count; i++) handshake(r);
  return cpu_us() - before;
}

/* Messages. */

static size_t seal(gcry_cipher_hd_t cipher, uint64_t n, const uint8_t *plain, size_t length,
                   uint8_t *frame) {
  uint8_t *out = frame + LENGTH;
  set_nonce(cipher, n);
  check(gcry_cipher_encrypt(cipher, out, length, plain, length), "gcry_cipher_encrypt");
  check(gcry_cipher_gettag(cipher, out + length, TAG), "gcry_cipher_gettag");
  frame[0] = (uint8_t)((length + TAG) >> 8);
  frame[1] = (uint8_t)(length + TAG);
  return LENGTH + length + TAG;
}

static void unseal(gcry_cipher_hd_t cipher, uint64_t n, const uint8_t *frame, uint8_t *plain) {
  size_t length = ((size_t)frame[0] << 8 | frame[1]) - TAG;
  const uint8_t *sealed = frame + LENGTH;
  set_nonce(cipher, n);
  check(gcry_cipher_decrypt(cipher, plain, length, sealed, length), "gcry_cipher_decrypt");
  check(gcry_cipher_checktag(cipher, sealed + length, TAG), "gcry_cipher_checktag");
}

static gcry_cipher_hd_t keyed_cipher(void) {
  static const uint8_t key[KEY] = {1};
  gcry_cipher_hd_t cipher = open_cipher();
  check(gcry_cipher_setkey(cipher, key, KEY), "gcry_cipher_setkey");
  return cipher;
}

static double time_sealing(long count, size_t bytes) {
  static uint8_t plain[MAX_BYTES], frame[LENGTH + MAX_BYTES + TAG];
  gcry_cipher_hd_t cipher = keyed_cipher();
  memset(plain, 0x5a, bytes);
  double before = cpu_us();
  for (long i = 0; i < count; i++) seal(cipher, (uint64_t)i, plain, bytes, frame);
  return cpu_us() - before;
}

static double time_opening(long count, size_t bytes) {
  static uint8_t plain[MAX_BYTES], frames[BATCH_BYTES];
  gcry_cipher_hd_t sending = keyed_cipher(), receiving = keyed_cipher();
  size_t frame_bytes = LENGTH + bytes + TAG;
  long batch = (long)(BATCH_BYTES / frame_bytes);
  double took = 0;
  memset(plain, 0x5a, bytes);
  for (long first = 0; first < count; first += batch) {
    long end = first + batch < count ? first + batch : count;
    uint8_t *frame = frames;
    for (long i = first; i < end; i++) frame += seal(sending, (uint64_t)i, plain, bytes, frame);
    double before = cpu_us();
    frame = frames;
    for (long i = first; i < end; i++, frame += frame_bytes)
      unseal(receiving, (uint64_t)i, frame, plain);
    took += cpu_us() - before;
  }
  return took;
}

/* Arguments. */

static void read_hex(const char *text, const char *name, uint8_t *out, size_t bytes) {
  size_t i = 0;
  for (unsigned byte; i < bytes && sscanf(text + 2 * i, "%2x", &byte) == 1; i++) out[i] = (uint8_t)byte;
  if (i == bytes && strlen(text) == 2 * bytes) return;
  fprintf(stderr, "noise: %s is \"%s\", give %zu bytes in hexadecimal\n", name, text, bytes);
  exit(64);
}

static long read_number(const char *text, const char *name, long least, long most) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno == 0 && *end == '\0' && end != text && value >= least && value <= most) return value;
  fprintf(stderr, "noise: %s is \"%s\", give a number from %ld to %ld\n", name, text, least, most);
  exit(64);
}

int main(int argc, char **argv) {
  const char *task = argc > 1 ? argv[1] : "";
  double took;
  if (!gcry_check_version("1.9.0")) fail("libgcrypt is older than 1.9.0");
  gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
  gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
  if (strcmp(task, "handshake") == 0 && argc == 8) {
    struct recording r;
    read_hex(argv[3], "STATIC", r.static_key, KEY);
    read_hex(argv[4], "EPHEMERAL", r.ephemeral_key, KEY);
    read_hex(argv[5], "FIRST", r.first, FIRST_BYTES);
    read_hex(argv[6], "LAST", r.last, LAST_BYTES);
    read_hex(argv[7], "HASH", r.hash, KEY);
    multiply(r.static_key, BASE_POINT, r.static_public);
    multiply(r.ephemeral_key, BASE_POINT, r.ephemeral_public);
    took = time_handshakes(read_number(argv[2], "COUNT", 1, MAX_COUNT), &r);
  } else if ((strcmp(task, "seal") == 0 || strcmp(task, "open") == 0) && argc == 4) {
    long count = read_number(argv[2], "COUNT", 1, MAX_COUNT);
    size_t bytes = (size_t)read_number(argv[3], "BYTES", 0, MAX_BYTES);
    took = task[0] == 's' ? time_sealing(count, bytes) : time_opening(count, bytes);
  } else {
    fprintf(stderr, "usage: noise handshake COUNT STATIC EPHEMERAL FIRST LAST HASH\n"
                    "       noise seal|open COUNT BYTES\n");
    return 64;
  }
  printf("{\"microseconds\":%.1f}\n", took);
  return 0;
}
