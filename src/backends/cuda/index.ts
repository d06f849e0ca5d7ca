/**
 * CUDA: devices from NVML, kernels and copies from our tracer. A device is known by its UUID, which both tell; where NVML
 * is missing or stuck the devices that the tracer meets are still reported.
 */
import type { Backend, Session, SourceState } from '../../backend.ts';
import { ProbeError } from '../../errors.ts';
import { createRoster } from './devices.ts';
import { isDriverPresent } from './installed.ts';
import { openTrace, type Trace } from './trace.ts';

export const cuda: Backend = {
  name: 'cuda',
  open(host) {
    if (!isDriverPresent(host.options)) throw new ProbeError('absent', 'no NVIDIA driver on this machine');
    const roster = createRoster(host);
    const trace = attempt(() => openTrace(roster.sinkOf, host));
    return session(trace);
  },
};

function session(trace: Trace | ProbeError): Session {
  const traced = trace instanceof ProbeError ? undefined : trace;
  return {
    sources: () => [traceSource(trace)],
    drain: (budgetSeconds) => traced?.drain(budgetSeconds) ?? false,
    settle: (seconds) => traced?.settle(seconds),
    pause: () => traced?.pause(true),
    resume: () => traced?.pause(false),
    close: () => traced?.close(),
  };
}

function traceSource(trace: Trace | ProbeError): SourceState {
  if (!(trace instanceof ProbeError)) return trace.source();
  const { message, remedy } = trace;
  return {
    name: 'cupti',
    up: false,
    detail: `kernels not traced: ${message}`,
    ...(remedy !== undefined && { remedy }),
  };
}

function attempt(open: () => Trace): Trace | ProbeError {
  try {
    return open();
  } catch (error) {
    return ProbeError.from(error);
  }
}
