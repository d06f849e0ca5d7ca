/*
 * Calls a driver's library for a service, in a process of its own: a driver that hangs, crashes or holds a lock does so
 * here. It knows no driver. What to call is data; see frames.h.
 *
 * The first thread reads what is asked. The second makes the calls. The process ends when its input does, whatever the
 * second is at.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../cuda-trace/old-glibc.h"
#include "frames.h"

/* Built where the C library is new, it runs where it is old: see scripts/build-native.mjs. */
OLD_GLIBC(dlopen);
OLD_GLIBC(dlsym);
OLD_GLIBC(dlerror);
OLD_GLIBC(pthread_create);

#define MOST_FUNCTIONS 256
#define MOST_PROGRAMS 64
#define MOST_FRAME (1u << 20)

struct frame {
  struct frame *next;
  uint32_t length;
  uint32_t kind;
  uint8_t bytes[];
};

struct program {
  uint8_t *bytes;
  uint32_t length;
};

static uint8_t *arena;
static void *functions[MOST_FUNCTIONS];
static uint32_t function_count;
static struct program programs[MOST_PROGRAMS];

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER;
static struct frame *first_frame;
static struct frame **last_frame = &first_frame;

/* Where answers go. Not stdout, into which a library may print. */
static int answers = STDOUT_FILENO;
static pthread_mutex_t output_lock = PTHREAD_MUTEX_INITIALIZER;

/* What the second thread is at, for FRAME_WHERE. */
static _Atomic int32_t at_call = -1;
static _Atomic uint64_t at_since;

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void begin(int32_t call) {
  at_since = nanoseconds();
  at_call = call;
}

/* A service that breaks the rules is not ours, or not of this version: there is nobody to tell. */
static void give_up(void) { _exit(2); }

static bool read_wholly(void *into, size_t length) {
  uint8_t *bytes = into;
  while (length > 0) {
    ssize_t got = read(STDIN_FILENO, bytes, length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    length -= (size_t)got;
  }
  return true;
}

static void write_wholly(const void *from, size_t length) {
  const uint8_t *bytes = from;
  while (length > 0) {
    ssize_t put = write(answers, bytes, length);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) _exit(0); /* nobody listens any more */
    bytes += put;
    length -= (size_t)put;
  }
}

/* `bytes` has room for the head in front: one write, so that the reader wakes once. */
static void answer(uint32_t kind, uint8_t *bytes, uint32_t length) {
  uint32_t head[2] = {length, kind};
  memcpy(bytes, head, sizeof head);
  pthread_mutex_lock(&output_lock);
  write_wholly(bytes, sizeof head + length);
  pthread_mutex_unlock(&output_lock);
}

/* ---- opening ---- */

/* The next of a list of texts; NULL after the last. */
static const char *next_text(const struct frame *frame, uint32_t *at) {
  const char *text = (const char *)frame->bytes + *at;
  size_t room = frame->length - *at;
  size_t length = strnlen(text, room);
  if (length == room) return NULL;
  *at += (uint32_t)length + 1;
  return text;
}

/* Names up to the empty one. A name without a slash is searched for by the loader, of which only its words tell whether
 * it has found none. */
static void *open_first(const struct frame *frame, uint32_t *at, const char **taken, uint32_t *state, char *words,
                        size_t room) {
  void *library = NULL;
  *state = 1;
  const char *name = next_text(frame, at);
  for (; name != NULL && *name != '\0'; name = next_text(frame, at)) {
    if (library != NULL || *state == 2) continue;
    *taken = name;
    library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (library != NULL) {
      *state = 0;
      continue;
    }
    snprintf(words, room, "%s", dlerror());
    bool absent = strchr(name, '/') != NULL ? access(name, F_OK) != 0 : strstr(words, name) == words && strstr(words, "No such file") != NULL;
    if (!absent) *state = 2;
  }
  return library;
}

/* Which of a call's symbols the library has; -1 for none. */
static int32_t bind_function(void *library, const struct frame *frame, uint32_t *at) {
  void *found = NULL;
  int32_t which = -1;
  const char *symbol = next_text(frame, at);
  for (int32_t index = 0; symbol != NULL && *symbol != '\0'; index++, symbol = next_text(frame, at)) {
    if (found != NULL || library == NULL) continue;
    found = dlsym(library, symbol);
    if (found != NULL) which = index;
  }
  functions[function_count++] = found;
  return which;
}

