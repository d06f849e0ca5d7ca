/** Which devices there are, and what they are: asked once when NVML is opened, and again now and then. */
import type { DriverProcess } from '../../native/driver-process.ts';
import { answersOf, type NvmlAnswers, type NvmlCall, NvmlPlan, textIn } from './driver.ts';
import type { Candidate } from './visible.ts';

/** A device as NVML tells it. */
export interface NvmlDevice extends Candidate {
  /** Where its handle stands in the arena. */
  readonly handle: number;
  /** The handle itself: events tell of a device by it. */
  readonly handleValue: bigint;
  /** Under which its answers are found: "0" for a GPU, "0/2" for its MIG instance. */
  readonly key: string;
  /** In NVML's order, as nvidia-smi shows it. MIG instances count on after the GPUs. */
  readonly index: number;
  readonly serial?: string;
  /** Such as "00000000:17:00.0". */
  readonly pciAddress?: string;
}

export interface Inventory {
  readonly devices: readonly NvmlDevice[];
  /** GPUs that are counted and cannot be read, with the code that says why. */
  readonly unreadable: readonly { readonly index: number; readonly code: number }[];
  readonly driverVersion: string | undefined;
  readonly nvmlVersion: string | undefined;
  /** Where in the arena the set of events is. */
  readonly eventSet: number;
  /** What of the arena is in use. */
  readonly end: number;
  /** What was answered, for recordings. */
  readonly answers: NvmlAnswers;
}

/** The numbers of programs in the process. */
export const programs = { begin: 0, roster: 1, mig: 2, prepare: 3, everything: 4, sample: 5 } as const;

/** As many as there can be; the greatest machines have 16. */
const mostDevices = 64;
const mostInstances = 8;

/** Runs a plan. Rejects with a ProbeError where the process ends. */
export function runPlan(process: DriverProcess, program: number, plan: NvmlPlan): Promise<NvmlAnswers> {
  loadPlan(process, program, plan);
  return runLoaded(process, program, plan);
}

/** Keeps a plan in the process. */
export function loadPlan(process: DriverProcess, program: number, { calls }: NvmlPlan): void {
  process.load(
    program,
    calls.map(({ call }) => call),
  );
}

/** Runs a plan that the process has under that number. */
export async function runLoaded(process: DriverProcess, program: number, { calls }: NvmlPlan): Promise<NvmlAnswers> {
  const results = await process.run(program);
  return answersOf(
    calls.map(({ name, key }, index) => {
      const { code = -1, seconds = 0, output = nothing } = results[index] ?? {};
      return { name, key, code, seconds, output };
    }),
  );
}

const nothing = Buffer.alloc(0);

/** What `init` and the count of devices answered, where that is no success; `undefined` where it is. */
export function refusalOf(answers: NvmlAnswers): number | undefined {
  const codes = (['init', 'deviceCount'] as const).map((name) => answers.code(name, ''));
  return codes.find((code) => code !== 0);
}

/** Initialises NVML. To be done once in the life of the process: again and again it would leak. */
export async function beginNvml(
  process: DriverProcess,
): Promise<{ readonly answers: NvmlAnswers; readonly eventSet: number; readonly end: number }> {
  const plan = new NvmlPlan(8); // a handle that is not there is the zero at the beginning
  plan.add('init', { neededBy: 5 });
  plan.add('driverVersion');
  plan.add('nvmlVersion');
  plan.add('cudaVersion');
  const eventSet = plan.add('eventSet');
  plan.add('deviceCount');
  return { answers: await runPlan(process, programs.begin, plan), eventSet, end: plan.end };
}

