/** Machines as test/stubs/nvml.c has them: lines of a scenario, for GPUs of several generations. None was recorded. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileLibrary, scratchFolder } from '../native/compile.ts';

/** Lines about one GPU; `gpu` is its number. */
export type StubGpu = (gpu: number) => readonly string[];

const text = (value: string) => `text:"${value}"`;
const gibibyte = 2 ** 30;

/** Of a driver; 13 is the version of the library from which on fields have new numbers. */
export function machine(gpus: readonly StubGpu[], faults: readonly string[] = [], nvml = '13.580.65.06'): string {
  const lines = [
    'nvmlInit_v2@ 0',
    `nvmlSystemGetDriverVersion@ 0 ${text(nvml.replace(/^\d+\./, ''))}`,
    `nvmlSystemGetNVMLVersion@ 0 ${text(nvml)}`,
    'nvmlSystemGetCudaDriverVersion_v2@ 0 u32:13000',
    `nvmlDeviceGetCount_v2@ 0 u32:${gpus.length}`,
    ...gpus.flatMap((lines, gpu) => lines(gpu)),
    ...faults,
  ];
  return `${lines.join('\n')}\n`;
}

/** The UUID that the stub's GPUs have. */
export const uuid = (gpu: number, kind = 'GPU') => `${kind}-0000000${gpu}-1111-2222-3333-444444444444`;

function identity(gpu: number, name: string): string[] {
  const bus = Buffer.from(`00000000:${(0x17 + gpu).toString(16).toUpperCase()}:00.0\0`).toString('hex');
  return [
    `nvmlDeviceGetName@${gpu} 0 ${text(name)}`,
    `nvmlDeviceGetUUID@${gpu} 0 ${text(uuid(gpu))}`,
    `nvmlDeviceGetPciInfo_v3@${gpu} 0 hex:${'00'.repeat(36)}${bus}`,
  ];
}

/** Like an H200: Hopper, no fan, margins in place of thresholds, performance monitoring. At work and well. */
export const hopper: StubGpu = (gpu) => [
  ...identity(gpu, 'NVIDIA H200'),
  `nvmlDeviceGetMigMode@${gpu} 0 u32:0 u32:0`,
  `nvmlDeviceGetUtilizationRates@${gpu} 0 u32:85 u32:40`,
  `nvmlDeviceGetEncoderUtilization@${gpu} 0 u32:0 u32:166000`,
  `nvmlDeviceGetDecoderUtilization@${gpu} 0 u32:12 u32:166000`,
  `nvmlDeviceGetMemoryInfo_v2@${gpu} 0 u64:${141 * gibibyte} u64:${gibibyte} u64:${100 * gibibyte} u64:${40 * gibibyte}`,
  `nvmlDeviceGetTemperature@${gpu},0 0 u32:45`,
  `nvmlDeviceGetMarginTemperature@${gpu} 0 i32:40`,
  `field@${gpu},193 0 i32:-8`,
  `field@${gpu},194 0 i32:-2`,
  `field@${gpu},196 0 i32:0`,
  `field@${gpu},82 0 u32:52`,
  `field@${gpu},83 0 u64:1000000+250000`,
  `field@${gpu},185 0 u32:350500`,
  `nvmlDeviceGetEnforcedPowerLimit@${gpu} 0 u32:700000`,
  ...[1980, 1980, 3201, 1545].map((clock, domain) => `nvmlDeviceGetClockInfo@${gpu},${domain} 0 u32:${clock}`),
  `nvmlDeviceGetMaxClockInfo@${gpu},1 0 u32:1980`,
  `nvmlDeviceGetCurrentClocksEventReasons@${gpu} 0 u64:0`,
  ...[74, 76, 269, 270, 271].map((field) => `field@${gpu},${field} 0 u64:5000000000`),
  // In the header of CUDA 13 these are settings of power smoothing.
  ...[251, 252, 253].map((field) => `field@${gpu},${field} 0 u32:1`),
  `nvmlDeviceGetCurrPcieLinkGeneration@${gpu} 0 u32:5`,
  `nvmlDeviceGetCurrPcieLinkWidth@${gpu} 0 u32:16`,
  `nvmlDeviceGetMaxPcieLinkGeneration@${gpu} 0 u32:5`,
  `nvmlDeviceGetMaxPcieLinkWidth@${gpu} 0 u32:16`,
  `field@${gpu},197 0 u64:7000000+1000`,
  `field@${gpu},198 0 u64:9000000+2000`,
  `field@${gpu},94 0 u32:3`,
  `field@${gpu},3 0 u64:2`,
  `field@${gpu},4 0 u64:0`,
  ...[142, 143, 144, 145].map((field) => `field@${gpu},${field} 0 u32:0`),
  `field@${gpu},230 0 u32:0`,
  `nvmlGpmQueryDeviceSupport@${gpu} 0 u32:1`,
  ...[61.5, 30, 55, 72].map((value, index) => `gpm@${gpu},${[2, 3, 5, 10][index]} 0 f64:${value}`),
  `processes@${gpu} 0 size:24 4242:1073741824 parent:2147483648`,
];

