/*
 * The least a server can do, as a yardstick: accept, read a request, write an answer, close. One
 * thread and epoll.
 *
 *     epoll PORT ANSWER_FILE
 *
 * Every request gets the bytes of the file. It serves until it is killed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_EVENTS = 64, BACKLOG = 4096, REQUEST_BYTES = 4096, MAX_FD = 65536 };

static char *answer;
static size_t answer_length;

/* Per connection: bytes of the answer written; 0 while the request is awaited. */
static size_t written[MAX_FD];

static void read_answer(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) {
    fprintf(stderr, "epoll: cannot read %s: %s\n", path, strerror(errno));
    exit(66);
  }
  answer_length = (size_t)ftell(file);
  rewind(file);
  answer = malloc(answer_length);
  if (!answer || fread(answer, 1, answer_length, file) != answer_length) {
    fprintf(stderr, "epoll: cannot read all of %s\n", path);
    exit(66);
  }
  fclose(file);
}

static int listen_on(int port) {
  /* Both families on one socket, as the masterserver does it. */
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1, off = 0;
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0) {
    fprintf(stderr, "epoll: cannot listen on port %d: %s\n", port, strerror(errno));
    exit(69);
  }
  return fd;
}

static void watch(int poll, int fd, uint32_t events, int operation) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  epoll_ctl(poll, operation, fd, &event);
}

static void accept_all(int poll, int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (fd >= MAX_FD) {
      close(fd);
      continue;
    }
    written[fd] = 0;
    watch(poll, fd, EPOLLIN, EPOLL_CTL_ADD);
  }
}

static void serve(int poll, int fd, uint32_t events) {
  if (events & EPOLLIN) {
    char request[REQUEST_BYTES];
    if (read(fd, request, sizeof request) <= 0) {
      close(fd);
      return;
    }
  }
  while (written[fd] < answer_length) {
    ssize_t n = send(fd, answer + written[fd], answer_length - written[fd], MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) {
      watch(poll, fd, EPOLLOUT, EPOLL_CTL_MOD);
      return;
    }
    if (n < 0) break;
    written[fd] += (size_t)n;
  }
  close(fd);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: epoll PORT ANSWER_FILE\n");
    return 64;
  }
  read_answer(argv[2]);
  int listener = listen_on(atoi(argv[1]));
  int poll = epoll_create1(EPOLL_CLOEXEC);
  watch(poll, listener, EPOLLIN, EPOLL_CTL_ADD);
  struct epoll_event events[MAX_EVENTS];
  for (;;) {
    int ready = epoll_wait(poll, events, MAX_EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.fd == listener) accept_all(poll, listener);
      else serve(poll, events[i].data.fd, events[i].events);
    }
  }
}
