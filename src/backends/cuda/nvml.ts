/**
 * NVML's life: it is opened in a process of its own, once, and sampled there; what it told last is kept here. A driver that
 * does not answer is waited for, without anybody having to wait; one that was lost is opened anew, ever less often.
 *
 * Nothing in here has a timer: it goes on when it is asked.
 */
import type { DeviceReadings, SourceState } from '../../backend.ts';
import { ProbeError } from '../../errors.ts';
import { type DriverProcess, startDriverProcess } from '../../native/driver-process.ts';
import { answersOf, type NvmlAnswers, type NvmlPlan, nvmlCalls, nvmlSymbols } from './driver.ts';
import { beginNvml, type Inventory, type NvmlDevice, refusalOf, runLoaded, takeInventory } from './inventory.ts';
import { type Gone, goneIn, type Missing, type Open, planned, stateOf } from './opened.ts';
import { prepare } from './preparation.ts';
import { libraryNames, libraryRefusal, refusal, stuckRemedy } from './refusals.ts';
import { everythingEverySeconds, knownFrom } from './sampling.ts';
import { type GpuValues, valuesOf } from './values.ts';
import { visibleDevices } from './visible.ts';

/** A GPU that nobody keeps awake takes seconds to start. */
const openPatienceSeconds = 10;
const samplePatienceSeconds = 2;
/** The process itself answers at once, unless somebody has stopped it. */
const askPatienceSeconds = 0.5;
/** After so long the process is given up, and another one tried once it is gone. */
const givenUpSeconds = 60;
const firstRetrySeconds = 5;
const longestRetrySeconds = 300;
const crashesUntilOff = 3;
/** What compares two samples of a device needs them so far apart. */
const shortestSampleSeconds = 0.1;

export interface NvmlOptions {
  /** By default the driver's own. */
  readonly library: string | undefined;
  /** `CUDA_VISIBLE_DEVICES` and `CUDA_DEVICE_ORDER`. */
  readonly visible: { readonly list: string | undefined; readonly order: string | undefined };
  /** This process as the driver counts it; `undefined` where a container hides that. */
  readonly pid: number | undefined;
  now(): number;
  /** How many GPUs the kernel's driver has; `undefined` where it does not tell. */
  gpusOfKernel(): number | undefined;
  /** Told when the devices are known, and when others are there. */
  onDevices(devices: readonly NvmlDevice[], driverVersion: string | undefined): void;
  /** Makes readings of what a device told, in the order of the samples. */
  readingsOf(device: NvmlDevice, values: GpuValues): DeviceReadings;
  /** An XID that a device told of. */
  onXid(device: NvmlDevice, code: number): void;
  /** The device tells of XIDs. */
  followsXids(device: NvmlDevice): void;
}

export interface NvmlSample {
  readonly devices: readonly DeviceReadings[];
  /** What the calls took in their process. */
  readonly callSeconds: number;
}

export interface Nvml {
  source(): SourceState;
  /** True until it has answered, or has been given up, for the first time. */
  readonly isStarting: boolean;
  /** Why it could not be opened; `undefined` where it could. */
  readonly failure: ProbeError | undefined;
  /** The last sample; `undefined` where there is none that is of now. */
  readonly sample: NvmlSample | undefined;
  /** Time of this thread that was used since this was last asked, in seconds. */
  takeUsedSeconds(): number;
  /** Samples, or goes on with what is due. Resolves when that is done or takes too long. Never rejects. */
  refresh(): Promise<void>;
  /** Resolves when it is open, or cannot be opened. Keeps a program that waits for it alive. Never rejects. */
  opened(): Promise<void>;
  /** Ends the process; the next `refresh` begins anew. */
  release(): void;
  close(): void;
}

export function createNvml(options: NvmlOptions): Nvml {
  return new NvmlLife(options);
}

