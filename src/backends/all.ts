/** Every backend, in the order of `backendNames`. A new backend is a room beside this file and a line in this list. */
import type { Backend } from '../backend.ts';
import { cpu } from './cpu/index.ts';
import { cuda } from './cuda/index.ts';
import { metal } from './metal/index.ts';
import { opencl } from './opencl/index.ts';

export const allBackends: readonly Backend[] = [cpu, cuda, opencl, metal];
