/* Metal's devices: what they tell of themselves, and what they make. */
#include "metal.h"

#include <stdlib.h>
#include <string.h>

EXPORT id MTLCopyAllDevices(void);

/* A GPU: one object for as long as somebody holds it, as Metal has one for each. */
struct device {
  struct object head;
  struct device_facts *facts;
};

static struct device *devices[MOST_DEVICES];

static void device_dealloc(id self) {
  for (int i = 0; i < MOST_DEVICES; i++) {
    if (devices[i] == (struct device *)self) devices[i] = NULL;
  }
}

struct device_facts *stub_facts(id device) {
  return ((struct device *)device)->facts;
}

static struct class device_class;

static id device_at(int index) {
  if (devices[index] != NULL) return stub_retain(&devices[index]->head);
  struct device *device = (struct device *)stub_new(&device_class);
  device->facts = &stub_machine()->devices[index];
  devices[index] = device;
  return &device->head;
}

id MTLCopyAllDevices(void) {
  if (stub_gives_nil("MTLCopyAllDevices")) return NULL;
  struct machine *machine = stub_machine();
  id found[MOST_DEVICES];
  size_t count = 0;
  for (int i = 0; i < machine->device_count; i++) {
    if (!machine->devices[i].removed) found[count++] = device_at(i);
  }
  id array = stub_array(found, count);
  for (size_t i = 0; i < count; i++) stub_release(found[i]);
  return array;
}

/* BOOL is one byte: the rest of the register is whatever it was. */
#define GARBAGE 0x5a5a00ul
#define FLAG(name, expression)                       \
  static unsigned long name(id self, SEL selector) { \
    (void)selector;                                  \
    return GARBAGE | (expression);                   \
  }
FLAG(device_unified, stub_facts(self)->unified)
FLAG(device_low_power, stub_facts(self)->low_power)
FLAG(device_removable, stub_facts(self)->removable)
FLAG(device_headless, stub_facts(self)->headless)

static id device_name(id self, SEL selector) {
  (void)selector;
  return stub_string(stub_facts(self)->name);
}

static uint64_t device_registry(id self, SEL selector) {
  (void)selector;
  return stub_facts(self)->registry;
}

static uint64_t device_working_set(id self, SEL selector) {
  (void)selector;
  return stub_facts(self)->working_set;
}

static uint64_t device_allocated(id self, SEL selector) {
  (void)selector;
  return stub_facts(self)->allocated;
}

static unsigned long device_supports_family(id self, SEL selector, long family) {
  (void)selector;
  const struct device_facts *facts = stub_facts(self);
  for (int i = 0; i < facts->family_count; i++) {
    if (facts->families[i] == family) return GARBAGE | 1;
  }
  return GARBAGE;
}

static struct size device_threads(id self, SEL selector) {
  (void)selector;
  return stub_facts(self)->threads;
}

/* Counters */

static unsigned long device_supports_sampling(id self, SEL selector, unsigned long point) {
  (void)selector;
  return GARBAGE | (stub_facts(self)->counters == (int)point);
}

struct counter_set {
  struct object head;
  const char *name;
};

static id counter_set_name(id self, SEL selector) {
  (void)selector;
  return stub_string(((struct counter_set *)self)->name);
}

static const struct method counter_set_methods[] = {METHOD("name", counter_set_name), END_OF_METHODS};
static struct class counter_set_class = {
    NULL, "MTLCounterSet", NULL, counter_set_methods, sizeof(struct counter_set), NULL};

static id device_counter_sets(id self, SEL selector) {
  (void)selector;
  const char *names[] = {"statistic", "timestamp"};
  id sets[2] = {NULL, NULL};
  size_t count = stub_facts(self)->counters < 0 ? 0 : 2;
  for (size_t i = 0; i < count; i++) {
    sets[i] = stub_new(&counter_set_class);
    ((struct counter_set *)sets[i])->name = names[i];
  }
  id array = stub_array(sets, count);
  for (size_t i = 0; i < count; i++) stub_release(sets[i]);
  return stub_autorelease(array);
}

uint64_t stub_gpu_ticks(const struct device_facts *facts, double uptime_seconds) {
  return (uint64_t)(uptime_seconds * facts->gpu_hertz) % (1ull << 62);
}

static void device_sample_timestamps(id self, SEL selector, uint64_t *cpu, uint64_t *gpu) {
  (void)selector;
  *cpu = stub_uptime();
  *gpu = stub_gpu_ticks(stub_facts(self), (double)*cpu / 1e9);
}

/* What computes: libraries of functions, pipelines, buffers. */

struct library {
  struct object head;
  char *source;
};

static void library_dealloc(id self) {
  free(((struct library *)self)->source);
}

struct function {
  struct object head;
  char name[64];
};

static struct class function_class = {NULL, "MTLFunction", NULL, NULL, sizeof(struct function), NULL};

static id library_function(id self, SEL selector, id name) {
  (void)selector;
  char declared[96] = "kernel void ";
  strncat(declared, stub_text(name), 64);
  strcat(declared, "(");
  if (strstr(((struct library *)self)->source, declared) == NULL) return NULL;
  struct function *function = (struct function *)stub_new(&function_class);
  strncpy(function->name, stub_text(name), sizeof function->name - 1);
  return &function->head;
}

