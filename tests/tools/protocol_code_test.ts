/**
 * The C code of docs/protocol_encrypted.md, compiled as it stands there, does the sessions of
 * docs/protocol_session.md byte for byte, and refuses what it has to refuse.
 *
 * @module
 */

import assert from "node:assert/strict";
import { capture, exists } from "../../tools/_process.ts";
import { withTempDir } from "../_helpers.ts";
import { fences, page } from "./_protocol_pages.ts";
import { type PageSession, pageSessions, type Side } from "./_session_page.ts";
import { HAS_COMPILER } from "./_stand_in.ts";

const HAS_HEADER = await exists("/usr/include/gcrypt.h");
const IS_MISSING = !HAS_COMPILER || !HAS_HEADER;
const NOTE = IS_MISSING ? " (needs gcc, libc6-dev and libgcrypt20-dev)" : "";

/** Strict, and nothing that C++ would not take. */
const FLAGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wc++-compat", "-Werror"];

/**
 * Both sides of a session: `NAME PROLOGUE PASSWORD KEY KEY KEY KEY MESSAGE…`. The keys are private:
 * the initiator's static and ephemeral one, then the responder's. A message begins with `>` when it
 * is the initiator's. Prints each value as it comes, and fails where the other side would.
 */
const MAIN = String.raw`
#include <stdio.h>
#include <stdlib.h>

static void show(const char *what, const uint8_t *bytes, size_t size)
{
    printf("%s ", what);
    for (size_t i = 0; i < size; i++) printf("%02x", bytes[i]);
    putchar('\n');
}

static void require(int all_is_well, const char *what)
{
    if (all_is_well) return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void read_key(uint8_t secret[32], uint8_t pub[32], const char *digits)
{
    for (int i = 0; i < 32; i++) {
        unsigned value;
        require(sscanf(digits + 2 * i, "%2x", &value) == 1, "a key");
        secret[i] = (uint8_t)value;
    }
    require(public_key(pub, secret) == 0, "public_key");
}

static void start(struct handshake *x, char **arguments, int is_initiator)
{
    memset(x, 0, sizeof *x);
    x->is_initiator = is_initiator;
    x->has_psk = *arguments[3] != '\0';
    if (x->has_psk) require(network_key(x->psk, arguments[3]) == 0, "network_key");
    read_key(x->static_secret, x->static_public, arguments[is_initiator ? 4 : 6]);
    read_key(x->ephemeral_secret, x->ephemeral_public, arguments[is_initiator ? 5 : 7]);
    handshake_start(x, arguments[1], arguments[2]);
}

static void exchange(struct handshake *writer, struct handshake *reader, int number)
{
    uint8_t message[96];
    struct handshake other;
    size_t size;
    require(handshake_write(writer, number, message, &size) == 0, "handshake_write");
    show("message", message, size);
    other = *reader;
    require(handshake_read(&other, number, message, size - 1) != 0, "a short message is read");
    if (number > 0) {
        message[size - 1] ^= 1;
        other = *reader;
        require(handshake_read(&other, number, message, size) != 0, "a wrong message is read");
        message[size - 1] ^= 1;
    }
    require(handshake_read(reader, number, message, size) == 0, "handshake_read");
    require(memcmp(&writer->s, &reader->s, sizeof writer->s) == 0, "the sides differ");
    show("h", reader->s.h, 32);
    show("ck", reader->s.ck, 32);
}

static void say(struct direction *sending, struct direction *receiving, const char *text)
{
    static uint8_t frame[65537], plaintext[65519];
    size_t length = strlen(text);
    struct direction other = *receiving;
    require(seal_frame(sending, frame, (const uint8_t *)text, length) == 0, "seal_frame");
    show("frame", frame, length + 18);
    frame[2] ^= 1;
    require(open_message(&other, plaintext, frame + 2, length + 16) != 0, "a wrong tag is taken");
    for (size_t i = 0; i < length; i++) require(plaintext[i] == 0, "plaintext is left");
    frame[2] ^= 1;
    require(open_message(&other, plaintext, frame + 2, 15) != 0, "15 bytes are taken");
    require(open_message(receiving, plaintext, frame + 2, length + 16) == 0, "open_message");
    require(memcmp(plaintext, text, length) == 0, "another plaintext");
}

static void check_bounds(struct direction direction)
{
    static uint8_t out[65537], plaintext[65520];
    struct direction next = direction;
    require(seal_frame(&direction, out, plaintext, 65520) != 0, "a long message is sealed");
    require(seal_frame(&direction, out, plaintext, 65519) == 0, "a message of 65519 bytes");
    direction.n = UINT64_MAX;
    require(seal_frame(&direction, out, plaintext, 1) != 0, "message 2^64-1 is sealed");
    direction.n = (1 << 20) - 1;
    require(seal_frame(&direction, out, plaintext, 1) == 0, "the last message of a key");
    require(rekey(&next) == 0, "rekey");
    require(memcmp(direction.k, next.k, 32) == 0, "no next key after 2^20 messages");
    show("next", direction.k, 32);
}

int main(int count, char **arguments)
{
    struct handshake initiator, responder;
    struct direction a, b, c, d;
    uint8_t secret[32], point[32] = {1};
    require(crypto_start() == 0, "crypto_start");
    require(new_key(secret, initiator.static_public) == 0, "new_key");
    require(dh(initiator.psk, secret, point) != 0, "a point of low order is taken");
    require(network_key(secret, "") != 0, "an empty password is taken");
    start(&initiator, arguments, 1);
    start(&responder, arguments, 0);
    exchange(&initiator, &responder, 0);
    exchange(&responder, &initiator, 1);
    exchange(&initiator, &responder, 2);
    require(memcmp(initiator.remote_static, responder.static_public, 32) == 0, "whose key");
    require(memcmp(responder.remote_static, initiator.static_public, 32) == 0, "whose key");
    require(handshake_split(&initiator, &a, &b) == 0, "handshake_split");
    require(handshake_split(&responder, &c, &d) == 0, "handshake_split");
    show("key", a.k, 32);
    show("key", c.k, 32);
    check_bounds(a);
    check_bounds(c);
    for (int i = 8; i < count; i++) {
        int is_initiators = *arguments[i] == '>';
        say(is_initiators ? &a : &c, is_initiators ? &d : &b, arguments[i] + 1);
    }
    return 0;
}
`;

