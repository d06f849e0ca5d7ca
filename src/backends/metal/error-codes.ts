/** What the errors of command buffers are called. Source: `MTLCommandBufferError` in MTLCommandBuffer.h. */
import type { MacError } from './driver.ts';

const names: Readonly<Record<number, string>> = {
  1: 'internal',
  2: 'timeout',
  3: 'page_fault',
  4: 'access_revoked',
  7: 'not_permitted',
  8: 'out_of_memory',
  9: 'invalid_resource',
  10: 'memoryless',
  11: 'device_removed',
  12: 'stack_overflow',
};

const domainOfCommandBuffers = 'MTLCommandBufferErrorDomain';

/** An error as an `error.type`: of few values, none of which is the text. One of another domain is `metal`. */
export function errorType(error: MacError | undefined): string {
  if (error?.domain !== domainOfCommandBuffers) return 'metal';
  return names[error.code] ?? `metal_${error.code}`;
}