static void open_library(const struct frame *frame) {
  static uint8_t reply[8 + 8 + 4 + MOST_FUNCTIONS * 4 + 512];
  uint64_t begins = (uintptr_t)arena;
  char words[500] = "";
  const char *taken = "";
  uint32_t at = 0;
  uint32_t state;
  void *library = open_first(frame, &at, &taken, &state, words, sizeof words);
  uint8_t *put = reply + 8;
  memcpy(put, &begins, 8);
  memcpy(put + 8, &state, 4);
  put += 12;
  while (at < frame->length && function_count < MOST_FUNCTIONS) {
    if (frame->bytes[at] == '\0') break; /* what fills the last word */
    int32_t which = bind_function(library, frame, &at);
    memcpy(put, &which, 4);
    put += 4;
  }
  const char *text = state == 0 ? taken : words;
  size_t length = strnlen(text, sizeof words - 1);
  memcpy(put, text, length);
  memset(put + length, 0, 4);
  put += (length + 4) & ~(size_t)3;
  answer(FRAME_OPEN, reply, (uint32_t)(put - reply - 8));
}

/* ---- programs ---- */

static bool in_arena(uint32_t offset, uint32_t length) {
  return offset <= ARENA_BYTES && length <= ARENA_BYTES - offset;
}

/* The call at `at`, and where its arguments and its input stand. */
static bool next_call(const struct program *program, uint32_t *at, struct call *call, const uint32_t **arguments,
                      const uint8_t **input) {
  uint32_t left = program->length - *at;
  if (left < sizeof *call) return false;
  memcpy(call, program->bytes + *at, sizeof *call);
  uint64_t size = sizeof *call + (uint64_t)call->arguments * 8 + (((uint64_t)call->input + 3) & ~(uint64_t)3);
  if (size > left || call->arguments > MOST_ARGUMENTS || call->function >= function_count ||
      call->input > call->length || !in_arena(call->offset, call->length))
    give_up();
  *arguments = (const uint32_t *)(const void *)(program->bytes + *at + sizeof *call);
  *input = program->bytes + *at + sizeof *call + call->arguments * 8;
  *at += (uint32_t)size;
  return true;
}

static uintptr_t argument(uint32_t kind, uint32_t value) {
  if (kind == ARGUMENT_VALUE) return value;
  if (!in_arena(value, 8)) give_up();
  if (kind == ARGUMENT_ADDRESS) return (uintptr_t)(arena + value);
  uint64_t loaded;
  memcpy(&loaded, arena + value, sizeof loaded);
  return (uintptr_t)loaded;
}

/* Every argument is an integer or a pointer, which both of our platforms pass in registers: more than the function takes
 * do no harm. */
