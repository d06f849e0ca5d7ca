/**
 * Metal: Apple's GPUs, and those of AMD and Intel in older Macs. Devices and their state from macOS, kernels from the
 * command buffers that the program gives us.
 *
 * Opened lazily, under `register`, it loads nothing of Metal until the program itself has: the first use of Metal takes
 * a process time and memory. Its drivers are a part of macOS, so they are not tried in a process of their own first.
 *
 * It has been verified against a stub of macOS' libraries only: see docs/OPERATIONS.md.
 */
import type { Backend, Host, Session, SourceState } from '../../backend.ts';
import { assertMac, metalWatch, openMac } from './driver.ts';
import { Roster } from './roster.ts';

export const metal: Backend = {
  name: 'metal',
  open(host) {
    const { lazy, metalLibrary: library } = host.options;
    assertMac(library);
    return lazy ? openLazily(host) : session(new Roster(host, openMac(library)));
  },
};

/** Asked at each sample: a program that loads Metal goes on using it. */
function openLazily(host: Host): Session {
  const isLoaded = metalWatch(host.options.metalLibrary);
  let opened: Session | undefined;
  return {
    sources: () => opened?.sources() ?? [waiting],
    sample() {
      if (opened === undefined && isLoaded()) opened = session(new Roster(host, openMac(host.options.metalLibrary)));
      return opened?.sample?.() ?? { devices: [] };
    },
    drain: (budgetSeconds) => opened?.drain?.(budgetSeconds) ?? false,
    settle: (seconds) => opened?.settle?.(seconds),
    pause: () => opened?.pause?.(),
    resume: () => opened?.resume?.(),
    close: () => opened?.close(),
  };
}

const waiting: SourceState = { name: 'metal', up: true, detail: 'ready, the program has not used Metal yet' };

function session(roster: Roster): Session {
  const { commandBuffers } = roster;
  return {
    sources: () => [deviceSource(roster), statisticsSource(roster), commandBufferSource(roster)],
    sample: () => ({ devices: roster.sample() }),
    drain(budgetSeconds) {
      const more = commandBuffers.drain(budgetSeconds);
      // Nothing of the program's is held while paused.
      if (!more && roster.paused) commandBuffers.forget();
      return more;
    },
    settle(seconds) {
      const end = performance.now() + seconds * 1000;
      while ((commandBuffers.drain(seconds) || commandBuffers.waiting) && performance.now() < end) sleep(0.001);
    },
    pause() {
      roster.paused = true;
    },
    resume() {
      roster.paused = false;
    },
    close: () => roster.close(),
  };
}

const never = new Int32Array(new SharedArrayBuffer(4));
const sleep = (seconds: number) => void Atomics.wait(never, 0, 0, seconds * 1000);

/** What is not read is said here: it is missing on every such Mac, and nothing that is installed would mend it. */
const unread =
  'power, temperature and clocks of GPUs of Apple’s and Intel’s are not read: macOS tells them to root only';

function deviceSource({ gpus, hasSilentDriver, system }: Roster): SourceState {
  const seen = `${gpus.join(', ') || 'no GPU at present'}, ${system}`;
  return { name: 'metal', up: true, detail: hasSilentDriver ? `${seen}; ${unread}` : seen };
}

function statisticsSource({ hasStatistics: up }: Roster): SourceState {
  const detail = up
    ? 'utilization and memory in use'
    : 'utilization not read: the driver has no PerformanceStatistics in the IO registry';
  return { name: 'io_accelerator', up, detail };
}

function commandBufferSource({ commandBuffers: { dropped, schedulingSeconds, seen } }: Roster): SourceState {
  const name = 'metal_command_buffers';
  if (seen > 0) {
    const kernels = 'kernels of the command buffers that the program gives';
    if (schedulingSeconds === undefined) return { name, up: true, detail: kernels, dropped };
    const scheduling = `${(schedulingSeconds * 1e6).toFixed(1)} µs of a wait are the system’s scheduling, on average`;
    return { name, up: true, detail: `${kernels}; ${scheduling}`, dropped };
  }
  return {
    name,
    up: false,
    detail: 'no kernel seen: the program has given no command buffer',
    remedy: 'call device.metal.observeCommandBuffer with each of them',
    dropped,
  };
}
