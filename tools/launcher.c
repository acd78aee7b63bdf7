// The front of the single-file program that compile.ts builds where `deno compile` cannot get its
// runtime. It starts the deno executable that lies further back in this same file, on the program
// that lies behind it, with the assets that the program imports when it needs them.
//
//   launcher | zeros up to a multiple of 64 KiB | deno | program | asset … | flags | footer
//
// The kernel cannot execute a file at an offset. Copying deno out first costs time and about
// 100 MB of memory that no other process shares and that only swap takes back. So this does for
// deno what the kernel does for any program: map its segments, and those of the dynamic loader
// that it names, straight from the file, lay out arguments, environment and auxiliary vector on
// the stack, and jump. It is still the same process: signals, process id and command line stay.

#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum {
  EXIT_OS_ERROR = 71,       // EX_OSERR of sysexits.h
  MAX_PROGRAM_HEADERS = 64, // deno has 10, ld.so 11
  MAX_INTERPRETER = 256,    // the longest in use has about 30 bytes
  // The program and its flags name these descriptors: above what a shell hands on, and with all
  // files below the 256 that the strictest usual limit allows.
  FIRST_DESCRIPTOR = 128,
  MAX_FILES = 64,
};

// What compile.ts writes last. Little-endian, as both architectures are.
struct footer {
  uint64_t file_lengths[MAX_FILES]; // of the program, then of each asset
  uint64_t file_count;
  uint64_t runtime_offset;
  uint64_t runtime_length;
  uint64_t flags_length;
  char magic[8];
};
static const char MAGIC[8] = {'N', 'P', 'M', 'S', 'T', 'R', '0', '2'};

// Deno's own variables can widen permissions, pass flags to V8 or load code; Node's can load code;
// OpenTelemetry's can send data elsewhere. None is part of this program's interface.
static const char *const DROPPED[] = {"DENO_", "NODE_", "OTEL_"};

// Deno insists on a cache directory and makes it where it can. Nothing can be made in /proc, so
// nothing is left on disk, whoever runs this; and it must not look for newer releases of itself.
static char *const ADDED[] = {"DENO_DIR=/proc/no-deno-dir", "DENO_NO_UPDATE_CHECK=1"};
enum { ADDED_COUNT = sizeof ADDED / sizeof *ADDED };

static const char MORE_FILES[] = "allow this program 256 open files or more (`ulimit -n 256`)";

struct image {
  uintptr_t bias;
  uintptr_t entry;
  uintptr_t headers;
  size_t header_count;
  char interpreter[MAX_INTERPRETER];
};

_Noreturn static void fail(const char *what, const char *advice) {
  dprintf(STDERR_FILENO, "masterserver: %s: %s; %s\n", what, strerror(errno), advice);
  exit(EXIT_OS_ERROR);
}

static void read_at(int file, void *into, size_t length, off_t offset) {
  ssize_t count = pread(file, into, length, offset);
  if (count == (ssize_t)length) return;
  if (count >= 0) errno = ENODATA;
  fail("cannot read the program file", "copy the file again from where it came");
}

static uintptr_t down(uintptr_t address, uintptr_t unit) { return address & ~(unit - 1); }
static uintptr_t up(uintptr_t address, uintptr_t unit) { return down(address + unit - 1, unit); }

static void map(uintptr_t from, uintptr_t to, int protection, int flags, int file, off_t offset) {
  void *at = mmap((void *)from, to - from, protection, MAP_PRIVATE | MAP_FIXED | flags, file, offset);
  if (at == MAP_FAILED) {
    fail("cannot map the runtime into memory",
         "allow this program more address space, and execution from its file system");
  }
}

static void map_segment(int file, off_t base, const ElfW(Phdr) * segment, uintptr_t bias) {
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  const int protection = (segment->p_flags & PF_R ? PROT_READ : 0) |
                         (segment->p_flags & PF_W ? PROT_WRITE : 0) |
                         (segment->p_flags & PF_X ? PROT_EXEC : 0);
  const uintptr_t start = bias + segment->p_vaddr;
  const uintptr_t file_end = start + segment->p_filesz;
  const uintptr_t first_page = down(start, page);
  const uintptr_t file_pages_end = up(file_end, page);
  const uintptr_t pages_end = up(start + segment->p_memsz, page);
  if (segment->p_filesz > 0) {
    map(first_page, file_end, protection, 0, file,
        base + (off_t)segment->p_offset - (off_t)(start - first_page));
  }
  if (segment->p_memsz > segment->p_filesz) {
    // To the end of the page, past the segment's own: ld.so takes its first memory from there and
    // counts on zeros, as the kernel leaves them.
    if (segment->p_flags & PF_W) memset((void *)file_end, 0, file_pages_end - file_end);
    if (pages_end > file_pages_end) {
      map(file_pages_end, pages_end, protection, MAP_ANONYMOUS, -1, 0);
    }
  }
}

