/*
 * The least a server of encrypted lists can do, as a yardstick: read a request, seal the answer's
 * messages one after the other with libgcrypt, send each. One thread; a connection stays open for the
 * next request.
 *
 *     sealing PORT MESSAGES_FILE
 *
 * The file has plaintexts, each behind its length in two bytes, big end first. Frames go out in the
 * same form, sealed with ChaCha20-Poly1305. There is no handshake, and what a request says does not
 * matter: whatever is read at once is one request. It serves until it is killed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <gcrypt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  MAX_EVENTS = 64,
  BACKLOG = 4096,
  REQUEST_BYTES = 4096,
  KEY = 32,
  TAG = 16,
  NONCE = 12,
  LENGTH = 2,
  MAX_BYTES = 65535 - TAG,
};

static uint8_t *messages;
static size_t messages_length;
static gcry_cipher_hd_t cipher;
static uint64_t next_number;

static void read_messages(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) {
    fprintf(stderr, "sealing: cannot read %s: %s\n", path, strerror(errno));
    exit(66);
  }
  messages_length = (size_t)ftell(file);
  rewind(file);
  messages = malloc(messages_length);
  if (!messages || fread(messages, 1, messages_length, file) != messages_length) {
    fprintf(stderr, "sealing: cannot read all of %s\n", path);
    exit(66);
  }
  fclose(file);
  for (size_t at = 0; at < messages_length;) {
    size_t length = MAX_BYTES + 1;
    if (at + 1 < messages_length) length = (size_t)messages[at] << 8 | messages[at + 1];
    at += LENGTH + length;
    if (length <= MAX_BYTES && at <= messages_length) continue;
    fprintf(stderr, "sealing: %s has no messages of at most %d bytes\n", path, MAX_BYTES);
    exit(66);
  }
}

static void open_cipher(void) {
  static const uint8_t key[KEY] = {1};
  if (!gcry_check_version("1.9.0")) exit(70);
  gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
  gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
  if (gcry_cipher_open(&cipher, GCRY_CIPHER_CHACHA20, GCRY_CIPHER_MODE_POLY1305, 0) != 0 ||
      gcry_cipher_setkey(cipher, key, KEY) != 0) {
    fprintf(stderr, "sealing: libgcrypt has no ChaCha20-Poly1305 here\n");
    exit(70);
  }
}

static size_t seal(const uint8_t *plain, size_t length, uint8_t *frame) {
  uint8_t nonce[NONCE] = {0};
  for (int i = 0; i < 8; i++) nonce[4 + i] = (uint8_t)(next_number >> (8 * i));
  next_number++;
  frame[0] = (uint8_t)((length + TAG) >> 8);
  frame[1] = (uint8_t)(length + TAG);
  if (gcry_cipher_setiv(cipher, nonce, NONCE) != 0 ||
      gcry_cipher_encrypt(cipher, frame + LENGTH, length, plain, length) != 0 ||
      gcry_cipher_gettag(cipher, frame + LENGTH + length, TAG) != 0)
    exit(70);
  return LENGTH + length + TAG;
}

static int listen_on(int port) {
  /* Both families on one socket, as the masterserver does it. */
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1, off = 0;
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0) {
    fprintf(stderr, "sealing: cannot listen on port %d: %s\n", port, strerror(errno));
    exit(69);
  }
  return fd;
}

static void watch(int poll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}

static void accept_one(int poll, int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), on = 1;
  if (fd < 0) return;
  /* Else the last frame may wait 40 ms for the client to acknowledge the one before it. */
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  watch(poll, fd);
}

/* Waits until all of it is with the system: there is one request at a time. */
static int send_all(int fd, const uint8_t *bytes, size_t length) {
  for (size_t sent = 0; sent < length;) {
    ssize_t n = send(fd, bytes + sent, length - sent, MSG_NOSIGNAL);
    if (n < 0) return 0;
    sent += (size_t)n;
  }
  return 1;
}

static void serve(int fd) {
  static uint8_t request[REQUEST_BYTES], frame[LENGTH + MAX_BYTES + TAG];
  int open = read(fd, request, sizeof request) > 0;
  for (size_t at = 0; open && at < messages_length;) {
    size_t length = (size_t)messages[at] << 8 | messages[at + 1];
    open = send_all(fd, frame, seal(messages + at + LENGTH, length, frame));
    at += LENGTH + length;
  }
  if (!open) close(fd);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: sealing PORT MESSAGES_FILE\n");
    return 64;
  }
  read_messages(argv[2]);
  open_cipher();
  int listener = listen_on(atoi(argv[1]));
  int poll = epoll_create1(EPOLL_CLOEXEC);
  watch(poll, listener);
  struct epoll_event events[MAX_EVENTS];
  for (;;) {
    int ready = epoll_wait(poll, events, MAX_EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.fd == listener) accept_one(poll, listener);
      else serve(events[i].data.fd);
    }
  }
}
