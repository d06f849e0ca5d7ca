/** The GPUs that the profiler has been told of, from their coming to their leaving. */
import type { Activity } from '../../activity.ts';
import type { DeviceReadings, Host } from '../../backend.ts';
import { ProbeError } from '../../errors.ts';
import type { MetalDevice, TimedPasses } from '../../metal-device.ts';
import { type Accelerators, noStatistics, openAccelerators } from './accelerators.ts';
import { CommandBuffers, type Target } from './command-buffers.ts';
import { identityOf, inWords, type MetalGpu, systemOf, thermalStateOf, withGpus } from './devices.ts';
import type { Mac } from './driver.ts';
import { GpuClock } from './gpu-clock.ts';
import { compileKernel } from './kernels.ts';
import { clocksOf } from './passes.ts';
import { readingsOf } from './readings.ts';

interface Present {
  readonly gpu: MetalGpu;
  readonly id: string;
  readonly index: number;
  readonly target: Target;
}

/** How many samples lie between two looks for GPUs that have come. */
const samplesBetweenLooks = 12;

export class Roster {
  readonly #host: Host;
  readonly #mac: Mac;
  readonly #accelerators: Accelerators;
  readonly #present = new Map<bigint, Present>();
  readonly #system: string;
  readonly #commandBuffers: CommandBuffers;
  #samples = 0;
  #statistics = true;
  #closed = false;
  paused = false;

