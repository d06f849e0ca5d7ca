/*
 * A CUDA program of which everything is known: what ran, how often, how many bytes, and how long by CUDA's own events.
 * A shared library, so that Node.js can load it as it loads an addon. Times are by cudaEventRecord before and after each
 * launch, on the same stream; they contain the gap between the event and the kernel, a few microseconds, so what is
 * compared runs long enough.
 *
 *   nvcc -O2 -shared -Xcompiler -fPIC -o known-kernels.so known-kernels.cu
 */
#include <cuda_runtime.h>

#include <stdio.h>
#include <time.h>

#define EXPORT extern "C" __attribute__((visibility("default")))

#define CHECK(call)                                                                            \
  do {                                                                                         \
    cudaError_t error = (call);                                                                \
    if (error != cudaSuccess) {                                                                \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(error)); \
      return -1;                                                                               \
    }                                                                                          \
  } while (0)

/* Runs for so many nanoseconds of the device's own clock, in one thread. */
__device__ void spin(unsigned long long ns) {
  unsigned long long begun, now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(begun));
  do asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  while (now - begun < ns);
}

extern "C" __global__ void spin_1ms(void) { spin(1000000); }
extern "C" __global__ void spin_5ms(void) { spin(5000000); }
extern "C" __global__ void in_graph(float *at) { at[threadIdx.x] += 1; }
extern "C" __global__ void empty(void) {}

namespace known {
template <typename T, int N>
__global__ void scale(T *at, T by) {
  int i = blockIdx.x * N + threadIdx.x;
  at[i] *= by;
}
} // namespace known

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What one kind of thing took by events: the sum, in milliseconds. */
struct timed {
  cudaEvent_t begin, end;
  double sum;
};

static int start_timing(struct timed *timed, cudaStream_t stream) {
  CHECK(cudaEventRecord(timed->begin, stream));
  return 0;
}

static int stop_timing(struct timed *timed, cudaStream_t stream) {
  float milliseconds = 0;
  CHECK(cudaEventRecord(timed->end, stream));
  CHECK(cudaEventSynchronize(timed->end));
  CHECK(cudaEventElapsedTime(&milliseconds, timed->begin, timed->end));
  timed->sum += milliseconds;
  return 0;
}

#define TIMED(timed, stream, call)                                                     \
  do {                                                                                 \
    if (start_timing(&(timed), stream) != 0) return -1;                                \
    CHECK(call);                                                                       \
    if (stop_timing(&(timed), stream) != 0) return -1;                                 \
  } while (0)

#define LAUNCH(kernel, blocks, threads, arguments, stream) \
  cudaLaunchKernel((const void *)(kernel), dim3(blocks), dim3(threads), arguments, 0, stream)

/* Twenty of spin_1ms and ten of spin_5ms; `sums` gets what each kind took, in milliseconds. */
EXPORT int known_spins(double *sums) {
  struct timed one = {}, five = {};
  cudaStream_t stream;
  CHECK(cudaStreamCreate(&stream));
  CHECK(cudaEventCreate(&one.begin));
  CHECK(cudaEventCreate(&one.end));
  five.begin = one.begin;
  five.end = one.end;
  for (int i = 0; i < 20; i++) TIMED(one, stream, LAUNCH(spin_1ms, 1, 1, NULL, stream));
  for (int i = 0; i < 10; i++) TIMED(five, stream, LAUNCH(spin_5ms, 1, 1, NULL, stream));
  CHECK(cudaStreamDestroy(stream));
  sums[0] = one.sum;
  sums[1] = five.sum;
  return 0;
}

/*
 * Copies of 64 MiB: ten to the device, ten back, five on the device, five memsets. `sums`: what each direction took.
 * The host's memory is pinned, so that each is one copy. Takes and gives back two allocations of 64 MiB.
 */
