/** Which devices this process may use: `CUDA_VISIBLE_DEVICES`, as CUDA itself reads it. */

/** What stands for a device, in NVML's order, each GPU followed by its MIG instances. */
export interface Candidate {
  readonly uuid: string;
  readonly model: string;
  /** Of a MIG instance: the UUID of its GPU, and its instances by number. */
  readonly mig?: { readonly parent: string; readonly gpuInstance: number; readonly computeInstance: number };
}

export interface Visible<T> {
  readonly devices: readonly T[];
  /** Why a list could not be followed, for people. */
  readonly doubt?: string;
}

/**
 * The devices that the list lets through: all without one. A MIG instance brings its GPU along, to which temperature and
 * power belong. As in CUDA the list ends at the first entry that names nothing, and a device that is named twice means
 * none.
 *
 * An index counts in CUDA's order. That is NVML's where all GPUs are of one model or `CUDA_DEVICE_ORDER` is `PCI_BUS_ID`;
 * else CUDA puts the fastest first, which nobody else can tell, and nothing is left out.
 */
export function visibleDevices<T extends Candidate>(
  candidates: readonly T[],
  list: string | undefined,
  order: string | undefined,
): Visible<T> {
  if (list === undefined) return { devices: candidates };
  const gpus = candidates.filter(({ mig }) => mig === undefined);
  const entries = list.split(',').map((entry) => entry.trim());
  const byIndex = entries.some((entry) => /^\d+$/.test(entry));
  if (byIndex && order !== 'PCI_BUS_ID' && new Set(gpus.map(({ model }) => model)).size > 1) {
    const doubt =
      'CUDA_VISIBLE_DEVICES counts GPUs of several models in an order that only CUDA knows: set CUDA_DEVICE_ORDER=PCI_BUS_ID';
    return { devices: candidates, doubt };
  }
  const named: T[] = [];
  for (const entry of entries) {
    const found = namedBy(entry, candidates, gpus);
    if (found === undefined) break;
    if (named.includes(found)) return { devices: [] };
    named.push(found);
  }
  const uuids = new Set(named.flatMap(({ uuid, mig }) => (mig === undefined ? [uuid] : [uuid, mig.parent])));
  const whole = new Set(named.filter(({ mig }) => mig === undefined).map(({ uuid }) => uuid));
  return {
    devices: candidates.filter(({ uuid, mig }) => uuids.has(uuid) || (mig !== undefined && whole.has(mig.parent))),
  };
}

function namedBy<T extends Candidate>(entry: string, candidates: readonly T[], gpus: readonly T[]): T | undefined {
  if (/^\d+$/.test(entry)) return gpus[Number(entry)];
  const [, parent, gpuInstance, computeInstance] = /^MIG-(GPU-[^/]+)\/(\d+)\/(\d+)$/.exec(entry) ?? [];
  const isNamed = ({ uuid, mig }: T) =>
    parent === undefined
      ? uuid.startsWith(entry)
      : mig?.parent === parent &&
        mig.gpuInstance === Number(gpuInstance) &&
        mig.computeInstance === Number(computeInstance);
  if (!/^(GPU|MIG)-./.test(entry)) return undefined;
  const all = candidates.filter(isNamed);
  return all.length === 1 ? all[0] : undefined; // a prefix of several names none
}
