/*
 * Load for the benchmarks: sends requests over loopback, a fixed number of them, from a few
 * connections at a time that each wait for their answer before they go on.
 *
 *     load PORT COUNT PARALLEL SECONDS FIRST CLIENTS BYTES REQUEST
 *
 * Request number I (FIRST, FIRST+1, …) comes from the address of client I modulo CLIENTS, so that
 * a heartbeat comes from where its server is registered and no port runs out. REQUEST is sent as it
 * stands. An answer is good when it ends with \final\ and, unless BYTES is 0, is BYTES long. It
 * ends after SECONDS whether or not all is sent, and prints one line of JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  MAX_COUNT = 1000000,  /* Nobody should be able to start an endless load by a slip. */
  MAX_PARALLEL = 64,
  MAX_SECONDS = 60,
  MAX_CLIENTS = 1000000,
  ANSWER_SECONDS = 10,  /* An answer that takes longer is a failure. */
  READ_BYTES = 256 * 1024,
};

static const char END[] = "\\final\\";
static const size_t END_LENGTH = sizeof END - 1;

static int port;
static long count, parallel, seconds, first, clients, expected;
static const char *request;
static size_t request_length;
static uint64_t deadline;
static atomic_long next_number;
static atomic_long failed;
static uint32_t *latencies; /* Microseconds; 0 is a request that failed or was not sent. */

static uint64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* 127.16.1.1 and on; bench/_population.ts gives its servers the same addresses. */
static in_addr_t client_address(long client) {
  uint32_t c = (uint32_t)client;
  return htonl(127u << 24 | (16 + c / 64516) << 16 | (1 + c / 254 % 254) << 8 | (1 + c % 254));
}

static int connect_from(long client) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  struct timeval patience = {.tv_sec = ANSWER_SECONDS};
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = client_address(client)};
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(fd, (struct sockaddr *)&from, sizeof from) == 0 &&
      connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
    return fd;
  close(fd);
  return -1;
}

static int ends_well(const char *tail) { return memcmp(tail, END, END_LENGTH) == 0; }

/* One request from connect to the whole answer. */
static int ask(long client, char *buffer) {
  int fd = connect_from(client);
  if (fd < 0) return 0;
  int good = 0;
  if (send(fd, request, request_length, MSG_NOSIGNAL) == (ssize_t)request_length) {
    /* The answer's last bytes, kept in front of what is read next. */
    size_t total = 0, kept = 0;
    for (;;) {
      ssize_t got = recv(fd, buffer + kept, READ_BYTES, 0);
      if (got <= 0) break;
      total += (size_t)got;
      size_t held = kept + (size_t)got;
      if (held >= END_LENGTH && ends_well(buffer + held - END_LENGTH)) {
        good = expected == 0 || total == (size_t)expected;
        break;
      }
      kept = held < END_LENGTH ? held : END_LENGTH;
      memmove(buffer, buffer + held - kept, kept);
    }
  }
  close(fd);
  return good;
}

static void *worker(void *unused) {
  (void)unused;
  char *buffer = malloc(READ_BYTES + END_LENGTH);
  if (!buffer) return NULL;
  for (;;) {
    long number = atomic_fetch_add(&next_number, 1);
    uint64_t started = now_us();
    if (number >= count || started >= deadline) break;
    if (ask((first + number) % clients, buffer)) {
      uint64_t took = now_us() - started;
      latencies[number] = took == 0 ? 1 : (uint32_t)took;
    } else {
      atomic_fetch_add(&failed, 1);
    }
  }
  free(buffer);
  return NULL;
}

static long argument(char **argv, int index, const char *name, long least, long most) {
  char *end;
  errno = 0;
  long value = strtol(argv[index], &end, 10);
  if (errno != 0 || *end != '\0' || end == argv[index] || value < least || value > most) {
    fprintf(stderr, "load: %s is \"%s\", give a number from %ld to %ld\n", name, argv[index],
            least, most);
    exit(64);
  }
  return value;
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc != 9) {
    fprintf(stderr, "usage: load PORT COUNT PARALLEL SECONDS FIRST CLIENTS BYTES REQUEST\n");
    return 64;
  }
  port = (int)argument(argv, 1, "PORT", 1, 65535);
  count = argument(argv, 2, "COUNT", 1, MAX_COUNT);
  parallel = argument(argv, 3, "PARALLEL", 1, MAX_PARALLEL);
  seconds = argument(argv, 4, "SECONDS", 1, MAX_SECONDS);
  first = argument(argv, 5, "FIRST", 0, INT32_MAX);
  clients = argument(argv, 6, "CLIENTS", 1, MAX_CLIENTS);
  expected = argument(argv, 7, "BYTES", 0, INT32_MAX);
  request = argv[8];
  request_length = strlen(request);
  latencies = calloc((size_t)count, sizeof *latencies);
  if (!latencies) {
    fprintf(stderr, "load: no memory for %ld latencies, ask for fewer requests\n", count);
    return 70;
  }

  uint64_t started = now_us();
  deadline = started + (uint64_t)seconds * 1000000;
  pthread_t threads[MAX_PARALLEL];
  long running = 0;
  while (running < parallel && pthread_create(&threads[running], NULL, worker, NULL) == 0)
    running++;
  for (long i = 0; i < running; i++) pthread_join(threads[i], NULL);
  uint64_t took = now_us() - started;

  qsort(latencies, (size_t)count, sizeof *latencies, ascending);
  long unanswered = 0;
  while (unanswered < count && latencies[unanswered] == 0) unanswered++;
  long good = count - unanswered;
  uint32_t *sorted = latencies + unanswered;
  printf("{\"good\":%ld,\"failed\":%ld,\"p50\":%u,\"p99\":%u,\"microseconds\":%llu}\n", good,
         (long)failed, good ? sorted[(good - 1) / 2] : 0, good ? sorted[(good - 1) * 99 / 100] : 0,
         (unsigned long long)took);
  return 0;
}
