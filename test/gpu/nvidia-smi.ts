/**
 * What `nvidia-smi -q -x` says of a GPU beside what we read of it, in NVML's own numbers: our counters begin at zero where
 * those of nvidia-smi go on from what the hardware has come to.
 *
 * Names of elements: nvidia_smi.dtd of drivers 450 to 580. Not in it, and so not compared: energy, bytes over PCIe (it
 * tells a rate of the last 20 ms), XIDs, and what performance monitoring tells.
 */
import type { GpuValues } from '../../src/backends/cuda/values.ts';

/** Of nvidia-smi's XML, the text under these tags, one within the other. */
export function textAt(xml: string, ...tags: string[]): string | undefined {
  return tags
    .reduce<string | undefined>(
      (within, tag) => within && new RegExp(`<${tag}( [^>]*)?>([\\s\\S]*?)</${tag}>`).exec(within)?.[2],
      xml,
    )
    ?.trim();
}

/** The first number of that text, with its unit taken off. */
export function numberAt(xml: string, ...tags: string[]): number | undefined {
  const text = textAt(xml, ...tags);
  const found = /-?\d+(\.\d+)?/.exec(text ?? '');
  return found === null || /N\/A|Not/i.test(text ?? '') ? undefined : Number(found[0]);
}

interface Compared {
  readonly what: string;
  ours(values: GpuValues): number | undefined;
  theirs(gpu: string): number | undefined;
  /** By how much it may move between the two. */
  readonly within?: number;
}

/** Elements that add up to one value: on some generations a kind of error is told in parts. */
function sumAt(gpu: string, path: readonly string[], ...tags: string[]): number | undefined {
  const parts = tags.map((tag) => numberAt(gpu, ...path, tag)).filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.reduce((sum, part) => sum + part, 0);
}

/** Yes and No, Active and Not Active. */
function flagAt(gpu: string, ...tags: string[]): number | undefined {
  const text = textAt(gpu, ...tags);
  if (text === 'Yes' || text === 'Active') return 1;
  return text === 'No' || text === 'Not Active' ? 0 : undefined;
}

const flag = (value: boolean | undefined) => (value === undefined ? undefined : Number(value));
const volatile = ['ecc_errors', 'volatile'];

/** A limit that is told by how far it lies from where the GPU is throttled; °C that are left until there are told as well. */
function limitAt(gpu: string, tag: string): number | undefined {
  const [now, left, from] = ['gpu_temp', 'gpu_temp_tlimit', tag].map((each) => numberAt(gpu, 'temperature', each));
  return now === undefined || left === undefined || from === undefined ? undefined : now + left - from;
}
const temperatureAt = (gpu: string, tag: string) => numberAt(gpu, 'temperature', tag);

/** Since driver 535 "event" stands where "throttle" did. */
const reasonAt = (gpu: string, reason: string) =>
  flagAt(gpu, 'clocks_event_reasons', `clocks_event_reason_${reason}`) ??
  flagAt(gpu, 'clocks_throttle_reasons', `clocks_throttle_reason_${reason}`);
const reasons: readonly (readonly [string, number])[] = [
  ['sw_power_cap', 0x4],
  ['hw_slowdown', 0x8],
  ['sync_boost', 0x10],
  ['sw_thermal_slowdown', 0x20],
  ['hw_thermal_slowdown', 0x40],
  ['hw_power_brake_slowdown', 0x80],
];
const counters = [
  ['sw_power_cap', 'power'],
  ['sync_boost', 'sync_boost'],
  ['sw_thermal_slowdown', 'sw_thermal'],
  ['hw_thermal_slowdown', 'hw_thermal'],
  ['hw_power_brake_slowdown', 'power_brake'],
] as const;