/** What the program has to print of a session. */
function expectedOf({ frames, transport, next }: PageSession): string[] {
  const handshake = frames.slice(0, 3).flatMap(({ bytes, steps }) => {
    const h = steps.findLast(({ values }) => values.h !== undefined)?.values.h;
    const ck = steps.findLast(({ values }) => values.ck !== undefined)?.values.ck;
    return [`message ${bytes.subarray(2).toHex()}`, `h ${h}`, `ck ${ck}`];
  });
  const keys = [transport, next].flatMap(({ initiator, responder }, index) =>
    [initiator, responder].map((key) => `${index === 0 ? "key" : "next"} ${key}`)
  );
  const messages = frames.slice(3).map(({ bytes }) => `frame ${bytes.toHex()}`);
  return [...handshake, ...keys, ...messages];
}

function argumentsOf(session: PageSession): string[] {
  const { protocol, prologue, password = "", keys, frames } = session;
  const secrets = (["initiator", "responder"] as Side[]).flatMap((side) => [
    keys[side]["static, private"] ?? "",
    keys[side]["ephemeral, private"] ?? "",
  ]);
  const messages = frames.slice(3).map(({ from, plaintext }) =>
    `${from === "initiator" ? ">" : "<"}${plaintext}`
  );
  return [protocol, prologue, password, ...secrets, ...messages];
}

Deno.test({
  name: `protocol_encrypted.md: its C code compiles and does the sessions of the page${NOTE}`,
  ignore: IS_MISSING,
  fn: () =>
    withTempDir(async (directory) => {
      const code = fences(page("protocol_encrypted.md"), "c").map(({ body }) => body);
      const source = `${directory}/channel.c`;
      const program = `${directory}/channel`;
      await Deno.writeTextFile(source, `${code.join("\n\n")}\n${MAIN}`);
      const compiled = await capture("cc", [...FLAGS, "-o", program, source, "-lgcrypt"]);
      assert.equal(compiled.code, 0, compiled.stderr);
      for (const session of pageSessions()) {
        const finished = await capture(program, argumentsOf(session));
        assert.equal(finished.code, 0, `${session.title}: ${finished.stderr}`);
        // Before the first secret there is no step that shows the chaining key: it is the start's.
        const start = `ck ${session.start[0]?.values.ck}`;
        const expected = expectedOf(session).map((line) => line === "ck undefined" ? start : line);
        assert.deepEqual(finished.stdout.trimEnd().split("\n"), expected);
      }
    }),
});