/** Asks for every device. Handles are the same at each call, as long as the devices are. */
export async function takeInventory(
  process: DriverProcess,
  { answers: begun, eventSet, end }: Awaited<ReturnType<typeof beginNvml>>,
): Promise<Inventory> {
  const plan = new NvmlPlan(end);
  plan.add('deviceCount');
  const gpuHandles = Array.from({ length: mostDevices }, (_, index) => {
    const of = `${index}`;
    const asked: NvmlCall[] = ['uuid', 'name', 'serial', 'pci', 'migMode', 'migCount'];
    const handle = plan.add('deviceHandle', { numbers: [index], neededBy: asked.length });
    for (const name of asked) plan.add(name, { device: handle, of });
    return handle;
  });
  const answers = await runPlan(process, programs.roster, plan);
  const gpus = gpuHandles.flatMap((handle, index) => describe(answers, handle, `${index}`, index, `${index}`) ?? []);
  const instances = new NvmlPlan(plan.end);
  const migHandles = gpus.flatMap((gpu) => planInstances(instances, answers, gpu));
  const ofInstances = migHandles.length === 0 ? answersOf([]) : await runPlan(process, programs.mig, instances);
  const migs = migHandles.flatMap(({ handle, key, parent }, index) => {
    const device = describe(ofInstances, handle, key, gpus.length + index, key.replace('/', ','));
    const gpuInstance = ofInstances.get('gpuInstance', key)?.readUInt32LE(0);
    const computeInstance = ofInstances.get('computeInstance', key)?.readUInt32LE(0);
    if (device === undefined || gpuInstance === undefined) return [];
    return { ...device, mig: { parent: parent.uuid, gpuInstance, computeInstance: computeInstance ?? 0 } };
  });
  return {
    devices: gpus.flatMap((gpu) => [gpu, ...migs.filter(({ mig }) => mig.parent === gpu.uuid)]),
    unreadable: unreadableIn(answers),
    driverVersion: textIn(begun.get('driverVersion', '')),
    nvmlVersion: textIn(begun.get('nvmlVersion', '')),
    eventSet,
    end: instances.end,
    answers: answersOf([...begun.all, ...answers.all, ...ofInstances.all]),
  };
}

function unreadableIn(answers: NvmlAnswers): Inventory['unreadable'] {
  const count = answers.get('deviceCount', '')?.readUInt32LE(0) ?? 0;
  return Array.from({ length: Math.min(count, mostDevices) }, (_, index) => {
    const code = answers.code('deviceHandle', `${index}`) || answers.code('uuid', `${index}`) || 0;
    return { index, code };
  }).filter(({ code }) => code !== 0);
}

function planInstances(plan: NvmlPlan, answers: NvmlAnswers, gpu: NvmlDevice) {
  const isPartitioned = answers.get('migMode', gpu.key)?.readUInt32LE(0) === 1;
  const most = isPartitioned ? (answers.get('migCount', gpu.key)?.readUInt32LE(0) ?? 0) : 0;
  return Array.from({ length: Math.min(most, mostInstances) }, (_, number) => {
    const key = `${gpu.key}/${number}`;
    const asked: NvmlCall[] = ['uuid', 'name', 'gpuInstance', 'computeInstance'];
    const handle = plan.add('migHandle', {
      device: gpu.handle,
      of: gpu.key,
      numbers: [number],
      neededBy: asked.length,
    });
    for (const name of asked) plan.add(name, { device: handle, of: key });
    return { handle, key, parent: gpu };
  });
}

/** `undefined` for one that there is not, or that does not tell its UUID: then it cannot be told from others. */
function describe(
  answers: NvmlAnswers,
  handle: number,
  key: string,
  index: number,
  handleKey: string,
): NvmlDevice | undefined {
  const uuid = textIn(answers.get('uuid', key));
  const value = answers.get(key.includes('/') ? 'migHandle' : 'deviceHandle', handleKey)?.readBigUInt64LE(0);
  if (uuid === undefined || value === undefined) return undefined;
  const serial = textIn(answers.get('serial', key));
  const pciAddress = textIn(answers.get('pci', key)?.subarray(36));
  return {
    uuid,
    model: textIn(answers.get('name', key)) ?? 'NVIDIA GPU',
    handle,
    handleValue: value,
    key,
    index,
    ...(serial !== undefined && { serial }),
    ...(pciAddress !== undefined && { pciAddress }),
  };
}
