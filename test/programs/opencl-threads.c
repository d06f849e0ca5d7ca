/* Parts of an OpenCL program that only C can do: threads without JavaScript, and a fork. */
#include "../../instrumentation/native-ring/ring.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef void *handle;

static handle (*create_context)(const void *, uint32_t, const handle *, void *, void *, int32_t *);
static handle (*create_queue)(handle, handle, uint64_t, int32_t *);
static int32_t (*release_queue)(handle);
static handle (*create_program)(handle, uint32_t, const char **, const size_t *, int32_t *);
static int32_t (*build)(handle, uint32_t, const handle *, const char *, void *, void *);
static handle (*create_kernel)(handle, const char *, int32_t *);
static int32_t (*release_kernel)(handle);
static int32_t (*enqueue)(handle, handle, uint32_t, const size_t *, const size_t *, const size_t *, uint32_t,
                          const handle *, handle *);
static int32_t (*release_event)(handle);
static int32_t (*finish)(handle);

static handle context, device, program;
static uint32_t commands;

RING_EXPORT int run_threads(uint32_t threads, uint32_t each);
RING_EXPORT int state_in_child(const char *layer, handle queue, handle kernel);

static void find(void *library, void *function, const char *name) {
  void *symbol = dlsym(library, name);
  memcpy(function, &symbol, sizeof symbol);
}

/* Once: what it makes is never given back. */
static int open_device(void) {
  if (program != NULL) return 0;
  void *cl = dlopen("libOpenCL.so.1", RTLD_NOW);
  if (cl == NULL) return -1;
  int32_t (*platforms)(uint32_t, handle *, uint32_t *);
  int32_t (*devices)(handle, uint64_t, uint32_t, handle *, uint32_t *);
  find(cl, &platforms, "clGetPlatformIDs");
  find(cl, &devices, "clGetDeviceIDs");
  find(cl, &create_context, "clCreateContext");
  find(cl, &create_queue, "clCreateCommandQueue");
  find(cl, &release_queue, "clReleaseCommandQueue");
  find(cl, &create_program, "clCreateProgramWithSource");
  find(cl, &build, "clBuildProgram");
  find(cl, &create_kernel, "clCreateKernel");
  find(cl, &release_kernel, "clReleaseKernel");
  find(cl, &enqueue, "clEnqueueNDRangeKernel");
  find(cl, &release_event, "clReleaseEvent");
  find(cl, &finish, "clFinish");
  handle platform;
  if (platforms(1, &platform, NULL) != 0 || devices(platform, 0xFFFFFFFF, 1, &device, NULL) != 0) return -2;
  int32_t error;
  context = create_context(NULL, 1, &device, NULL, NULL, &error);
  const char *source = "__kernel void even(void) {} __kernel void odd(void) {}";
  program = create_program(context, 1, &source, NULL, &error);
  return build(program, 1, &device, "", NULL, NULL);
}

/* Queues and kernels come and go while others launch; some launches ask for an event and some do not. */
static void *work(void *data) {
  uintptr_t thread = (uintptr_t)data;
  intptr_t launched = 0;
  for (uint32_t done = 0; done < commands; done += 100) {
    int32_t error;
    handle queue = create_queue(context, device, thread % 2, &error);
    handle kernel = create_kernel(program, thread % 2 ? "odd" : "even", &error);
    for (uint32_t i = 0; i < 100; i++) {
      size_t items = 1;
      handle event = NULL;
      if (enqueue(queue, kernel, 1, NULL, &items, NULL, 0, NULL, i % 3 == 0 ? &event : NULL) == 0) launched++;
      if (event != NULL) release_event(event);
    }
    finish(queue);
    release_kernel(kernel);
    release_queue(queue);
  }
  return (void *)launched;
}

/* How many launches were accepted, or a negative number where there is no device. */
int run_threads(uint32_t threads, uint32_t each) {
  pthread_t ids[32];
  if (threads > 32 || open_device() != 0) return -1;
  commands = each;
  for (uintptr_t i = 0; i < threads; i++) pthread_create(&ids[i], NULL, work, (void *)i);
  intptr_t launched = 0;
  for (uint32_t i = 0; i < threads; i++) {
    void *result;
    pthread_join(ids[i], &result);
    launched += (intptr_t)result;
  }
  return (int)launched;
}

/* Forks, launches in the child, and gives the layer's state there; 100 where something was recorded in the child. */
int state_in_child(const char *layer, handle queue, handle kernel) {
  if (open_device() != 0) return -1;
  void *library = dlopen(layer, RTLD_NOW | RTLD_NOLOAD);
  if (library == NULL) return -2;
  void (*status)(struct ring_status *);
  find(library, &status, "accelmeter_ring_status");
  pid_t child = fork();
  if (child == 0) {
    struct ring_status before, after;
    status(&before);
    size_t items = 1;
    enqueue(queue, kernel, 1, NULL, &items, NULL, 0, NULL, NULL);
    status(&after);
    bool recorded = after.in_flight != before.in_flight || after.untraced != before.untraced;
    _exit(recorded ? 100 : (int)after.state);
  }
  int result = 0;
  if (child < 0 || waitpid(child, &result, 0) != child || !WIFEXITED(result)) return -3;
  return WEXITSTATUS(result);
}
