/* Queues, command buffers and encoders. */
#include "metal.h"

#include <unistd.h>

enum { NOT_ENQUEUED = 0, COMMITTED = 2, SCHEDULED = 3, COMPLETED = 4, FAILED = 5 };
enum { MOST_BUFFERS = 31, MOST_PASSES = 32, DEVICE_REMOVED = 11 };
/* Those that a queue lets a program have before they have ended: a further one waits. */
enum { MOST_UNENDED = 64 };

/* MTLCommandQueue */

struct queue {
  struct object head;
  id device;
  int unended;
};

static void queue_dealloc(id self) {
  stub_release(((struct queue *)self)->device);
}

/* MTLCommandBuffer */

/* Where the ticks of one moment go, once it has come. */
struct sample {
  struct samples *into;
  unsigned long index;
  /* Of the time that the buffer ran: 0 its start, 1 its end. */
  double at;
};

struct commands {
  struct object head;
  struct queue *queue;
  double committed; /* 0 where it is not */
  struct sample samples[2 * MOST_PASSES];
  int sample_count, passes;
  bool ended;
};

static double seconds_now(void) {
  return (double)stub_uptime() / 1e9;
}

static struct device_facts *facts_of(const struct commands *it) {
  return stub_facts(it->queue->device);
}

static double gpu_start(const struct commands *it) {
  return it->committed + 2e-6 + facts_of(it)->queue_us * 1e-6;
}

static double gpu_end(const struct commands *it) {
  return gpu_start(it) + facts_of(it)->gpu_us * 1e-6;
}

static void end(struct commands *it) {
  if (it->ended) return;
  it->ended = true;
  it->queue->unended--;
  for (int i = 0; i < it->sample_count; i++) {
    struct sample *sample = &it->samples[i];
    double moment = gpu_start(it) + sample->at * (gpu_end(it) - gpu_start(it));
    sample->into->ticks[sample->index] = stub_gpu_ticks(facts_of(it), moment);
  }
}

static unsigned long commands_status(id self, SEL selector) {
  (void)selector;
  struct commands *it = (struct commands *)self;
  if (it->committed == 0) return NOT_ENQUEUED;
  double now = seconds_now();
  if (!it->ended && !facts_of(it)->removed && now < gpu_end(it)) {
    return now < it->committed + 2e-6 ? COMMITTED : SCHEDULED;
  }
  end(it);
  return facts_of(it)->error != 0 || facts_of(it)->removed ? FAILED : COMPLETED;
}

static void commands_dealloc(id self) {
  struct commands *it = (struct commands *)self;
  if (!it->ended) it->queue->unended--;
  for (int i = 0; i < it->sample_count; i++) stub_release(&it->samples[i].into->head);
  stub_release(&it->queue->head);
}

static double commands_kernel_start(id self, SEL selector) {
  (void)selector;
  const struct commands *it = (struct commands *)self;
  return commands_status(self, selector) >= SCHEDULED ? it->committed + 1e-6 : 0;
}

static double commands_kernel_end(id self, SEL selector) {
  (void)selector;
  const struct commands *it = (struct commands *)self;
  return commands_status(self, selector) >= SCHEDULED ? it->committed + 2e-6 : 0;
}

static double commands_gpu_start(id self, SEL selector) {
  return commands_status(self, selector) == COMPLETED ? gpu_start((struct commands *)self) : 0;
}

static double commands_gpu_end(id self, SEL selector) {
  return commands_status(self, selector) == COMPLETED ? gpu_end((struct commands *)self) : 0;
}

static id commands_error(id self, SEL selector) {
  if (commands_status(self, selector) != FAILED) return NULL;
  const struct device_facts *facts = facts_of((struct commands *)self);
  long code = facts->removed ? DEVICE_REMOVED : facts->error;
  return stub_error("MTLCommandBufferErrorDomain", code, "as the scenario has it");
}

static void commands_commit(id self, SEL selector) {
  (void)selector;
  struct commands *it = (struct commands *)self;
  if (it->committed != 0) stub_fault("a command buffer was committed twice");
  it->committed = seconds_now();
}

static void commands_wait(id self, SEL selector) {
  while (commands_status(self, selector) < COMPLETED) usleep(20);
}

static id commands_device(id self, SEL selector) {
  (void)selector;
  return ((struct commands *)self)->queue->device;
}

static void add_sample(struct commands *it, id into, unsigned long index, double at) {
  struct samples *samples = (struct samples *)into;
  if (index >= samples->count || it->sample_count == 2 * MOST_PASSES) stub_fault("no room for a sample");
  stub_retain(into);
  it->samples[it->sample_count++] = (struct sample){samples, index, at};
}

/* MTLComputeCommandEncoder. Passes share the time of their buffer: each has half of what is left. */

struct encoder {
  struct object head;
  struct commands *commands;
  id pipeline, buffers[MOST_BUFFERS];
  double from, to;
  bool dispatched, ended;
};

static void encoder_dealloc(id self) {
  struct encoder *encoder = (struct encoder *)self;
  if (!encoder->ended) stub_fault("an encoder was deallocated before endEncoding");
  stub_release(encoder->pipeline);
  for (int i = 0; i < MOST_BUFFERS; i++) stub_release(encoder->buffers[i]);
  stub_release(&encoder->commands->head);
}