/** Like a T4 with an old driver: Turing, one fan, thresholds, calls in place of fields, pages in place of rows. */
export const turing: StubGpu = (gpu) => [
  ...identity(gpu, 'Tesla T4'),
  `nvmlDeviceGetUtilizationRates@${gpu} 0 u32:7 u32:3`,
  `nvmlDeviceGetMemoryInfo@${gpu} 0 u64:${15 * gibibyte} u64:${12 * gibibyte} u64:${3 * gibibyte}`,
  `nvmlDeviceGetTemperature@${gpu},0 0 u32:38`,
  `nvmlDeviceGetTemperatureThreshold@${gpu},0 0 u32:96`,
  `nvmlDeviceGetTemperatureThreshold@${gpu},1 0 u32:93`,
  `nvmlDeviceGetTemperatureThreshold@${gpu},3 0 u32:85`,
  `nvmlDeviceGetPowerUsage@${gpu} 0 u32:27123`,
  `nvmlDeviceGetPowerManagementLimit@${gpu} 0 u32:70000`,
  `nvmlDeviceGetTotalEnergyConsumption@${gpu} 0 u64:777000+1000`,
  ...[585, 585, 5000, 540].map((clock, domain) => `nvmlDeviceGetClockInfo@${gpu},${domain} 0 u32:${clock}`),
  `nvmlDeviceGetCurrentClocksThrottleReasons@${gpu} 0 u64:1`,
  `nvmlDeviceGetCurrPcieLinkGeneration@${gpu} 0 u32:1`,
  `nvmlDeviceGetCurrPcieLinkWidth@${gpu} 0 u32:8`,
  `nvmlDeviceGetMaxPcieLinkGeneration@${gpu} 0 u32:3`,
  `nvmlDeviceGetMaxPcieLinkWidth@${gpu} 0 u32:16`,
  `nvmlDeviceGetPcieReplayCounter@${gpu} 0 u32:0`,
  `nvmlDeviceGetFanSpeed@${gpu} 0 u32:33`,
  `nvmlDeviceGetTotalEccErrors@${gpu},0,0 0 u64:0`,
  `nvmlDeviceGetTotalEccErrors@${gpu},1,0 0 u64:0`,
  `field@${gpu},29 0 u32:1`,
  `field@${gpu},30 0 u32:0`,
  `field@${gpu},31 0 u32:0`,
  `processes@${gpu} 0 size:16 parent:536870912`,
];

/** A Hopper GPU in two parts, which have memory and performance monitoring of their own, and no utilization. */
export const partitioned: StubGpu = (gpu) => [
  ...hopper(gpu).filter((line) => !/MigMode|Utilization|processes|^gpm/.test(line)),
  `nvmlDeviceGetMigMode@${gpu} 0 u32:1 u32:1`,
  `nvmlDeviceGetMaxMigDeviceCount@${gpu} 0 u32:7`,
  ...[0, 1].flatMap((part) => [
    `nvmlDeviceGetUUID@${gpu}/${part} 0 ${text(uuid(part + 4, 'MIG'))}`,
    `nvmlDeviceGetName@${gpu}/${part} 0 ${text('NVIDIA H200 MIG 3g.71gb')}`,
    `nvmlDeviceGetGpuInstanceId@${gpu}/${part} 0 u32:${part + 1}`,
    `nvmlDeviceGetComputeInstanceId@${gpu}/${part} 0 u32:0`,
    `nvmlDeviceGetMemoryInfo_v2@${gpu}/${part} 0 u64:${70 * gibibyte} u64:0 u64:${60 * gibibyte} u64:${10 * gibibyte}`,
    `nvmlGpmQueryDeviceSupport@${gpu}/${part} 0 u32:1`,
    `gpm@${gpu}/${part},2 0 f64:${part === 0 ? 25 : 50}`,
    `processes@${gpu}/${part} 0 size:24 parent:${part === 0 ? 1048576 : 2097152}`,
  ]),
];

/** The same GPU with another answer of the first word of `line`, or with one that it did not have. */
export function replacing(gpu: StubGpu, line: string): StubGpu {
  const key = `${line.split(' ')[0]} `;
  return (number) => [...gpu(number).filter((each) => !each.startsWith(key)), line];
}

const folder = scratchFolder();
let scenarios = 0;

/** Builds the stub; the flags stand in its head. */
export function stubNvml(...flags: readonly string[]): string {
  return compileLibrary(
    'test/stubs/nvml.c',
    scratchFolder(),
    flags.map((flag) => `-D${flag}`),
  );
}

/** Writes a scenario, for the stub to read at once or when it is next called. */
export function writeScenario(lines: string, file = join(folder, `scenario-${scenarios++}.txt`)): string {
  writeFileSync(file, lines);
  return file;
}
