/** What CUDA's error codes are called. Source: `CUresult` of the CUDA driver API. Only those that allocations give. */
const names: Readonly<Record<number, string>> = {
  1: 'invalid_value',
  2: 'out_of_memory',
  3: 'not_initialized',
  4: 'deinitialized',
  46: 'device_unavailable',
  100: 'no_device',
  101: 'invalid_device',
  201: 'invalid_context',
  214: 'ecc_uncorrectable',
  700: 'illegal_address',
  702: 'launch_timeout',
  709: 'context_is_destroyed',
  715: 'illegal_instruction',
  716: 'misaligned_address',
  718: 'invalid_pc',
  719: 'launch_failed',
  800: 'not_permitted',
  801: 'not_supported',
  802: 'system_not_ready',
  803: 'system_driver_mismatch',
  900: 'stream_capture_unsupported',
  901: 'stream_capture_invalidated',
  999: 'unknown',
};

/** The `error.type` of a code. */
export const errorType = (code: number): string => names[code] ?? `cuda_${code}`;
