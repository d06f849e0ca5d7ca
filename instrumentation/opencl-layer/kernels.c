/*
 * Which name a kernel handle stands for, without asking the driver at every launch.
 *
 * A cache, not a register: an entry may be missing or evicted at any time, and is then asked for again. It must never
 * be stale, though: handles are reused. So every call that creates a kernel writes its entry, and the release of a
 * last reference removes it.
 */
#include "layer.h"

#include <stdlib.h>
#include <string.h>

#define CACHE_BITS 13
#define CACHE_ENTRIES (1u << CACHE_BITS)
#define WINDOW 8u /* entries, following the one that the hash names, where a handle may stand */

/* Handle and name in one word, so that they are read and written together: 51 bits of (handle / 8), 13 of the name. */
#define NAME_BITS 13
static_assert(RING_NAMES <= 1u << NAME_BITS, "a name fits beside its handle");
static _Atomic uint64_t cache[CACHE_ENTRIES];

static uint64_t handle_bits(cl_kernel kernel) { return (uint64_t)(uintptr_t)kernel >> 3; }
static bool cacheable(cl_kernel kernel) {
  return ((uintptr_t)kernel & 7u) == 0 && handle_bits(kernel) >> (64 - NAME_BITS) == 0;
}
static uint32_t first_entry(cl_kernel kernel) {
  return (uint32_t)((handle_bits(kernel) * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - CACHE_BITS));
}

/* The entry of a kernel, or NULL; what it holds in `*word`. */
static _Atomic uint64_t *find(cl_kernel kernel, uint64_t *word) {
  uint32_t first = first_entry(kernel);
  for (uint32_t i = 0; i < WINDOW; i++) {
    _Atomic uint64_t *entry = &cache[(first + i) % CACHE_ENTRIES];
    *word = atomic_load_explicit(entry, memory_order_acquire);
    if (*word != 0 && *word >> NAME_BITS == handle_bits(kernel)) return entry;
  }
  return NULL;
}

static void forget(cl_kernel kernel) {
  uint64_t word;
  _Atomic uint64_t *entry;
  while ((entry = find(kernel, &word)) != NULL) atomic_compare_exchange_strong(entry, &word, 0);
}

static void remember(cl_kernel kernel, uint32_t name) {
  if (!cacheable(kernel)) return;
  forget(kernel);
  uint32_t first = first_entry(kernel);
  uint64_t word = handle_bits(kernel) << NAME_BITS | name;
  for (uint32_t i = 0; i < WINDOW; i++) {
    uint64_t empty = 0;
    if (atomic_compare_exchange_strong(&cache[(first + i) % CACHE_ENTRIES], &empty, word)) return;
  }
  atomic_store(&cache[first], word); /* the window is full: one of them is asked for again */
}

static uint32_t ask_driver(cl_kernel kernel) {
  char buffer[RING_NAME_BYTES + 1];
  size_t size = 0;
  if (next.clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, 0, NULL, &size) != CL_SUCCESS || size == 0) {
    return RING_NAME_NONE;
  }
  char *text = size <= sizeof buffer ? buffer : malloc(size);
  if (text == NULL) return RING_NAME_OTHER;
  uint32_t name = RING_NAME_NONE;
  if (next.clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, size, text, NULL) == CL_SUCCESS) {
    name = ring_name(text, size);
  }
  if (text != buffer) free(text);
  return name;
}

static void learn(cl_kernel kernel) { remember(kernel, ask_driver(kernel)); }

uint32_t kernel_name(cl_kernel kernel, bool accepted) {
  uint64_t word;
  if (find(kernel, &word) != NULL) return (uint32_t)(word & ((1u << NAME_BITS) - 1));
  if (!accepted) return RING_NAME_NONE;
  uint32_t name = ask_driver(kernel);
  remember(kernel, name);
  return name;
}

static cl_kernel create_kernel(cl_program program, const char *name, cl_int *error) {
  cl_kernel kernel = next.clCreateKernel(program, name, error);
  if (kernel != NULL && name != NULL && ring_armed()) remember(kernel, ring_name(name, strlen(name)));
  return kernel;
}

static cl_int create_kernels(cl_program program, cl_uint capacity, cl_kernel *kernels, cl_uint *count) {
  cl_uint created = 0;
  cl_int result = next.clCreateKernelsInProgram(program, capacity, kernels, &created);
  if (result != CL_SUCCESS) return result;
  if (count != NULL) *count = created;
  if (kernels != NULL && ring_armed()) {
    for (cl_uint i = 0; i < created && i < capacity; i++) learn(kernels[i]);
  }
  return result;
}

static cl_kernel clone_kernel(cl_kernel source, cl_int *error) {
  cl_kernel kernel = next.clCloneKernel(source, error);
  if (kernel != NULL && ring_armed()) learn(kernel);
  return kernel;
}

static cl_int release_kernel(cl_kernel kernel) {
  uint64_t word;
  cl_uint references = 0;
  /* Only of a handle that we know, so that a stray one reaches the driver first. Before the release, not after: by
   * then another thread may have been given the same handle for a new kernel. */
  if (ring_armed() && find(kernel, &word) != NULL &&
      next.clGetKernelInfo(kernel, CL_KERNEL_REFERENCE_COUNT, sizeof references, &references, NULL) == CL_SUCCESS &&
      references == 1) {
    forget(kernel);
  }
  return next.clReleaseKernel(kernel);
}

void hook_kernels(struct dispatch *table) {
  table->clCreateKernel = create_kernel;
  table->clCreateKernelsInProgram = create_kernels;
  table->clReleaseKernel = release_kernel;
  if (next.clCloneKernel != NULL) table->clCloneKernel = clone_kernel;
}
