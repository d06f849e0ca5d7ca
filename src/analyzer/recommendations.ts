/** What would help, in a sentence. Codes are stable: alerts, dashboards and programs know them. */

export const recommendations = {
  batch_operations: 'Give the device more work at each call: larger batches, fewer calls.',
  check_cooling: 'Check fans, airflow and the temperature of the room; the device slows down to protect itself.',
  check_pcie_link:
    'Check the PCIe link: slot, riser, BIOS settings, and whether it runs at its full generation and width.',
  check_thermals: 'Look at temperature and clocks while it runs: a device that heats up slows down.',
  drain_device: 'Take the device out of service, reset it, and have it replaced if the errors come back.',
  enable_simd: 'Use SIMD on the CPU: a WebAssembly build with SIMD, or a native library made for the vector units.',
  enlarge_transfers: 'Copy more at once: small copies are all overhead.',
  fuse_kernels: 'Join kernels that follow each other, so that fewer have to be started.',
  increase_parallelism: 'Use more cores: worker threads, a thread pool, or a native library that has one.',
  increase_work_group_size:
    'Increase the work group size, and the number of groups a launch, so that all compute units have work.',
  inspect_failures: 'Look at the failures by error.type, and at the log of the service at that time.',
  isolate_process: 'See who else uses the device or the cores, and keep them apart.',
  keep_data_on_device: 'Keep buffers on the device between kernels and read back only what is needed.',
  minimize_synchronization: 'Wait for the device less often: enqueue several kernels and wait once.',
  move_work_off_event_loop:
    'Move synchronous work into worker threads: the event loop cannot feed the device meanwhile.',
  optimize_memory_access: 'Have neighbouring work items read neighbouring memory, and reuse what is in local memory.',
  overlap_transfers: 'Copy on a second queue or stream while kernels run.',
  precompile_kernels: 'Compile before serving: build programs at start-up, keep binaries or a pipeline cache.',
  raise_power_limit: 'Raise the power limit where cooling and supply allow, or accept the lower clock.',
  reduce_memory: 'Hold less: smaller batches, lower precision, freed buffers; or give the process more.',
  reduce_queue_depth: 'Submit less ahead: what waits in the queue is latency.',
  resize_thread_pool: 'Set UV_THREADPOOL_SIZE higher, to about the number of cores, or keep long work out of the pool.',
  stabilise_workload: 'Keep sizes alike: pad to a few fixed shapes, or give each size a kernel name of its own.',
  use_graphs: 'Record the sequence of kernels once as a CUDA graph and launch it as one.',
  use_multiple_queues: 'Use more than one queue or stream, so that work that does not depend on each other overlaps.',
  use_pinned_memory:
    'Copy from pinned memory (page-locked memory of the host); in OpenCL, a buffer made with CL_MEM_ALLOC_HOST_PTR.',
  verify_driver: 'Check that the driver is the current one for this device and supports what the program uses.',
  warm_up: 'Run each kernel a few times before serving, so that first runs are not seen by users.',
} as const satisfies Record<string, string>;

export type RecommendationCode = keyof typeof recommendations;

/** What the profiling guide recommends and no rule can see: it stands for programs that know it from there. */
export const guidesOwn: readonly RecommendationCode[] = ['optimize_memory_access'];

/** What would help, with where to read more. */
export interface Recommendation {
  readonly code: RecommendationCode;
  readonly sentence: string;
  /** The section of the rule that recommends it, relative to the repository. */
  readonly link: string;
}