class NvmlLife implements Nvml {
  readonly #options: NvmlOptions;
  #process: DriverProcess | undefined;
  #open: Open | undefined;
  #sample: NvmlSample | undefined;
  #sampledAt = Number.NEGATIVE_INFINITY;
  /** What is being done, since when, and how long that may take. */
  #job: { readonly done: Promise<void>; since: number; patience: number; plan: NvmlPlan | undefined } | undefined;
  #where = '';
  #failure: ProbeError | undefined;
  #started = false;
  #retryAt = Number.NEGATIVE_INFINITY;
  #retrySeconds = firstRetrySeconds;
  #crashes = 0;
  #lost: readonly Missing[] = [];
  #usedSeconds = 0;
  #ended = false;

  constructor(options: NvmlOptions) {
    this.#options = options;
  }

  get isStarting(): boolean {
    return !this.#started && !this.#isStuck;
  }

  get failure(): ProbeError | undefined {
    return this.#failure;
  }

  get sample(): NvmlSample | undefined {
    return this.#open && !this.#isStuck ? this.#sample : undefined;
  }

  source(): SourceState {
    const name = 'nvml';
    if (this.#isStuck) {
      return { name, up: false, detail: `the driver does not answer${this.#where}`, remedy: stuckRemedy };
    }
    if (this.#open === undefined) {
      const { message = 'it is being opened', remedy } = this.#failure ?? {};
      return { name, up: false, detail: message, ...(remedy !== undefined && { remedy }) };
    }
    return { name, ...stateOf(this.#open, this.#lost, this.#options.pid === undefined) };
  }

  takeUsedSeconds(): number {
    const used = this.#usedSeconds;
    this.#usedSeconds = 0;
    return used;
  }

  async refresh(): Promise<void> {
    if (this.#ended) return;
    this.#lookAtJob();
    if (this.#job === undefined && this.#crashes < crashesUntilOff) this.#next();
    if (this.#job !== undefined && !this.#isStuck) await this.#job.done;
  }

  async opened(): Promise<void> {
    this.#next();
    const driver = this.#process;
    driver?.keepAlive(true);
    await within(openPatienceSeconds, this.#job?.done);
    if (this.#isStuck) await within(askPatienceSeconds, this.#ask());
    driver?.keepAlive(false);
  }

  release(): void {
    this.#process?.end();
    this.#process = undefined;
    this.#open = undefined;
    this.#job = undefined;
    this.#sample = undefined;
    this.#retryAt = Number.NEGATIVE_INFINITY;
  }

  close(): void {
    this.release();
    this.#ended = true;
  }

  get #isStuck(): boolean {
    return this.#job !== undefined && this.#options.now() - this.#job.since >= this.#job.patience;
  }

  /** One that is stuck is asked where; one that is for long is given up. */
  #lookAtJob(): void {
    const { now } = this.#options;
    if (this.#job === undefined || !this.#isStuck) return;
    if (now() - this.#job.since >= givenUpSeconds) this.#process?.end();
    else void this.#ask();
  }

  async #ask(): Promise<void> {
    const job = this.#job;
    try {
      const at = await this.#process?.where();
      if (at?.call === undefined || job === undefined) return;
      const planned = at.call === -2 ? undefined : job.plan?.calls[at.call];
      const what =
        planned === undefined ? 'opening its library' : `${nvmlCalls[planned.name].symbols[0]} (${planned.key})`;
      this.#where = `: ${what} takes ${Math.round(at.seconds)} s and more`;
    } catch {
      // It has ended, which is told as well.
    }
  }

  /** Begins what is due. */
  #next(): void {
    const { now, gpusOfKernel } = this.#options;
    const open = this.#open;
    if (open === undefined) {
      if (now() >= this.#retryAt) this.#begin(openPatienceSeconds, () => this.#start());
      return;
    }
    const isDue = now() - open.everythingAt >= everythingEverySeconds;
    const mayBeBack = this.#lost.length > 0 && now() >= this.#retryAt;
    if (mayBeBack || (isDue && gpusOfKernel() !== open.gpusOfKernel)) {
      this.#begin(openPatienceSeconds, () => this.#restart());
      return;
    }
    if (now() - this.#sampledAt < shortestSampleSeconds) return;
    this.#begin(samplePatienceSeconds, () => this.#takeSample(open, isDue));
  }

  #begin(patience: number, run: () => Promise<void>): void {
    const since = this.#options.now();
    const job = { done: Promise.resolve(), since, patience, plan: undefined };
    this.#job = job;
    job.done = run()
      .catch((error) => {
        if (this.#job !== job) return; // its process ended, which has been seen to
        this.#fail(ProbeError.from(error));
        this.#options.onDevices([], undefined);
      })
      .finally(() => {
        if (this.#job !== job) return;
        this.#job = undefined;
        this.#where = '';
        this.#started = true;
      });
  }

  /** The process is given up. */
  #fail(error: ProbeError): void {
    const { now } = this.#options;
    this.#process?.end();
    this.#process = undefined;
    this.#failure = error;
    this.#started = true;
    this.#open = undefined;
    this.#sample = undefined;
    this.#retryAt = now() + this.#retrySeconds;
    this.#retrySeconds = Math.min(longestRetrySeconds, this.#retrySeconds * 2);
  }

  async #restart(): Promise<void> {
    this.#process?.end();
    this.#process = undefined;
    this.#open = undefined;
    await this.#start();
  }

  async #start(): Promise<void> {
    const { library, visible, gpusOfKernel, onDevices, followsXids } = this.#options;
    const names = library === undefined ? libraryNames : [library];
    const { ACCELMETER_PID, NODE_OPTIONS, ...environment } = process.env;
    const driver = startDriverProcess(environment);
    this.#process = driver;
    void driver.ended.then((how) => this.#onEnd(driver, how));
    await driver.open(names, nvmlSymbols).catch((error) => {
      throw libraryRefusal(ProbeError.from(error), library);
    });
    const begun = await beginNvml(driver);
    const refused = refusalOf(begun.answers);
    if (refused !== undefined) throw refusal(refused);
    const inventory = await takeInventory(driver, begun);
    const { devices, doubt } = visibleDevices(inventory.devices, visible.list, visible.order);
    const { prepared, answers } = await prepare(driver, inventory, devices);
    const open: Open = {
      ...{ process: driver, begun, inventory, prepared, doubt, numbers: prepared.numbers },
      ...{
        known: undefined,
        plans: new Map<number, NvmlPlan>(),
        seldom: answersOf([]),
        everythingAt: Number.NEGATIVE_INFINITY,
        turn: 0,
        compares: false,
      },
      gpusOfKernel: gpusOfKernel(),
    };
    onDevices(devices, inventory.driverVersion);
    for (const device of devices) if (answers.code('registerEvents', `${device.key},8`) === 0) followsXids(device);
    this.#open = open;
    this.#failure = undefined;
    this.#lost = [];
    await this.#takeSample(open, true);
    if (inventory.unreadable.length === 0 && this.#lost.length === 0) this.#retrySeconds = firstRetrySeconds;
    else this.#expectLost(missingIn(inventory));
  }

  /** It says nothing of the devices: they stay, without readings. */
  #onEnd(driver: DriverProcess, how: string): void {
    if (this.#process !== driver) return;
    this.#process = undefined;
    this.#crashes += 1;
    const off = this.#crashes >= crashesUntilOff ? `, ${crashesUntilOff} times: switched off` : '';
    const given = this.#job && this.#isStuck ? 'did not answer and was ended' : `${how}${off}`;
    this.#job = undefined;
    this.#where = '';
    this.#fail(new ProbeError('broken', `the process that calls the driver ${given}`, { remedy: stuckRemedy }));
  }

  async #takeSample(open: Open, everything: boolean): Promise<void> {
    const { now, pid, readingsOf } = this.#options;
    if (everything) await this.#renew(open);
    const began = performance.now();
    const { program, plan } = planned(open, everything);
    if (this.#job) this.#job.plan = plan;
    const asked = runLoaded(open.process, program, plan);
    this.#usedSeconds += (performance.now() - began) / 1000;
    const answers = await asked;
    const back = performance.now();
    if (this.#open !== open) return;
    this.#sampledAt = now();
    open.turn = open.turn === 0 ? 1 : 0;
    open.compares = true;
    if (everything) {
      open.plans.clear();
      open.known = knownFrom(answers, open.numbers);
      open.seldom = answers;
      open.everythingAt = now();
    }
    this.#takeEvents(open, answers);
    const gone = goneIn(answers, open.prepared.devices);
    if (gone.all !== undefined) throw refusal(gone.all);
    if (gone.devices.length > 0) this.#lose(open, gone.devices);
    const told = { answers, seldom: open.seldom, numbers: open.numbers, pid };
    const devices = open.prepared.devices.map((device) => readingsOf(device, valuesOf(told, device)));
    this.#sample = { devices, callSeconds: answers.all.reduce((sum, { seconds }) => sum + seconds, 0) };
    this.#crashes = 0;
    this.#usedSeconds += (performance.now() - back) / 1000;
  }

  /** MIG instances come and go while NVML is open. */
  async #renew(open: Open): Promise<void> {
    if (open.known === undefined) return;
    const { visible, onDevices } = this.#options;
    const inventory = await takeInventory(open.process, open.begun);
    const refused = inventory.answers.code('deviceCount', '') ?? 0;
    if (refused !== 0) throw refusal(refused);
    this.#expectLost(missingIn(inventory));
    const { devices, doubt } = visibleDevices(inventory.devices, visible.list, visible.order);
    if (namesOf(devices) === namesOf(open.prepared.devices)) return;
    const { prepared } = await prepare(open.process, inventory, devices);
    Object.assign(open, { inventory, prepared, doubt, compares: false });
    open.plans.clear();
    onDevices(devices, inventory.driverVersion);
  }

  #takeEvents(open: Open, answers: NvmlAnswers): void {
    for (const { name, code, output } of answers.all) {
      if (name !== 'nextEvent' || code !== 0 || output.readBigUInt64LE(8) !== 8n) continue;
      const handle = output.readBigUInt64LE(0);
      const device = open.prepared.devices.find(({ handleValue }) => handleValue === handle);
      if (device) this.#options.onXid(device, Number(output.readBigUInt64LE(16)));
    }
  }

  /** They are no longer reported; a fresh start shows whether they are back. */
  #lose(open: Open, gone: readonly Gone[]): void {
    const uuids = new Set(gone.map(({ device }) => device.uuid));
    const devices = open.prepared.devices.filter(({ uuid, mig }) => !uuids.has(uuid) && !uuids.has(mig?.parent ?? ''));
    open.prepared = { ...open.prepared, devices };
    open.plans.clear();
    this.#options.onDevices(devices, open.inventory.driverVersion);
    this.#expectLost(gone.map(({ device, code }) => ({ name: `GPU ${device.index}`, code })));
  }

  #expectLost(missing: readonly Missing[]): void {
    const others = missing.filter(({ name }) => !this.#lost.some((known) => known.name === name));
    if (others.length === 0) return;
    this.#lost = [...this.#lost, ...others];
    this.#retryAt = this.#options.now() + this.#retrySeconds;
    this.#retrySeconds = Math.min(longestRetrySeconds, this.#retrySeconds * 2);
  }
}

const missingIn = ({ unreadable }: Inventory) =>
  unreadable.map(({ index, code }): Missing => ({ name: `GPU ${index}`, code }));
const namesOf = (devices: readonly NvmlDevice[]) => devices.map(({ uuid }) => uuid).join(' ');

/** Resolves when `done` does, or after so many seconds. */
async function within(seconds: number, done: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}