// Maps the position-independent ELF image at `base` in `file`.
static struct image map_image(int file, off_t base) {
  struct image image = {0};
  ElfW(Ehdr) header;
  ElfW(Phdr) segments[MAX_PROGRAM_HEADERS];
  read_at(file, &header, sizeof header, base);
  if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_type != ET_DYN ||
      header.e_phnum > MAX_PROGRAM_HEADERS) {
    errno = ENOEXEC;
    fail("cannot start the runtime", "build this file again with `deno task compile`");
  }
  read_at(file, segments, header.e_phnum * sizeof *segments, base + (off_t)header.e_phoff);

  uintptr_t lowest = UINTPTR_MAX, end = 0, alignment = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (size_t i = 0; i < header.e_phnum; i++) {
    const ElfW(Phdr) *segment = &segments[i];
    if (segment->p_type == PT_INTERP && segment->p_filesz < sizeof image.interpreter) {
      read_at(file, image.interpreter, segment->p_filesz, base + (off_t)segment->p_offset);
    }
    if (segment->p_type != PT_LOAD) continue;
    if (segment->p_vaddr < lowest) lowest = segment->p_vaddr;
    if (segment->p_vaddr + segment->p_memsz > end) end = segment->p_vaddr + segment->p_memsz;
    if (segment->p_align > alignment) alignment = segment->p_align;
  }
  lowest = down(lowest, alignment);

  // One reservation for the whole image, so that its segments keep their distances.
  void *room = mmap(NULL, end - lowest + alignment, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) {
    fail("cannot reserve memory for the runtime", "allow this program more address space");
  }
  image.bias = up((uintptr_t)room, alignment) - lowest;
  for (size_t i = 0; i < header.e_phnum; i++) {
    const ElfW(Phdr) *segment = &segments[i];
    if (segment->p_type != PT_LOAD) continue;
    map_segment(file, base, segment, image.bias);
    if (header.e_phoff >= segment->p_offset &&
        header.e_phoff < segment->p_offset + segment->p_filesz) {
      image.headers = image.bias + segment->p_vaddr + header.e_phoff - segment->p_offset;
    }
  }
  image.entry = image.bias + header.e_entry;
  image.header_count = header.e_phnum;
  return image;
}

static struct footer read_footer(int file, off_t *footer_at) {
  struct stat status;
  struct footer footer;
  if (fstat(file, &status) != 0) fail("cannot examine the program file", "check the disk");
  *footer_at = status.st_size - (off_t)sizeof footer;
  read_at(file, &footer, sizeof footer, *footer_at);
  uint64_t length = footer.runtime_offset + footer.runtime_length + footer.flags_length;
  for (size_t i = 0; i < MAX_FILES; i++) length += footer.file_lengths[i];
  if (memcmp(footer.magic, MAGIC, sizeof MAGIC) != 0 || length != (uint64_t)*footer_at ||
      footer.file_count > MAX_FILES) {
    errno = ENOEXEC;
    fail("the program file is damaged or incomplete", "copy the file again from where it came");
  }
  return footer;
}