static void encoder_set_pipeline(id self, SEL selector, id pipeline) {
  (void)selector;
  ((struct encoder *)self)->pipeline = stub_retain(pipeline);
}

static void encoder_set_buffer(id self, SEL selector, id buffer, unsigned long offset, unsigned long index) {
  (void)selector;
  if (offset != 0 || index >= MOST_BUFFERS) stub_fault("a buffer at offset %lu and index %lu", offset, index);
  ((struct encoder *)self)->buffers[index] = stub_retain(buffer);
}

static void encoder_dispatch(id self, SEL selector, struct size threads, struct size group) {
  (void)selector;
  struct encoder *encoder = (struct encoder *)self;
  uint64_t together = group.width * group.height * group.depth;
  if (together == 0 || together > 512 || threads.width * threads.height * threads.depth == 0) {
    stub_fault("a group of %lu threads", (unsigned long)together);
  }
  if (encoder->pipeline == NULL) stub_fault("a dispatch without a pipeline");
  encoder->dispatched = true;
  stub_compute(stub_kernel_of(encoder->pipeline), threads, encoder->buffers);
}

static void encoder_sample(id self, SEL selector, id into, unsigned long index, unsigned long barrier) {
  (void)selector, (void)barrier;
  struct encoder *encoder = (struct encoder *)self;
  if (facts_of(encoder->commands)->counters != 2) stub_fault("counters are not sampled at dispatch boundaries here");
  add_sample(encoder->commands, into, index, encoder->dispatched ? encoder->to : encoder->from);
}

static void encoder_end(id self, SEL selector) {
  (void)selector;
  ((struct encoder *)self)->ended = true;
}

static const struct method encoder_methods[] = {
    METHOD("setComputePipelineState:", encoder_set_pipeline),
    METHOD("setBuffer:offset:atIndex:", encoder_set_buffer),
    METHOD("dispatchThreads:threadsPerThreadgroup:", encoder_dispatch),
    METHOD("sampleCountersInBuffer:atSampleIndex:withBarrier:", encoder_sample),
    METHOD("endEncoding", encoder_end),
    END_OF_METHODS,
};
static struct class encoder_class = {
    NULL, "MTLComputeCommandEncoder", NULL, encoder_methods, sizeof(struct encoder), encoder_dealloc};

static struct encoder *encoder_of(id commands) {
  struct encoder *encoder = (struct encoder *)stub_new(&encoder_class);
  encoder->commands = (struct commands *)stub_retain(commands);
  encoder->from = 1 - 1.0 / (double)(1 << encoder->commands->passes);
  encoder->to = 1 - 0.5 / (double)(1 << encoder->commands->passes);
  encoder->commands->passes++;
  stub_autorelease(&encoder->head);
  return encoder;
}

static id commands_encoder(id self, SEL selector) {
  (void)selector;
  return &encoder_of(self)->head;
}

static id commands_encoder_of_pass(id self, SEL selector, id descriptor) {
  (void)selector;
  const struct pass *pass = (struct pass *)descriptor;
  struct encoder *encoder = encoder_of(self);
  if (pass->samples == NULL) return &encoder->head;
  if (facts_of(encoder->commands)->counters != 0) stub_fault("counters are not sampled at stage boundaries here");
  add_sample(encoder->commands, pass->samples, pass->start, encoder->from);
  add_sample(encoder->commands, pass->samples, pass->end, encoder->to);
  return &encoder->head;
}

static const struct method commands_methods[] = {
    METHOD("status", commands_status),
    METHOD("GPUStartTime", commands_gpu_start),
    METHOD("GPUEndTime", commands_gpu_end),
    METHOD("kernelStartTime", commands_kernel_start),
    METHOD("kernelEndTime", commands_kernel_end),
    METHOD("error", commands_error),
    METHOD("commit", commands_commit),
    METHOD("waitUntilCompleted", commands_wait),
    METHOD("device", commands_device),
    METHOD("computeCommandEncoder", commands_encoder),
    METHOD("computeCommandEncoderWithDescriptor:", commands_encoder_of_pass),
    END_OF_METHODS,
};
static struct class commands_class = {
    NULL, "MTLCommandBuffer", NULL, commands_methods, sizeof(struct commands), commands_dealloc};

static id queue_command_buffer(id self, SEL selector) {
  (void)selector;
  struct queue *queue = (struct queue *)self;
  if (queue->unended >= MOST_UNENDED) stub_fault("a further command buffer would wait for ever: %d are held", MOST_UNENDED);
  queue->unended++;
  struct commands *commands = (struct commands *)stub_new(&commands_class);
  commands->queue = (struct queue *)stub_retain(self);
  return stub_autorelease(&commands->head);
}

static const struct method queue_methods[] = {METHOD("commandBuffer", queue_command_buffer), END_OF_METHODS};
static struct class queue_class = {NULL, "MTLCommandQueue", NULL, queue_methods, sizeof(struct queue), queue_dealloc};

id stub_queue(id device) {
  struct queue *queue = (struct queue *)stub_new(&queue_class);
  queue->device = stub_retain(device);
  return &queue->head;
}

void stub_register_command_buffers(void) {
  stub_register(&encoder_class);
  stub_register(&commands_class);
  stub_register(&queue_class);
}