EXPORT int known_copies(double *sums) {
  const size_t bytes = 64u << 20;
  struct timed to = {}, from = {}, on = {}, set = {};
  void *host, *a, *b;
  CHECK(cudaMallocHost(&host, bytes));
  CHECK(cudaMalloc(&a, bytes));
  CHECK(cudaMalloc(&b, bytes));
  CHECK(cudaEventCreate(&to.begin));
  CHECK(cudaEventCreate(&to.end));
  from.begin = on.begin = set.begin = to.begin;
  from.end = on.end = set.end = to.end;
  for (int i = 0; i < 10; i++) TIMED(to, 0, cudaMemcpyAsync(a, host, bytes, cudaMemcpyHostToDevice, 0));
  for (int i = 0; i < 10; i++) TIMED(from, 0, cudaMemcpyAsync(host, a, bytes, cudaMemcpyDeviceToHost, 0));
  for (int i = 0; i < 5; i++) TIMED(on, 0, cudaMemcpyAsync(b, a, bytes, cudaMemcpyDeviceToDevice, 0));
  for (int i = 0; i < 5; i++) TIMED(set, 0, cudaMemsetAsync(b, 0, bytes, 0));
  CHECK(cudaFree(a));
  CHECK(cudaFree(b));
  CHECK(cudaFreeHost(host));
  sums[0] = to.sum;
  sums[1] = from.sum;
  sums[2] = on.sum;
  sums[3] = set.sum;
  return 0;
}

/* A graph of five in_graph, launched fifty times: 250 kernels. */
EXPORT int known_graph(void) {
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  float *memory;
  CHECK(cudaMalloc(&memory, 1024 * sizeof(float)));
  CHECK(cudaMemset(memory, 0, 1024 * sizeof(float)));
  CHECK(cudaStreamCreate(&stream));
  void *arguments[] = {&memory};
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  for (int i = 0; i < 5; i++) CHECK(LAUNCH(in_graph, 1, 256, arguments, stream));
  CHECK(cudaStreamEndCapture(stream, &graph));
#if CUDART_VERSION >= 12000
  CHECK(cudaGraphInstantiate(&executable, graph, 0));
#else
  CHECK(cudaGraphInstantiate(&executable, graph, NULL, NULL, 0));
#endif
  for (int i = 0; i < 50; i++) CHECK(cudaGraphLaunch(executable, stream));
  CHECK(cudaStreamSynchronize(stream));
  float first;
  CHECK(cudaMemcpy(&first, memory, sizeof first, cudaMemcpyDeviceToHost));
  CHECK(cudaGraphExecDestroy(executable));
  CHECK(cudaGraphDestroy(graph));
  CHECK(cudaStreamDestroy(stream));
  CHECK(cudaFree(memory));
  return first == 250 ? 0 : -2;
}

/* A hundred of known::scale<float, 128> on four streams at once, each of 8 blocks of 128 threads. */
EXPORT int known_streams(void) {
  cudaStream_t streams[4];
  float *memory[4];
  float by = 1.5f;
  for (int s = 0; s < 4; s++) {
    CHECK(cudaStreamCreate(&streams[s]));
    CHECK(cudaMalloc(&memory[s], 1024 * sizeof(float)));
  }
  for (int i = 0; i < 100; i++) {
    void *arguments[] = {&memory[i % 4], &by};
    CHECK(LAUNCH((known::scale<float, 128>), 8, 128, arguments, streams[i % 4]));
  }
  CHECK(cudaDeviceSynchronize());
  for (int s = 0; s < 4; s++) {
    CHECK(cudaStreamDestroy(streams[s]));
    CHECK(cudaFree(memory[s]));
  }
  return 0;
}

/* Asks for more memory than any device has. 0: it was refused, as it has to be. */
EXPORT int known_refusal(void) {
  void *memory = NULL;
  cudaError_t error = cudaMalloc(&memory, (size_t)1 << 50);
  cudaGetLastError();
  return error == cudaErrorMemoryAllocation ? 0 : -1;
}

/* `count` empty kernels, as fast as they can be launched: the seconds for launching, and until all are over. */
EXPORT int known_launches(int count, double *seconds) {
  CHECK(LAUNCH(empty, 1, 1, NULL, 0));
  CHECK(cudaDeviceSynchronize());
  double begun = seconds_now();
  for (int i = 0; i < count; i++) CHECK(LAUNCH(empty, 1, 1, NULL, 0));
  seconds[0] = seconds_now() - begun;
  CHECK(cudaDeviceSynchronize());
  seconds[1] = seconds_now() - begun;
  return 0;
}

/* The UUID of device 0, as 16 bytes. */
EXPORT int known_uuid(unsigned char *uuid) {
  cudaDeviceProp properties;
  CHECK(cudaGetDeviceProperties(&properties, 0));
  for (int i = 0; i < 16; i++) uuid[i] = (unsigned char)properties.uuid.bytes[i];
  return 0;
}
