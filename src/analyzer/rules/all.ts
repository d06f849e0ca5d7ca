/** Every rule, the gravest first. A new rule is a file beside this one and a line in this list. */
import type { Rule } from '../rule.ts';
import { compilingWhileServing } from './compiling-while-serving.ts';
import { eventLoopStarvesDevice } from './event-loop-starves-device.ts';
import { failingOperations } from './failing-operations.ts';
import { highVariance } from './high-variance.ts';
import { launchBound } from './launch-bound.ts';
import { lowBandwidth } from './low-bandwidth.ts';
import { lowUtilization } from './low-utilization.ts';
import { memoryErrors } from './memory-errors.ts';
import { memoryPressure } from './memory-pressure.ts';
import { pcieDegraded } from './pcie-degraded.ts';
import { powerThrottling } from './power-throttling.ts';
import { queueBound } from './queue-bound.ts';
import { regression } from './regression.ts';
import { thermalThrottling } from './thermal-throttling.ts';
import { threadPoolExhausted } from './thread-pool-exhausted.ts';
import { transferBound } from './transfer-bound.ts';

export const allRules: readonly Rule[] = [
  memoryErrors,
  failingOperations,
  thermalThrottling,
  memoryPressure,
  pcieDegraded,
  eventLoopStarvesDevice,
  threadPoolExhausted,
  transferBound,
  lowBandwidth,
  launchBound,
  compilingWhileServing,
  regression,
  lowUtilization,
  powerThrottling,
  queueBound,
  highVariance,
];
