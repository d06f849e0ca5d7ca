/** Whether a device is measured, and what people are told where it is not. */
import type { LoopPhase } from './loop.ts';

/** `removed`: the device has left, whatever the profiler does. */
export type Presence = LoopPhase | 'removed';

/** In a sentence. */
export const whyAbsent: Readonly<Record<Exclude<Presence, 'running'>, string>> = {
  removed: 'The device has left.',
  closed: 'The profiler is closed.',
  paused: 'Measuring is paused.',
};
