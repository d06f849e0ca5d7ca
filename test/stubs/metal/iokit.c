/*
 * As much of CoreFoundation and IOKit as reading one property of one service takes: strings, numbers and dictionaries,
 * counted; matching by registry id; the statistics of a GPU's driver.
 */
#include "stub.h"

#include <stdlib.h>
#include <string.h>

typedef struct thing *CFTypeRef;

EXPORT CFTypeRef CFStringCreateWithCString(void *allocator, const char *text, uint32_t encoding);
EXPORT void CFRelease(CFTypeRef thing);
EXPORT unsigned long CFGetTypeID(CFTypeRef thing);
EXPORT unsigned long CFDictionaryGetTypeID(void);
EXPORT unsigned long CFNumberGetTypeID(void);
EXPORT CFTypeRef CFDictionaryGetValue(CFTypeRef dictionary, CFTypeRef key);
EXPORT uint8_t CFNumberGetValue(CFTypeRef number, long type, void *value);
EXPORT CFTypeRef IORegistryEntryIDMatching(uint64_t id);
EXPORT uint32_t IOServiceGetMatchingService(uint32_t port, CFTypeRef matching);
EXPORT CFTypeRef IORegistryEntryCreateCFProperty(uint32_t entry, CFTypeRef key, void *allocator, uint32_t options);
EXPORT int32_t IOObjectRelease(uint32_t object);

enum { STRING = 7, DICTIONARY = 18, NUMBER = 22, MOST_ENTRIES = 16, MOST_SERVICES = 64 };
enum { UTF8 = 0x08000100, DOUBLE = 13 };

/* A thing of CoreFoundation. */
struct thing {
  unsigned long type;
  long retains;
  char text[64];
  double number;
  CFTypeRef keys[MOST_ENTRIES], values[MOST_ENTRIES];
  int count;
};

static long live;

long stub_live_core_foundation(void) {
  return live;
}

static CFTypeRef thing_of(unsigned long type) {
  CFTypeRef thing = calloc(1, sizeof *thing);
  thing->type = type;
  thing->retains = 1;
  live++;
  return thing;
}

static CFTypeRef string_of(const char *text) {
  CFTypeRef string = thing_of(STRING);
  strncpy(string->text, text, sizeof string->text - 1);
  return string;
}

CFTypeRef CFStringCreateWithCString(void *allocator, const char *text, uint32_t encoding) {
  (void)allocator;
  if (encoding != UTF8) stub_fault("a string in an encoding %x that is not UTF-8", encoding);
  return stub_gives_nil("CFStringCreateWithCString") ? NULL : string_of(text);
}

void CFRelease(CFTypeRef thing) {
  if (thing == NULL) stub_fault("CFRelease of NULL");
  if (thing->retains <= 0) stub_fault("a thing of CoreFoundation was released once too often");
  if (--thing->retains > 0) return;
  for (int i = 0; i < thing->count; i++) CFRelease(thing->keys[i]), CFRelease(thing->values[i]);
  live--;
  free(thing);
}

unsigned long CFGetTypeID(CFTypeRef thing) {
  if (thing == NULL) stub_fault("CFGetTypeID of NULL");
  return thing->type;
}

unsigned long CFDictionaryGetTypeID(void) {
  return DICTIONARY;
}

unsigned long CFNumberGetTypeID(void) {
  return NUMBER;
}

CFTypeRef CFDictionaryGetValue(CFTypeRef dictionary, CFTypeRef key) {
  if (dictionary->type != DICTIONARY) stub_fault("CFDictionaryGetValue of what is no dictionary");
  for (int i = 0; i < dictionary->count; i++) {
    if (strcmp(dictionary->keys[i]->text, key->text) == 0) return dictionary->values[i];
  }
  return NULL;
}

uint8_t CFNumberGetValue(CFTypeRef number, long type, void *value) {
  if (number->type != NUMBER) stub_fault("CFNumberGetValue of what is no number");
  if (type != DOUBLE) stub_fault("a number as type %ld", type);
  memcpy(value, &number->number, sizeof number->number);
  return 1;
}

/* The matching dictionary has the id; whoever looks for a service by it consumes it. */
CFTypeRef IORegistryEntryIDMatching(uint64_t id) {
  if (stub_gives_nil("IORegistryEntryIDMatching")) return NULL;
  CFTypeRef matching = thing_of(DICTIONARY);
  CFTypeRef number = thing_of(NUMBER);
  number->number = (double)id;
  matching->keys[0] = string_of("IORegistryEntryID");
  matching->values[0] = number;
  matching->count = 1;
  return matching;
}

/* Services that somebody holds, by their number less one. */
static struct device_facts *services[MOST_SERVICES];

static uint32_t service_of(struct device_facts *device) {
  for (uint32_t i = 0; i < MOST_SERVICES; i++) {
    if (services[i] != NULL) continue;
    services[i] = device;
    return i + 1;
  }
  stub_fault("%d services are held: IOObjectRelease was forgotten", MOST_SERVICES);
}

long stub_live_services(void) {
  long held = 0;
  for (int i = 0; i < MOST_SERVICES; i++) held += services[i] != NULL;
  return held;
}

uint32_t IOServiceGetMatchingService(uint32_t port, CFTypeRef matching) {
  if (port != 0) stub_fault("a port %u in place of kIOMainPortDefault", port);
  uint64_t id = (uint64_t)matching->values[0]->number;
  CFRelease(matching);
  struct machine *machine = stub_machine();
  for (int i = 0; i < machine->device_count; i++) {
    struct device_facts *device = &machine->devices[i];
    if (device->registry == id && device->accelerator && !device->removed) return service_of(device);
  }
  return 0;
}

static void put(CFTypeRef dictionary, const char *key, double value) {
  if (value < 0) return;
  CFTypeRef number = thing_of(NUMBER);
  number->number = value;
  dictionary->keys[dictionary->count] = string_of(key);
  dictionary->values[dictionary->count++] = number;
}

CFTypeRef IORegistryEntryCreateCFProperty(uint32_t entry, CFTypeRef key, void *allocator, uint32_t options) {
  (void)allocator, (void)options;
  if (entry == 0 || entry > MOST_SERVICES || services[entry - 1] == NULL) stub_fault("a property of no service");
  const struct device_facts *device = services[entry - 1];
  if (strcmp(key->text, "PerformanceStatistics") != 0 || stub_gives_nil("PerformanceStatistics")) return NULL;
  CFTypeRef statistics = thing_of(DICTIONARY);
  put(statistics, "Device Utilization %", device->utilization);
  put(statistics, "In use system memory", device->in_use);
  put(statistics, "vramUsedBytes", device->vram_used);
  put(statistics, "GPU Activity(%)", device->gpu_activity);
  put(statistics, "inUseVidMemoryBytes", device->video_in_use);
  put(statistics, "Temperature(C)", device->temperature);
  put(statistics, "Total Power(W)", device->power);
  put(statistics, "Core Clock(MHz)", device->core_clock);
  put(statistics, "Memory Clock(MHz)", device->memory_clock);
  /* One that is no number, as a driver's may be. */
  statistics->keys[statistics->count] = string_of("Tiler Utilization %");
  statistics->values[statistics->count++] = string_of("unknown");
  return statistics;
}

int32_t IOObjectRelease(uint32_t object) {
  if (object == 0 || object > MOST_SERVICES || services[object - 1] == NULL) stub_fault("released no service");
  services[object - 1] = NULL;
  return 0;
}
