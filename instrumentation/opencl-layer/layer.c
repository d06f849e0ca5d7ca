/*
 * The entrance: what OpenCL loaders look for in a library named in OPENCL_LAYERS.
 *
 * ocl-icd and Khronos' loader before 2024 call clInitLayer; the current Khronos loader wants clInitLayerWithProperties
 * and, on its way out, clDeinitLayer. All of it happens once, on the thread of the program's first OpenCL call.
 */
#include "layer.h"

#include <link.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LAYER_EXPORT __attribute__((visibility("default")))

struct dispatch next;

LAYER_EXPORT cl_int clGetLayerInfo(cl_uint name, size_t size, void *value, size_t *size_ret);
LAYER_EXPORT cl_int clInitLayer(cl_uint entries, const struct dispatch *target, cl_uint *entries_ret,
                                const struct dispatch **layer_ret);
LAYER_EXPORT cl_int clInitLayerWithProperties(cl_uint entries, const struct dispatch *target, cl_uint *entries_ret,
                                              const struct dispatch **layer_ret, const void *properties);
LAYER_EXPORT cl_int clDeinitLayer(void);
LAYER_EXPORT uint32_t accelmeter_opencl_library_loaded(const char *file_name);

/* The loader's table with our hooks in it: as long as the loader's own, however new that is. Kept for good. */
static struct dispatch *table;

static struct dispatch *make_table(const struct dispatch *target, cl_uint entries) {
  size_t size = entries * sizeof(void *);
  table = calloc(1, size > sizeof next ? size : sizeof next);
  if (table == NULL) return NULL;
  memcpy(table, target, size);
  memcpy(&next, target, size < sizeof next ? size : sizeof next);
  hook_queues(table);
  hook_kernels(table);
  hook_commands(table);
  hook_images(table);
  hook_maps(table);
  hook_svm(table);
  hook_memory(table);
  hook_programs(table);
  hook_failures(table);
  return table;
}

cl_int clInitLayer(cl_uint entries, const struct dispatch *target, cl_uint *entries_ret,
                   const struct dispatch **layer_ret) {
  static atomic_flag initialised = ATOMIC_FLAG_INIT;
  if (target == NULL || entries_ret == NULL || layer_ret == NULL) return CL_INVALID_VALUE;
  *entries_ret = entries;
  *layer_ret = target; /* untouched: the program calls through as if we were not here */

  /* A second loader in one process has another chain beneath it; we follow the first one only. */
  if (atomic_flag_test_and_set(&initialised)) return CL_SUCCESS;
  /* Following commands takes event callbacks, which are in every loader since OpenCL 1.1. */
  bool usable = entries > DISPATCH_INDEX(clSetEventCallback) && target->clSetEventCallback != NULL;
  if (usable && ring_meant_for_this_process() && make_table(target, entries) != NULL) {
    ring_arm();
    *layer_ret = table;
  } else {
    ring_mark_inert();
  }
  return CL_SUCCESS;
}

cl_int clInitLayerWithProperties(cl_uint entries, const struct dispatch *target, cl_uint *entries_ret,
                                 const struct dispatch **layer_ret, const void *properties) {
  (void)properties;
  return clInitLayer(entries, target, entries_ret, layer_ret);
}

/* Nothing to give back: the driver may still call us, and the reader may still drain. */
cl_int clDeinitLayer(void) { return CL_SUCCESS; }

static cl_int answer(const void *bytes, size_t length, size_t size, void *value, size_t *size_ret) {
  if (value != NULL) {
    if (size < length) return CL_INVALID_VALUE;
    memcpy(value, bytes, length);
  }
  if (size_ret != NULL) *size_ret = length;
  return CL_SUCCESS;
}

cl_int clGetLayerInfo(cl_uint name, size_t size, void *value, size_t *size_ret) {
  static const cl_uint version = CL_LAYER_API_VERSION_100;
  static const char layer_name[] = "accelmeter";
  switch (name) {
    case CL_LAYER_API_VERSION:
      return answer(&version, sizeof version, size, value, size_ret);
    case CL_LAYER_NAME:
      return answer(layer_name, sizeof layer_name, size, value, size_ret);
    default:
      return CL_INVALID_VALUE;
  }
}

static int has_file_name(struct dl_phdr_info *library, size_t size, void *file_name) {
  (void)size;
  if (library->dlpi_name == NULL) return 0;
  const char *slash = strrchr(library->dlpi_name, '/');
  return strcmp(slash == NULL ? library->dlpi_name : slash + 1, file_name) == 0;
}

/*
 * 1 if a library of that file name is loaded in this process. A driver that is loaded while we were never initialised
 * tells that OpenCL was started without us.
 */
uint32_t accelmeter_opencl_library_loaded(const char *file_name) {
  return file_name != NULL && dl_iterate_phdr(has_file_name, (void *)(uintptr_t)file_name) != 0;
}