// Deno reads modules and assets from paths only. A sealed file in memory has one,
// /proc/self/fd/DESCRIPTOR, and nobody can change it: the program is read again for every Worker.
static void put_in_memory(int file, off_t offset, uint64_t length, int descriptor) {
  int memory = memfd_create("masterserver", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (memory < 0 && errno == EINVAL) { // before Linux 6.3
    memory = memfd_create("masterserver", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  }
  if (memory < 0) fail("cannot hold the program in memory", "allow this program more memory");
  while (length > 0) {
    ssize_t count = sendfile(memory, file, &offset, length);
    if (count == 0) errno = ENODATA;
    if (count <= 0) fail("cannot copy the program into memory", "allow this program more memory");
    length -= (uint64_t)count;
  }
  if (fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    fail("cannot seal the program in memory", "run it on Linux 3.17 or newer");
  }
  // What whoever started this left open under that number is of no use here.
  if (memory == descriptor) return;
  if (dup3(memory, descriptor, O_CLOEXEC) < 0) fail("cannot open the program", MORE_FILES);
  close(memory);
}

static int dropped(const char *variable) {
  for (size_t i = 0; i < sizeof DROPPED / sizeof *DROPPED; i++) {
    if (strncmp(variable, DROPPED[i], strlen(DROPPED[i])) == 0) return 1;
  }
  return 0;
}

// This libc's claim on restartable sequences would keep deno's from making its own.
static void release_thread_state(void) {
#ifdef RSEQ_SIG
  if (__rseq_size > 0) {
    char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
    syscall(SYS_rseq, area, sizeof(struct rseq), RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
  }
#endif
}

_Noreturn static void enter(uintptr_t *stack, uintptr_t entry) {
  release_thread_state();
#if defined(__x86_64__)
  __asm__ volatile("mov %0, %%rsp\n\txor %%edx, %%edx\n\txor %%ebp, %%ebp\n\tjmp *%1"
                   :
                   : "D"(stack), "S"(entry)
                   : "memory", "rdx");
#elif defined(__aarch64__)
  __asm__ volatile("mov sp, %0\n\tmov x0, xzr\n\tmov x29, xzr\n\tmov x30, xzr\n\tbr %1"
                   :
                   : "r"(stack), "r"(entry)
                   : "memory", "x0", "x30");
#else
#error "this launcher knows x86_64 and aarch64"
#endif
  __builtin_unreachable();
}

int main(int argc, char **argv) {
  const int executable = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (executable < 0) {
    fail("cannot open /proc/self/exe",
         "mount /proc (in a chroot: `mount -t proc proc DIRECTORY/proc`) and let its user read this file");
  }
  // Out of the way of the program's files, which also tells whether those may be opened.
  const int file = fcntl(executable, F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR + MAX_FILES);
  if (file < 0) {
    errno = EMFILE; // which is EINVAL here
    fail("cannot open the program", MORE_FILES);
  }
  close(executable);
  off_t flags_end;
  const struct footer footer = read_footer(file, &flags_end);
  off_t file_at = (off_t)(footer.runtime_offset + footer.runtime_length);
  for (int i = 0; i < (int)footer.file_count; i++) {
    put_in_memory(file, file_at, footer.file_lengths[i], FIRST_DESCRIPTOR + i);
    file_at += (off_t)footer.file_lengths[i];
  }

  // Each flag ends with a zero byte; the first is the runtime's own name, the last the program's.
  char *flags = malloc(footer.flags_length + 1);
  if (flags == NULL) fail("cannot read the runtime's flags", "allow this program more memory");
  read_at(file, flags, footer.flags_length, flags_end - (off_t)footer.flags_length);
  char *const flags_stop = flags + footer.flags_length;
  size_t flag_count = 0;
  for (const char *flag = flags; flag < flags_stop; flag += strlen(flag) + 1) flag_count++;

  struct image runtime = map_image(file, (off_t)footer.runtime_offset);
  const int loader_file = open(runtime.interpreter, O_RDONLY | O_CLOEXEC);
  if (loader_file < 0) {
    fail(runtime.interpreter,
         "install the C library; a chroot needs this file and what `ldd` lists for deno");
  }
  const struct image loader = map_image(loader_file, 0);
  close(loader_file);
  close(file);

  size_t variable_count = 0;
  while (environ[variable_count] != NULL) variable_count++;
  const ElfW(auxv_t) *vector = (const ElfW(auxv_t) *)(environ + variable_count + 1);
  size_t vector_count = 1;
  while (vector[vector_count - 1].a_type != AT_NULL) vector_count++;

  // The layout that a program finds on its stack: argument count, arguments, NULL, environment,
  // NULL, auxiliary vector. 16-byte alignment is the ABI's.
  const size_t words = 1 + flag_count + (size_t)argc + 1 + variable_count + ADDED_COUNT + 1 +
                       2 * vector_count;
  uintptr_t *const stack =
      (uintptr_t *)up((uintptr_t)__builtin_alloca(words * sizeof(uintptr_t) + 16), 16);
  uintptr_t *next = stack + 1;
  for (char *flag = flags; flag < flags_stop; flag += strlen(flag) + 1) *next++ = (uintptr_t)flag;
  for (int i = 1; i < argc; i++) *next++ = (uintptr_t)argv[i];
  *stack = (uintptr_t)(next - stack - 1);
  *next++ = 0;
  for (size_t i = 0; i < variable_count; i++) {
    if (!dropped(environ[i])) *next++ = (uintptr_t)environ[i];
  }
  for (size_t i = 0; i < ADDED_COUNT; i++) *next++ = (uintptr_t)ADDED[i];
  *next++ = 0;
  for (size_t i = 0; i < vector_count; i++) {
    const uintptr_t type = vector[i].a_type;
    *next++ = type;
    *next++ = type == AT_PHDR    ? runtime.headers
              : type == AT_PHNUM ? runtime.header_count
              : type == AT_ENTRY ? runtime.entry
              : type == AT_BASE  ? loader.bias
                                 : vector[i].a_un.a_val;
  }
  enter(stack, loader.entry);
}
