/** What a tracer's record is as an activity, alike for all tracers. */
import type { Activity } from '../activity.ts';
import type { RingRecord } from './ring.ts';

/** A number that the tracer was not told, or that there is none of, is 0. */
const told = (number: number) => (number === 0 ? undefined : number);

/** `name` and `failed` are the record's name and error in the backend's words. */
export function activityOf(
  { kind, start, duration, wait, amount, queue, correlation }: RingRecord,
  { name, failed }: { readonly name: string | undefined; readonly failed: string | undefined },
): Activity {
  switch (kind) {
    case 'kernel':
      return {
        kind,
        name,
        start,
        duration,
        wait,
        failed,
        launchSize: told(amount),
        queue: told(queue),
        correlation: told(correlation),
      };
    case 'compilation':
      return { kind, duration, failed };
    case 'allocation':
      return { kind, bytes: amount, failed };
    default:
      return {
        kind: 'transfer',
        direction: kind === 'fill' ? 'device_to_device' : kind,
        fill: kind === 'fill',
        bytes: amount,
        start,
        duration,
        failed,
        queue: told(queue),
        correlation: told(correlation),
      };
  }
}
