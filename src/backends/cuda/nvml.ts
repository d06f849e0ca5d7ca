/**
 * NVML's life: it is opened in a process of its own, once, and sampled there; what it told last is kept here. A driver that
 * does not answer is waited for, without anybody having to wait; one that was lost is opened anew, ever less often.
 *
 * Nothing in here has a timer: it goes on when it is asked.
 */
import type { DeviceReadings, SourceState } from '../../backend.ts';
import { ProbeError } from '../../errors.ts';
import { type DriverProcess, startDriverProcess } from '../../native/driver-process.ts';
import { createBackoff } from './backoff.ts';
import { type NvmlAnswers, type NvmlPlan, nvmlCalls } from './driver.ts';
import { type Inventory, type NvmlDevice, runLoaded } from './inventory.ts';
import { type Gone, goneIn, type Missing, type Open, planned, stateOf } from './opened.ts';
import { type Opening, openNvml, renewDevices } from './opening.ts';
import { refusal, startRemedy, stuckRemedy } from './refusals.ts';
import { everythingEverySeconds, knownFrom } from './sampling.ts';
import { type GpuValues, valuesOf } from './values.ts';

/** A GPU that nobody keeps awake takes seconds to start. */
const openPatienceSeconds = 10;
const samplePatienceSeconds = 2;
/** The process itself answers at once, unless somebody has stopped it. */
const askPatienceSeconds = 0.5;
/** After so long the process is given up, and another one tried once it is gone. */
const givenUpSeconds = 60;
const crashesUntilOff = 3;
/** One that tells, and one that is to take its place: one that cannot be ended gets no third. */
const processesAtMost = 2;
/** What compares two samples of a device needs them so far apart. */
const shortestSampleSeconds = 0.1;

export interface NvmlOptions extends Opening {
  /** This process as the driver counts it; `undefined` where a container hides that. */
  readonly pid: number | undefined;
  now(): number;
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

/** One that is being opened, or is. */
interface Successor {
  readonly process: DriverProcess;
  readonly since: number;
  open: Open | undefined;
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
  readonly #retry = createBackoff();
  /** Is opened beside the first, which tells of the devices that are well until it is replaced. */
  #successor: Successor | undefined;
  /** Processes that have not ended. */
  readonly #alive = new Set<DriverProcess>();
  #givenUp: DriverProcess | undefined;
  #told: string | undefined;
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
    this.#lookAtSuccessor();
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
    this.#successor?.process.end();
    this.#process = undefined;
    this.#successor = undefined;
    this.#open = undefined;
    this.#job = undefined;
    this.#sample = undefined;
    this.#retry.reset();
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
    if (now() - this.#job.since >= givenUpSeconds) {
      this.#givenUp = this.#process;
      this.#process?.end();
    } else void this.#ask();
  }

  #lookAtSuccessor(): void {
    const successor = this.#successor;
    if (successor === undefined || successor.open !== undefined) return;
    if (this.#options.now() - successor.since >= givenUpSeconds) successor.process.end();
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
    const { gpusOfKernel } = this.#options;
    const now = this.#options.now();
    const ready = this.#successor?.open;
    if (ready !== undefined) {
      this.#begin(samplePatienceSeconds, () => this.#replace(ready));
      return;
    }
    const open = this.#open;
    const mayBegin = this.#successor === undefined && this.#alive.size < processesAtMost && this.#retry.isDue(now);
    if (open === undefined) {
      if (mayBegin) this.#begin(openPatienceSeconds, () => this.#start());
      return;
    }
    const isDue = now - open.everythingAt >= everythingEverySeconds;
    const isOutdated = this.#lost.length > 0 || (isDue && gpusOfKernel() !== open.gpusOfKernel);
    if (isOutdated && mayBegin) this.#beginSuccessor();
    if (now - this.#sampledAt < shortestSampleSeconds) return;
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
        this.#tell([], undefined);
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
    this.#process?.end();
    this.#process = undefined;
    this.#failure = error;
    this.#started = true;
    this.#open = undefined;
    this.#sample = undefined;
    this.#retry.later(this.#options.now());
  }

  /** Throws a ProbeError where it has not been built for this platform. */
  #newProcess(): DriverProcess {
    const { ACCELMETER_PID, NODE_OPTIONS, ...environment } = process.env;
    const driver = startDriverProcess(environment);
    this.#alive.add(driver);
    void driver.ended.then((how) => this.#onEnd(driver, how));
    return driver;
  }

  async #start(): Promise<void> {
    const driver = this.#newProcess();
    this.#process = driver;
    await this.#take(await openNvml(driver, this.#options));
  }