typedef int32_t any_call(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

static int32_t make(const struct call *call, const uint32_t *arguments, const uint8_t *input) {
  uint8_t *written = arena + call->offset;
  memset(written, (int)call->filler, call->length);
  memcpy(written, input, call->input);
  uintptr_t values[MOST_ARGUMENTS] = {0};
  for (uint32_t i = 0; i < call->arguments; i++) values[i] = argument(arguments[2 * i], arguments[2 * i + 1]);
  any_call *function = (any_call *)functions[call->function];
  return function(values[0], values[1], values[2], values[3], values[4], values[5]);
}

static void run(uint32_t number) {
  static uint8_t *reply;
  static size_t reply_room;
  if (number >= MOST_PROGRAMS || programs[number].bytes == NULL) give_up();
  const struct program *program = &programs[number];
  struct call call;
  const uint32_t *arguments;
  const uint8_t *input;
  size_t calls = 0, written = 0;
  for (uint32_t at = 0; next_call(program, &at, &call, &arguments, &input); calls++) written += call.length;
  size_t needed = 8 + calls * 8 + written + 4;
  if (needed > reply_room) {
    free(reply);
    reply = malloc(needed);
    reply_room = reply == NULL ? 0 : needed;
    if (reply == NULL) give_up();
  }
  uint8_t *codes = reply + 8;
  uint8_t *outputs = codes + calls * 8;
  uint32_t skipped = 0;
  int32_t index = 0;
  for (uint32_t at = 0; next_call(program, &at, &call, &arguments, &input); index++) {
    int32_t code = CODE_NOT_CALLED;
    uint32_t took = 0;
    bool is_made = skipped == 0 && functions[call.function] != NULL;
    if (skipped > 0) skipped--;
    if (is_made) {
      begin(index);
      code = make(&call, arguments, input);
      uint64_t passed = nanoseconds() - at_since;
      took = passed > UINT32_MAX ? UINT32_MAX : (uint32_t)passed;
    }
    if (code != 0 && call.needed_by > skipped) skipped = call.needed_by;
    memcpy(codes, &code, 4);
    memcpy(codes + 4, &took, 4);
    codes += 8;
    memcpy(outputs, arena + call.offset, call.length);
    outputs += call.length;
  }
  at_call = -1;
  answer(FRAME_RUN, reply, (uint32_t)(calls * 8 + ((written + 3) & ~(size_t)3)));
}

/* ---- the two threads ---- */

static void obey(const struct frame *frame) {
  uint32_t number = 0;
  if (frame->kind != FRAME_OPEN) {
    if (frame->length < 4) give_up();
    memcpy(&number, frame->bytes, 4);
  }
  if (frame->kind == FRAME_OPEN) {
    begin(-2);
    open_library(frame);
    at_call = -1;
  } else if (frame->kind == FRAME_PROGRAM) {
    if (number >= MOST_PROGRAMS) give_up();
    struct program *program = &programs[number];
    free(program->bytes);
    program->length = frame->length - 4;
    program->bytes = malloc(program->length + 1);
    if (program->bytes == NULL) give_up();
    memcpy(program->bytes, frame->bytes + 4, program->length);
  } else if (frame->kind == FRAME_RUN) {
    run(number);
  } else {
    give_up();
  }
}

static void *call_driver(void *unused) {
  for (;;) {
    pthread_mutex_lock(&queue_lock);
    while (first_frame == NULL) pthread_cond_wait(&queue_filled, &queue_lock);
    struct frame *frame = first_frame;
    first_frame = frame->next;
    if (first_frame == NULL) last_frame = &first_frame;
    pthread_mutex_unlock(&queue_lock);
    obey(frame);
    free(frame);
  }
  return unused;
}

static void enqueue(struct frame *frame) {
  pthread_mutex_lock(&queue_lock);
  frame->next = NULL;
  *last_frame = frame;
  last_frame = &frame->next;
  pthread_cond_signal(&queue_filled);
  pthread_mutex_unlock(&queue_lock);
}

static void tell_where(void) {
  int32_t call = at_call;
  uint32_t milliseconds = call == -1 ? 0 : (uint32_t)((nanoseconds() - at_since) / 1000000u);
  uint8_t reply[16];
  memcpy(reply + 8, &call, 4);
  memcpy(reply + 12, &milliseconds, 4);
  answer(FRAME_WHERE, reply, 8);
}

#ifdef OWN_START
/* What a compiler brings for the start of a program binds it to the C library that it was built with. */
#ifdef __x86_64__
__asm__(".globl _start\n_start: xorl %ebp, %ebp\nandq $-16, %rsp\ncall main\nhlt\n");
#else
__asm__(".globl _start\n_start: mov x29, xzr\nmov x30, xzr\nbl main\nbrk #0\n");
#endif
#endif

/* One that hangs in the kernel outlives its service: it must not keep a port of its. */
static void close_others(void) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0) return;
#endif
  for (int file = 3; file < 1024; file++) close(file);
}

/* What a library prints goes where its errors go; what it starts has neither. */
static void keep_output(void) {
  answers = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (answers < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) give_up();
}

int main(void) {
  close_others();
  keep_output();
  /* Who ends the service's whole group of processes would end us before it has closed: it ends us itself. */
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  arena = calloc(1, ARENA_BYTES);
  pthread_t caller;
  if (arena == NULL || pthread_create(&caller, NULL, call_driver, NULL) != 0) give_up();
  uint32_t head[2];
  while (read_wholly(head, sizeof head)) {
    if (head[0] > MOST_FRAME) give_up();
    struct frame *frame = malloc(sizeof *frame + head[0] + 1);
    if (frame == NULL) give_up();
    frame->length = head[0];
    frame->kind = head[1];
    if (!read_wholly(frame->bytes, frame->length)) break;
    frame->bytes[frame->length] = 0;
    if (frame->kind != FRAME_WHERE) {
      enqueue(frame);
      continue;
    }
    tell_where();
    free(frame);
  }
  _exit(0);
}