  /** Throws a ProbeError: `unsupported` before macOS 13, `absent` where Metal has no GPU. */
  constructor(host: Host, mac: Mac) {
    this.#host = host;
    this.#mac = mac;
    this.#system = systemOf(mac);
    this.#accelerators = openAccelerators(mac);
    this.#commandBuffers = new CommandBuffers(mac);
    try {
      this.look();
      if (this.#present.size === 0) throw new ProbeError('absent', 'Metal knows no GPU on this Mac');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** What each GPU is, for people. */
  get gpus(): readonly string[] {
    return [...this.#present.values()].map(({ gpu }) => inWords(gpu));
  }

  get system(): string {
    return this.#system;
  }

  /** Whether the driver of any is none of AMD's: the others tell no power, temperature or clocks. */
  get hasSilentDriver(): boolean {
    return [...this.#present.values()].some(({ gpu }) => !gpu.name.startsWith('AMD'));
  }

  /** Whether the driver of each GPU told anything when it was last asked. */
  get hasStatistics(): boolean {
    return this.#statistics;
  }

  get commandBuffers(): CommandBuffers {
    return this.#commandBuffers;
  }

  /** What is polled; a GPU that has left is reported as such. */
  sample(): DeviceReadings[] {
    return this.#mac.pooled(() => this.#sample());
  }

  #sample(): DeviceReadings[] {
    this.#samples += 1;
    if (this.#mayChange() && this.#samples % samplesBetweenLooks === 0) this.look();
    const thermalState = thermalStateOf(this.#mac);
    this.#statistics = true;
    const sampled: DeviceReadings[] = [];
    for (const present of [...this.#present.values()]) {
      const readings = this.#readingsOf(present, thermalState);
      if (readings) sampled.push(readings);
    }
    return sampled;
  }

  /** Meets the GPUs that have come, and parts with those that are not listed any more. */
  look(): void {
    withGpus(this.#mac, (listed) => {
      const known = new Set(listed.map(({ registryId }) => registryId));
      for (const [registryId, present] of this.#present) if (!known.has(registryId)) this.#remove(present);
      for (const gpu of listed) if (!this.#present.has(gpu.registryId)) this.#add(gpu);
    });
  }

  close(): void {
    this.#closed = true;
    this.#commandBuffers.forget();
    this.#mac.pooled(() => {
      for (const { gpu } of this.#present.values()) this.#mac.send.release(gpu.handle);
    });
    this.#present.clear();
    this.#accelerators.close();
  }

  /** Only Macs with an Intel processor have GPUs that can be plugged in; their GPUs are of no family of Apple's. */
  #mayChange(): boolean {
    const all = [...this.#present.values()];
    return all.length === 0 || all.some(({ gpu }) => !gpu.properties.families.some((name) => name.startsWith('apple')));
  }

  /** The first free number: a GPU that is plugged in again is the one that it was. */
  #add(gpu: MetalGpu): void {
    const taken = new Set([...this.#present.values()].map(({ index }) => index));
    let index = 0;
    while (taken.has(index)) index += 1;
    const identity = identityOf(gpu, { hostId: this.#host.hostId, index, system: this.#system });
    const clock = new GpuClock();
    const calibrate = () => {
      if (gpu.properties.counterSampling !== undefined) clock.add(clocksOf(this.#mac, gpu.handle));
    };
    calibrate();
    const metal = this.#devicePartOf(gpu, () => target);
    const sink = this.#host.addDevice(identity, { metal });
    const target: Target = { registryId: gpu.registryId, clock, calibrate, sink };
    this.#mac.retained(gpu.handle);
    this.#present.set(gpu.registryId, { gpu, id: identity.id, index, target });
  }

  /** In a pool. */
  #remove({ gpu, id, target }: Present): void {
    this.#commandBuffers.forget(target);
    this.#present.delete(target.registryId);
    this.#mac.send.release(gpu.handle);
    this.#host.removeDevice(id);
  }

  #readingsOf(present: Present, thermalState: number | undefined): DeviceReadings | undefined {
    const { gpu, id, target } = present;
    const statistics = this.#accelerators.read(target.registryId);
    if (statistics === 'gone' && gpu.properties.removable) {
      this.#remove(present);
      return undefined;
    }
    const told = statistics === 'gone' ? noStatistics : statistics;
    if (told.utilizationPercent === undefined) this.#statistics = false;
    target.calibrate();
    const readings = readingsOf(gpu.properties, {
      ...told,
      allocatedBytes: Number(this.#mac.send.currentAllocatedSize(gpu.handle)),
      queueDepth: this.#commandBuffers.inFlight(target),
      thermalState,
    });
    return { device: id, readings };
  }

  #devicePartOf(gpu: MetalGpu, target: () => Target): MetalDevice {
    const { properties, handle } = gpu;
    const isOpen = () => !this.#closed && this.#present.get(gpu.registryId)?.gpu === gpu;
    const observe = (pointer: bigint, name: string, passes: TimedPasses | undefined) =>
      isOpen() && !this.paused && this.#commandBuffers.observe(target(), pointer, name, passes);
    const bench = {
      ...{ mac: this.#mac, device: handle, sampling: properties.counterSampling, isOpen, observe },
      collect: (pointer: bigint) => this.#commandBuffers.collect(pointer),
      sink: { deliver: (activity: Activity) => target().sink.deliver(activity) },
    };
    return Object.freeze({
      properties,
      observeCommandBuffer(pointer: bigint | null, name: string, passes?: TimedPasses) {
        if (pointer !== null && typeof pointer !== 'bigint') throw new TypeError('a command buffer is a BigInt');
        if (typeof name !== 'string') throw new TypeError('the name of a kernel is a text');
        const checked = passes && checkedPasses(passes);
        return pointer !== null && pointer !== 0n && observe(pointer, name, checked);
      },
      compile: (source: string, functionName: string) => compileKernel(bench, source, functionName),
    });
  }
}

/** A copy: what the program does with its own later must not change what we release. Throws a TypeError for what is none. */
function checkedPasses({ samples, names, first = 0 }: TimedPasses): TimedPasses {
  if (typeof samples !== 'bigint') throw new TypeError('a buffer of samples is a BigInt');
  if (!Array.isArray(names) || names.length === 0 || !names.every((name) => typeof name === 'string')) {
    throw new TypeError('the names of passes are an array of texts, at least one');
  }
  if (!Number.isSafeInteger(first) || first < 0) throw new TypeError('where the samples begin is a whole number');
  return { samples, names: [...names], first };
}
