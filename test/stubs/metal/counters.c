/* Samples of counters: room for them, what a pass says of where they go, and reading them. */
#include "metal.h"

#include <string.h>

/* MTLCounterSampleBufferDescriptor */

struct sample_descriptor {
  struct object head;
  id set;
  unsigned long count, storage;
};

static void sample_descriptor_dealloc(id self) {
  stub_release(((struct sample_descriptor *)self)->set);
}

static void set_counter_set(id self, SEL selector, id set) {
  (void)selector;
  ((struct sample_descriptor *)self)->set = stub_retain(set);
}

static void set_sample_count(id self, SEL selector, unsigned long count) {
  (void)selector;
  ((struct sample_descriptor *)self)->count = count;
}

static void set_storage_mode(id self, SEL selector, unsigned long mode) {
  (void)selector;
  ((struct sample_descriptor *)self)->storage = mode;
}

static const struct method sample_descriptor_methods[] = {
    METHOD("setCounterSet:", set_counter_set),
    METHOD("setSampleCount:", set_sample_count),
    METHOD("setStorageMode:", set_storage_mode),
    END_OF_METHODS,
};
static struct class sample_descriptor_class = {NULL,
                                               "MTLCounterSampleBufferDescriptor",
                                               NULL,
                                               sample_descriptor_methods,
                                               sizeof(struct sample_descriptor),
                                               sample_descriptor_dealloc};

/* MTLCounterSampleBuffer */

static unsigned long samples_count(id self, SEL selector) {
  (void)selector;
  return ((struct samples *)self)->count;
}

static id resolve_samples(id self, SEL selector, struct range range) {
  (void)selector;
  struct samples *samples = (struct samples *)self;
  if (range.location + range.length > samples->count) stub_fault("samples beyond the end of their buffer");
  return stub_data(samples->ticks + range.location, range.length * sizeof samples->ticks[0]);
}

/* As many as macOS lets a process have at once (gpuweb/gpuweb#3652). */
enum { MOST_SAMPLE_BUFFERS = 32 };
static int sample_buffers;

static void samples_dealloc(id self) {
  (void)self;
  sample_buffers--;
}

static const struct method samples_methods[] = {
    METHOD("sampleCount", samples_count), METHOD("resolveCounterRange:", resolve_samples), END_OF_METHODS};
static struct class samples_class = {
    NULL, "MTLCounterSampleBuffer", NULL, samples_methods, sizeof(struct samples), samples_dealloc};

id stub_sample_buffer(id device, id descriptor) {
  const struct sample_descriptor *asked = (struct sample_descriptor *)descriptor;
  if (asked->set == NULL || asked->storage != 0) stub_fault("samples without a set, or that the CPU cannot read");
  if (asked->count == 0 || asked->count > MOST_SAMPLES || stub_facts(device)->counters < 0) return NULL;
  if (sample_buffers == MOST_SAMPLE_BUFFERS) return NULL;
  sample_buffers++;
  struct samples *samples = (struct samples *)stub_new(&samples_class);
  samples->count = asked->count;
  memset(samples->ticks, 0xff, sizeof samples->ticks); /* MTLCounterErrorValue */
  return &samples->head;
}

/* MTLComputePassDescriptor: a pass, its attachments, and their array are one object here. */

static void pass_dealloc(id self) {
  stub_release(((struct pass *)self)->samples);
}

static struct class pass_class;

static id pass_new(id self, SEL selector) {
  (void)self, (void)selector;
  return stub_autorelease(stub_new(&pass_class));
}

static id pass_self(id self, SEL selector) {
  (void)selector;
  return self;
}

static void set_samples(id self, SEL selector, id samples) {
  (void)selector;
  ((struct pass *)self)->samples = stub_retain(samples);
}

static void set_start(id self, SEL selector, unsigned long index) {
  (void)selector;
  ((struct pass *)self)->start = index;
}

static void set_end(id self, SEL selector, unsigned long index) {
  (void)selector;
  ((struct pass *)self)->end = index;
}

static const struct method pass_class_methods[] = {METHOD("computePassDescriptor", pass_new), END_OF_METHODS};
static const struct method pass_methods[] = {
    METHOD("sampleBufferAttachments", pass_self),
    METHOD("objectAtIndexedSubscript:", pass_self),
    METHOD("setSampleBuffer:", set_samples),
    METHOD("setStartOfEncoderSampleIndex:", set_start),
    METHOD("setEndOfEncoderSampleIndex:", set_end),
    END_OF_METHODS,
};
static struct class pass_class = {
    NULL, "MTLComputePassDescriptor", pass_class_methods, pass_methods, sizeof(struct pass), pass_dealloc};

void stub_register_counters(void) {
  stub_register(&sample_descriptor_class);
  stub_register(&samples_class);
  stub_register(&pass_class);
}
