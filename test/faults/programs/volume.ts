/**
 * `volume.ts LIBRARY COUNT`: records from C through the ring's drain into a profile, in time that is compressed: each
 * of them lasts a microsecond on a clock that goes by them. Says what the profile was told, and the heap after each tenth.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DeviceProfile } from '../../../src/profile/device-profile.ts';
import { openProducer } from '../../native/producer.ts';

const [library = '', count = ''] = process.argv.slice(2);
const inRing = 65_536;
const microsecond = 1e-6;
const { ring, calls } = openProducer(library);

let clock = 0;
const profile = new DeviceProfile(
  { id: 'stub', backend: 'opencl', type: 'gpu', name: 'Stub', index: 0 },
  { now: () => clock },
);

let told = 0;
const heaps: number[] = [];
setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');
for (let pushed = 0; pushed < Number(count); ) {
  pushed += calls.push(Math.min(inRing, Number(count) - pushed));
  while (
    ring.drain(1, ({ queue }) => {
      clock += microsecond;
      told += 1;
      const name = `kernel_${queue % 100}`;
      profile.deliver({
        kind: 'kernel',
        name,
        start: clock,
        duration: microsecond,
        wait: undefined,
        failed: undefined,
      });
    })
  );
  profile.settle(clock);
  if (Math.floor(clock / 5) > Math.floor((clock - inRing * microsecond) / 5)) profile.closeInterval(clock);
  if (told >= ((heaps.length + 1) * Number(count)) / 10) {
    collectGarbage();
    heaps.push(process.memoryUsage().heapUsed);
  }
}
process.stdout.write(JSON.stringify({ told: profile.totals().count, heaps }));
