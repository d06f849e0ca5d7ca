/** The literal list of workloads. A backend without one is not compared. */
import { cpu } from './cpu.ts';
import { metal } from './metal.ts';
import { opencl } from './opencl.ts';
import type { Workload } from './workload.ts';

export const allWorkloads: readonly Workload[] = [cpu, opencl, metal];