const rows: readonly Compared[] = [
  {
    what: 'temperature limit, throttled',
    ours: ({ throttleCelsius }) => throttleCelsius,
    theirs: (gpu) =>
      temperatureAt(gpu, 'gpu_temp_max_gpu_threshold') ??
      limitAt(gpu, 'gpu_temp_max_gpu_tlimit_threshold') ??
      temperatureAt(gpu, 'gpu_temp_slow_threshold') ??
      limitAt(gpu, 'gpu_temp_slow_tlimit_threshold'),
    within: 2,
  },
  {
    what: 'temperature limit, max',
    ours: ({ shutdownCelsius }) => shutdownCelsius,
    theirs: (gpu) => temperatureAt(gpu, 'gpu_temp_max_threshold') ?? limitAt(gpu, 'gpu_temp_max_tlimit_threshold'),
    within: 2,
  },
  {
    what: 'corrected errors',
    ours: ({ correctedErrors }) => correctedErrors,
    theirs: (gpu) =>
      sumAt(gpu, volatile, 'sram_correctable', 'dram_correctable') ?? numberAt(gpu, ...volatile, 'single_bit', 'total'),
  },
  {
    what: 'uncorrected errors',
    ours: ({ uncorrectedErrors }) => uncorrectedErrors,
    theirs: (gpu) =>
      sumAt(
        gpu,
        volatile,
        ...['sram_uncorrectable', 'sram_uncorrectable_parity', 'sram_uncorrectable_secded', 'dram_uncorrectable'],
      ) ?? numberAt(gpu, ...volatile, 'double_bit', 'total'),
  },
  {
    what: 'rows remapped for corrected errors',
    ours: ({ remapped }) => remapped?.corrected,
    theirs: (gpu) => numberAt(gpu, 'remapped_rows', 'remapped_row_corr'),
  },
  {
    what: 'rows remapped for uncorrected errors',
    ours: ({ remapped }) => remapped?.uncorrected,
    theirs: (gpu) => numberAt(gpu, 'remapped_rows', 'remapped_row_unc'),
  },
  {
    what: 'remapping pending',
    ours: ({ remapped }) => flag(remapped?.pending),
    theirs: (gpu) => flagAt(gpu, 'remapped_rows', 'remapped_row_pending'),
  },
  {
    what: 'remapping failed',
    ours: ({ remapped }) => flag(remapped?.failed),
    theirs: (gpu) => flagAt(gpu, 'remapped_rows', 'remapped_row_failure'),
  },
  {
    what: 'pages retired for corrected errors',
    ours: ({ retired }) => retired?.corrected,
    theirs: (gpu) => numberAt(gpu, 'retired_pages', 'multiple_single_bit_retirement', 'retired_count'),
  },
  {
    what: 'pages retired for uncorrected errors',
    ours: ({ retired }) => retired?.uncorrected,
    theirs: (gpu) => numberAt(gpu, 'retired_pages', 'double_bit_retirement', 'retired_count'),
  },
  {
    what: 'retirement pending',
    ours: ({ retired }) => flag(retired?.pending),
    theirs: (gpu) => flagAt(gpu, 'retired_pages', 'pending_retirement'),
  },
  {
    what: 'replays',
    ours: ({ replays }) => replays,
    theirs: (gpu) => numberAt(gpu, 'pci', 'replay_counter'),
  },
  {
    what: 'fan speed',
    ours: ({ fanPercents }) => fanPercents[0],
    theirs: (gpu) => numberAt(gpu, 'fan_speed'),
    within: 5,
  },
  {
    what: 'recovery action',
    ours: ({ recoveryAction }) => flag(recoveryAction === undefined ? undefined : recoveryAction !== 0),
    theirs(gpu) {
      const text = textAt(gpu, 'gpu_recovery_action');
      return text === undefined || text === 'N/A' ? undefined : Number(text !== 'None');
    },
  },
  ...reasons.map(
    ([reason, bit]): Compared => ({
      what: `held down now: ${reason}`,
      ours: ({ throttleReasons: bits }) => flag(bits === undefined ? undefined : (bits & bit) !== 0),
      theirs: (gpu) => reasonAt(gpu, reason),
    }),
  ),
  ...counters.map(
    ([counter, reason]): Compared => ({
      what: `held down, in microseconds: ${counter}`,
      ours({ throttledNanoseconds }) {
        const nanoseconds = throttledNanoseconds[reason];
        return nanoseconds === undefined ? undefined : nanoseconds / 1000;
      },
      theirs: (gpu) => numberAt(gpu, 'clocks_event_reasons_counters', `clocks_event_reasons_counters_${counter}`),
      within: 1,
    }),
  ),
];

export interface Comparison {
  readonly what: string;
  readonly ours: readonly (number | undefined)[];
  readonly theirs: number | undefined;
  /** `undefined` where one of the two does not tell it. */
  readonly agrees: boolean | undefined;
}

/** `gpu`: its element, which was read between `before` and `after`. */
export function compareWithSmi(gpu: string, before: GpuValues, after: GpuValues): Comparison[] {
  return rows.map(({ what, ours: of, theirs: at, within = 0 }) => {
    const ours = [of(before), of(after)];
    const theirs = at(gpu);
    const told = ours.filter((value) => value !== undefined);
    if (theirs === undefined || told.length === 0) return { what, ours, theirs, agrees: undefined };
    const agrees = theirs >= Math.min(...told) - within && theirs <= Math.max(...told) + within;
    return { what, ours, theirs, agrees };
  });
}
