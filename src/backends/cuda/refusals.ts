/** Why NVML tells nothing, and what mends it. */
import { ProbeError, type ProbeErrorKind } from '../../errors.ts';
import { nvmlError } from './driver.ts';

export const libraryNames = ['libnvidia-ml.so.1', 'libnvidia-ml.so'] as const;

const inContainer =
  'in a container ask the NVIDIA Container Toolkit for it: --gpus all, and NVIDIA_DRIVER_CAPABILITIES=compute,utility';

const refusals: Readonly<Record<number, { kind: ProbeErrorKind; remedy: string }>> = {
  4: { kind: 'denied', remedy: `let this user read and write /dev/nvidia*; ${inContainer}` },
  9: { kind: 'absent', remedy: 'load the driver: modprobe nvidia; dmesg says why it cannot be' },
  12: { kind: 'absent', remedy: `install the driver's libraries; ${inContainer}` },
  15: { kind: 'lost', remedy: 'look for Xid in dmesg; the GPU needs a reset, or the machine a reboot' },
  16: { kind: 'lost', remedy: 'nvidia-smi --gpu-reset, or a reboot of the machine' },
  17: { kind: 'denied', remedy: inContainer },
  18: {
    kind: 'broken',
    remedy: 'the driver was upgraded while its old module is loaded: reload it or reboot; restart containers after it',
  },
  28: { kind: 'absent', remedy: 'lspci | grep -i nvidia shows what the machine has' },
};

/** What a code of `init` means for us. */
export function refusal(code: number): ProbeError {
  const { kind, remedy } = refusals[code] ?? { kind: 'broken' as const, remedy: 'nvidia-smi should say the same' };
  return new ProbeError(kind, `NVML: ${nvmlError(code)}`, { remedy });
}

/** What the library itself refused. */
export function libraryRefusal(error: ProbeError, library: string | undefined): ProbeError {
  if (error.remedy !== undefined) return error;
  const named = 'name another file in ACCELMETER_NVML_LIBRARY, or none for the driver’s own';
  const { kind, message } = error;
  return new ProbeError(kind, message, { cause: error, remedy: library === undefined ? inContainer : named });
}

export const startRemedy =
  'see that this user may run it (no noexec on node_modules), and more files and processes (ulimit -n, ulimit -u)';
export const stuckRemedy =
  'look for Xid and for hung tasks in dmesg; the GPU may need a reset, or the machine a reboot';

/** After these NVML has to begin anew: not initialised, driver not loaded, library and kernel of different versions. */
export const isLifecycleCode = (code: number) => [1, 9, 18].includes(code);
/** These a device tells that is no longer there. */
export const isLostCode = (code: number) => code === 15 || code === 28;
