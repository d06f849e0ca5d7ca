/*
 * A stub of what accelmeter's Metal backend calls on macOS: the Objective-C runtime, Foundation, Metal, IOKit and
 * CoreFoundation, with as much behaviour as those calls need. It is written from Apple's documentation and headers and
 * has never been compared with a Mac: what passes on it is right by that documentation, and no more.
 *
 * It is strict where the real ones only go wrong later: a message to an object that was deallocated, one outside of any
 * autorelease pool (where what it leaves behind is never given back), one that no method answers, a structure asked for through the wrong entry, and one release too many end the process with a
 * sentence. Everything that is counted is counted, so that tests can ask whether all was given back.
 */
#ifndef METAL_STUB_H
#define METAL_STUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

typedef const char *SEL;
typedef struct object *id;

struct method {
  const char *selector;
  void (*code)(void);
  /* True where it gives a structure of more than 16 bytes, for which x86-64 has another entry. */
  bool gives_structure;
};
#define METHOD(selector, code) {selector, (void (*)(void))(code), false}
#define STRUCTURE_METHOD(selector, code) {selector, (void (*)(void))(code), true}
#define END_OF_METHODS {NULL, NULL, false}

/* An Objective-C class. `isa` first, as in every object: a class is one. */
struct class {
  const struct class *isa;
  const char *name;
  const struct method *class_methods;
  const struct method *methods;
  size_t size;
  /* Gives back what an instance holds; NULL where it holds nothing. */
  void (*dealloc)(id self);
};

/* What every object begins with. */
struct object {
  const struct class *isa;
  long retains;
  bool dead;
};

/* Ends the process: a program that did this on macOS would crash, or would be wrong without anybody noticing. */
_Noreturn void stub_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

void stub_register(const struct class *class);
id stub_new(const struct class *class);
id stub_retain(id object);
void stub_release(id object);
id stub_autorelease(id object);
/* Objects of classes that are not deallocated; open autorelease pools; objects that were autoreleased with none open. */
long stub_live_objects(void);
long stub_open_pools(void);
long stub_unpooled(void);

/* foundation.c */
id stub_string(const char *text); /* autoreleased */
const char *stub_text(id string);
id stub_error(const char *domain, long code, const char *text); /* autoreleased */
id stub_data(const void *bytes, size_t length);                 /* autoreleased */
id stub_array(const id *objects, size_t count);                 /* with one reference, the caller's */
void stub_register_foundation(void);

/* metal.c, counters.c, command-buffers.c */
void stub_register_metal(void);
void stub_register_counters(void);
void stub_register_command_buffers(void);

/* iokit.c */
long stub_live_core_foundation(void);
long stub_live_services(void);

/* The threads of a grid, and Foundation's range. */
struct size {
  uint64_t width, height, depth;
};
struct range {
  uint64_t location, length;
};

enum { MOST_DEVICES = 8, MOST_FAMILIES = 16, MOST_NAMES = 16 };

/* A GPU of the scenario. */
struct device_facts {
  uint64_t registry;
  char name[64];
  bool unified, low_power, removable, headless;
  uint64_t working_set, allocated;
  long families[MOST_FAMILIES];
  int family_count;
  struct size threads;
  /* Where counters can be sampled: 0 at stage boundaries, 2 at dispatch boundaries, -1 nowhere. */
  int counters;
  double gpu_hertz;
  /* False: no service in the IO registry has its id. */
  bool accelerator;
  /* What PerformanceStatistics says; -1: no such key. */
  double utilization, in_use, vram_used;
  /* The same, as AMD's drivers say it, and what only they say. */
  double gpu_activity, video_in_use, temperature, power, core_clock, memory_clock;
  /* How long a command buffer waits after it was scheduled, and runs, in microseconds. */
  double queue_us, gpu_us;
  /* The error code that command buffers end with; 0: they succeed. */
  long error;
  bool removed;
};

/* The machine as the scenario has it. */
struct machine {
  long macos[3];
  long thermal;
  /* How long it has slept since it booted: the clock that counts sleep is ahead by that. */
  double slept;
  struct device_facts devices[MOST_DEVICES];
  int device_count;
  /* Calls and messages that give nothing, and messages that no object answers. */
  char nil[MOST_NAMES][64];
  int nil_count;
  char lacking[MOST_NAMES][64];
  int lacking_count;
};
struct machine *stub_machine(void);
bool stub_gives_nil(const char *name);
bool stub_lacks(const char *name);

/* Nanoseconds that the machine was awake since it booted. */
uint64_t stub_uptime(void);

#endif