static const struct method library_methods[] = {METHOD("newFunctionWithName:", library_function), END_OF_METHODS};
static struct class library_class = {
    NULL, "MTLLibrary", NULL, library_methods, sizeof(struct library), library_dealloc};

/* It does not read the language: a source with #error in it does not compile, any other does. */
static id device_library(id self, SEL selector, id source, id options, id *error) {
  (void)self, (void)selector, (void)options;
  if (strstr(stub_text(source), "#error") != NULL) {
    *error = stub_error("MTLLibraryErrorDomain", 3, "program_source:1:2: error: as it was asked for");
    return NULL;
  }
  struct library *library = (struct library *)stub_new(&library_class);
  library->source = strdup(stub_text(source));
  return &library->head;
}

static unsigned long pipeline_most_threads(id self, SEL selector) {
  (void)self, (void)selector;
  return 512;
}

static unsigned long pipeline_width(id self, SEL selector) {
  (void)self, (void)selector;
  return 32;
}

static const struct method pipeline_methods[] = {
    METHOD("maxTotalThreadsPerThreadgroup", pipeline_most_threads),
    METHOD("threadExecutionWidth", pipeline_width),
    END_OF_METHODS,
};
struct pipeline {
  struct object head;
  char name[64];
};
static struct class pipeline_class = {
    NULL, "MTLComputePipelineState", NULL, pipeline_methods, sizeof(struct pipeline), NULL};

const char *stub_kernel_of(id pipeline) {
  return ((struct pipeline *)pipeline)->name;
}

static id device_pipeline(id self, SEL selector, id function, id *error) {
  (void)self, (void)selector, (void)error;
  struct pipeline *pipeline = (struct pipeline *)stub_new(&pipeline_class);
  memcpy(pipeline->name, ((struct function *)function)->name, sizeof pipeline->name);
  return &pipeline->head;
}

struct buffer {
  struct object head;
  struct device_facts *facts;
  void *contents;
  size_t length;
};

static void buffer_dealloc(id self) {
  struct buffer *buffer = (struct buffer *)self;
  buffer->facts->allocated -= buffer->length;
  free(buffer->contents);
}

static void *buffer_contents(id self, SEL selector) {
  (void)selector;
  return ((struct buffer *)self)->contents;
}

void *stub_contents(id buffer, size_t *length) {
  *length = ((struct buffer *)buffer)->length;
  return ((struct buffer *)buffer)->contents;
}

static const struct method buffer_methods[] = {METHOD("contents", buffer_contents), END_OF_METHODS};
static struct class buffer_class = {NULL, "MTLBuffer", NULL, buffer_methods, sizeof(struct buffer), buffer_dealloc};

static id device_buffer(id self, SEL selector, const void *bytes, unsigned long length, unsigned long options) {
  (void)selector;
  if (options != 0) stub_fault("a buffer with options %lu: it could not be read by the CPU on every Mac", options);
  if (length == 0) stub_fault("a buffer of no bytes");
  struct buffer *buffer = (struct buffer *)stub_new(&buffer_class);
  buffer->facts = stub_facts(self);
  buffer->facts->allocated += length;
  buffer->contents = malloc(length);
  buffer->length = length;
  memcpy(buffer->contents, bytes, length);
  return &buffer->head;
}

static id device_queue(id self, SEL selector) {
  (void)selector;
  return stub_facts(self)->removed ? NULL : stub_queue(self);
}

static id device_sample_buffer(id self, SEL selector, id descriptor, id *error) {
  (void)selector, (void)error;
  return stub_sample_buffer(self, descriptor);
}

static const struct method device_methods[] = {
    METHOD("name", device_name),
    METHOD("registryID", device_registry),
    METHOD("hasUnifiedMemory", device_unified),
    METHOD("isLowPower", device_low_power),
    METHOD("isRemovable", device_removable),
    METHOD("isHeadless", device_headless),
    METHOD("recommendedMaxWorkingSetSize", device_working_set),
    METHOD("currentAllocatedSize", device_allocated),
    METHOD("supportsFamily:", device_supports_family),
    STRUCTURE_METHOD("maxThreadsPerThreadgroup", device_threads),
    METHOD("supportsCounterSampling:", device_supports_sampling),
    METHOD("counterSets", device_counter_sets),
    METHOD("sampleTimestamps:gpuTimestamp:", device_sample_timestamps),
    METHOD("newCounterSampleBufferWithDescriptor:error:", device_sample_buffer),
    METHOD("newCommandQueue", device_queue),
    METHOD("newLibraryWithSource:options:error:", device_library),
    METHOD("newComputePipelineStateWithFunction:error:", device_pipeline),
    METHOD("newBufferWithBytes:length:options:", device_buffer),
    END_OF_METHODS,
};
static struct class device_class = {NULL, "MTLDevice", NULL, device_methods, sizeof(struct device), device_dealloc};

void stub_register_metal(void) {
  stub_register(&device_class);
  stub_register(&counter_set_class);
  stub_register(&library_class);
  stub_register(&function_class);
  stub_register(&pipeline_class);
  stub_register(&buffer_class);
}