  #beginSuccessor(): void {
    try {
      const driver = this.#newProcess();
      const successor: Successor = { process: driver, since: this.#options.now(), open: undefined };
      this.#successor = successor;
      openNvml(driver, this.#options).then(
        (open) => {
          successor.open = open;
        },
        () => driver.end(), // the first goes on; what it lacks is said
      );
    } catch {
      this.#retry.later(this.#options.now());
    }
  }

  async #replace(open: Open): Promise<void> {
    this.#process?.end();
    this.#successor = undefined;
    this.#process = open.process;
    await this.#take(open);
  }

  async #take(open: Open): Promise<void> {
    for (const device of open.followed) this.#options.followsXids(device);
    this.#open = open;
    this.#failure = undefined;
    this.#lost = [];
    await this.#takeSample(open, true);
    if (open.inventory.unreadable.length === 0 && this.#lost.length === 0) this.#retry.reset();
    else this.#expectLost(missingIn(open.inventory));
  }

  /** It says nothing of the devices: they stay, without readings. */
  #onEnd(driver: DriverProcess, how: string): void {
    this.#alive.delete(driver);
    if (this.#successor?.process === driver) {
      this.#successor = undefined;
      this.#retry.later(this.#options.now());
    }
    if (this.#process !== driver) return;
    this.#process = undefined;
    this.#job = undefined;
    this.#where = '';
    const isCrash = driver.hasBegun && this.#givenUp !== driver;
    if (isCrash) this.#crashes += 1;
    const given = this.#givenUp === driver ? 'did not answer and was ended' : how;
    const isOff = this.#crashes >= crashesUntilOff;
    if (isOff) this.#successor?.process.end();
    const off = isOff ? `, ${crashesUntilOff} times: switched off` : '';
    const remedy = driver.hasBegun ? stuckRemedy : startRemedy;
    this.#fail(new ProbeError('broken', `the process that calls the driver ${given}${off}`, { remedy }));
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
    const there = open.prepared.devices.map(({ index }) => `GPU ${index}`);
    this.#lost = this.#lost.filter(({ name }) => !there.includes(name));
    this.#tell(open.prepared.devices, open.inventory.driverVersion);
    const told = { answers, seldom: open.seldom, numbers: open.numbers, pid };
    const devices = open.prepared.devices.map((device) => readingsOf(device, valuesOf(told, device)));
    this.#sample = { devices, callSeconds: answers.all.reduce((sum, { seconds }) => sum + seconds, 0) };
    this.#crashes = 0;
    this.#usedSeconds += (performance.now() - back) / 1000;
  }

  async #renew(open: Open): Promise<void> {
    if (open.known === undefined) return;
    await renewDevices(open, this.#options);
    if (this.#open !== open) return;
    this.#expectLost(missingIn(open.inventory));
    for (const device of open.followed) this.#options.followsXids(device);
  }

  /** Tells of the devices that can be read, where they are others than before. */
  #tell(devices: readonly NvmlDevice[], driverVersion: string | undefined): void {
    const told = [driverVersion, ...devices.map(({ uuid }) => uuid)].join(' ');
    if (told === this.#told) return;
    this.#told = told;
    this.#options.onDevices(devices, driverVersion);
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
    this.#expectLost(gone.map(({ device, code }) => ({ name: `GPU ${device.index}`, code })));
  }

  #expectLost(missing: readonly Missing[]): void {
    const others = missing.filter(({ name }) => !this.#lost.some((known) => known.name === name));
    if (others.length === 0) return;
    this.#lost = [...this.#lost, ...others];
    this.#retry.later(this.#options.now());
  }
}

const missingIn = ({ unreadable }: Inventory) =>
  unreadable.map(({ index, code }): Missing => ({ name: `GPU ${index}`, code }));
/** Resolves when `done` does, or after so many seconds. */
async function within(seconds: number, done: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}
