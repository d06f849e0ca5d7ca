/*
 * Names of kernels. CUPTI gives the same text with each record of a kernel, but may use its memory for another once a
 * module was unloaded. So a text's address finds the name that it had, and what is written there tells whether it still
 * has.
 */
#include "trace.h"

#include <stdio.h>
#include <string.h>

#define CACHE 1024u /* a power of two */

static struct known {
  const char *address;
  uint32_t name;
} cache[CACHE]; /* of the worker's thread alone */

/* FNV-1a */
static uint32_t hash_text(const char *text) {
  uint32_t hash = 2166136261u;
  for (; *text != '\0'; text++) hash = (hash ^ (unsigned char)*text) * 16777619u;
  return hash;
}

/*
 * Templates make names of kilobytes, which differ at their end. One that is longer than the ring keeps ends in a hash of
 * all of it, so that two kernels stay two.
 */
static uint32_t long_name(const char *mangled) {
  char text[RING_NAME_BYTES + 1];
  enum { KEPT = RING_NAME_BYTES - sizeof "#00000000" + 1 };
  memcpy(text, mangled, KEPT);
  snprintf(text + KEPT, sizeof text - KEPT, "#%08x", hash_text(mangled));
  return ring_name(text, RING_NAME_BYTES);
}

uint32_t kernel_name(const char *mangled) {
  if (mangled == NULL) return RING_NAME_NONE;
  uint64_t spread = (uint64_t)(uintptr_t)mangled * UINT64_C(0x9E3779B97F4A7C15);
  struct known *known = &cache[spread >> 54]; /* its upper ten bits */
  if (known->address == mangled) {
    const char *text = accelmeter_ring_name(known->name);
    if (text != NULL && strcmp(text, mangled) == 0) return known->name;
  }
  size_t length = strnlen(mangled, RING_NAME_BYTES + 1);
  if (length > RING_NAME_BYTES) return long_name(mangled);
  uint32_t name = ring_name(mangled, length);
  if (name > RING_NAME_OTHER) *known = (struct known){.address = mangled, .name = name};
  return name;
}
