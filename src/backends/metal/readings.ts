/** What macOS told of a GPU, as readings of the catalogue. */
import type { Reading } from '../../backend.ts';
import type { MetalProperties } from '../../metal-device.ts';
import type { AcceleratorStatistics } from './accelerators.ts';

/** Values that were told; `undefined` for those that were not. */
export interface Told extends AcceleratorStatistics {
  /** Bytes of all resources of this process on the device. */
  readonly allocatedBytes: number | undefined;
  /** Of the machine: 0 nominal, 1 fair, 2 serious, 3 critical. */
  readonly thermalState: number | undefined;
  /** Command buffers that the program gave us and that have not ended. */
  readonly queueDepth: number;
}

type Properties = Pick<MetalProperties, 'unifiedMemory' | 'recommendedMaxWorkingSetBytes'>;

/** The readings of one GPU. A value that was not told is left out. */
export function readingsOf(properties: Properties, told: Told): Reading[] {
  const { allocatedBytes, queueDepth, thermalState, utilizationPercent } = told;
  // The limit that Metal gives is of the memory that the GPU works in: its own where it has any.
  const usage = properties.unifiedMemory ? told.systemMemoryBytes : told.videoMemoryBytes;
  const limit = properties.recommendedMaxWorkingSetBytes;
  const values: (Reading | false)[] = [
    isShare(utilizationPercent) && { name: 'hw.gpu.utilization', value: utilizationPercent / 100 },
    isAmount(limit) && { name: 'hw.gpu.memory.limit', value: limit },
    isAmount(usage) && { name: 'hw.gpu.memory.usage', value: usage },
    // The limit is what is recommended: what is beyond it is no share.
    isAmount(usage) && isAmount(limit) && usage <= limit && { name: 'hw.gpu.memory.utilization', value: usage / limit },
    isAmount(allocatedBytes) && { name: 'accelmeter.device.process.memory', value: allocatedBytes },
    ...sensorsOf(told),
    thermalState !== undefined && { name: 'accelmeter.device.thermal.state', value: thermalState },
    { name: 'accelmeter.device.queue.depth', value: queueDepth },
  ];
  return values.filter((value) => value !== false);
}

/** What AMD's drivers tell. Of 0 °C is no GPU that runs: so says one whose sensor was not read. */
function sensorsOf({ temperatureCelsius, powerWatts, coreMegahertz, memoryMegahertz }: Told): (Reading | false)[] {
  const clock = (domain: 'graphics' | 'memory', megahertz: number | undefined): Reading | false =>
    isAmount(megahertz) && {
      name: 'accelmeter.device.clock',
      value: megahertz * 1e6,
      attributes: { 'accelmeter.clock.domain': domain },
    };
  return [
    isAmount(temperatureCelsius) &&
      temperatureCelsius > 0 && {
        name: 'hw.temperature',
        value: temperatureCelsius,
        attributes: { 'hw.sensor_location': 'core' },
      },
    isAmount(powerWatts) && { name: 'hw.power', value: powerWatts },
    clock('graphics', coreMegahertz),
    clock('memory', memoryMegahertz),
  ];
}

const isAmount = (value: number | undefined): value is number => value !== undefined && value >= 0;
const isShare = (percent: number | undefined): percent is number => isAmount(percent) && percent <= 100;
