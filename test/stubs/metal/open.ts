/** Builds the stub of macOS' libraries, and asks it what the real ones would not tell. */
import { join } from 'node:path';
import { type CallTable, openLibrary } from '../../../src/ffi.ts';
import { compileLibrary } from '../../native/compile.ts';

const folder = 'test/stubs/metal';
const others = [
  'objc.c',
  'messages.S',
  'foundation.c',
  'metal.c',
  'counters.c',
  'command-buffers.c',
  'kernels.c',
  'iokit.c',
  'control.c',
];

export type Scenario = 'apple-silicon' | 'intel' | 'no-device' | 'no-statistics' | 'old';

/** For another process: `METAL_STUB_SCENARIO`. */
export const scenarioFile = (name: Scenario) => join(import.meta.dirname, 'scenarios', `${name}.txt`);

const controls = {
  load: { symbols: ['metal_stub_load'], takes: ['text'], gives: 'i32' },
  apply: { symbols: ['metal_stub_apply'], takes: ['text'], gives: 'i32' },
  objects: { symbols: ['metal_stub_objects'], takes: [], gives: 'i64' },
  pools: { symbols: ['metal_stub_pools'], takes: [], gives: 'i64' },
  unpooled: { symbols: ['metal_stub_unpooled'], takes: [], gives: 'i64' },
  coreFoundation: { symbols: ['metal_stub_core_foundation'], takes: [], gives: 'i64' },
  services: { symbols: ['metal_stub_services'], takes: [], gives: 'i64' },
} as const satisfies CallTable;

/** What is still held of what was taken: all 0 where everything was given back. */
export interface Held {
  readonly objects: number;
  readonly pools: number;
  /** Objects that went into no pool: on macOS they would never be deallocated. */
  readonly unpooled: number;
  readonly coreFoundation: number;
  readonly services: number;
}

export interface MetalStub {
  readonly path: string;
  /** Another machine; nothing of the one before may be held. */
  load(scenario: Scenario): void;
  /** Changes the machine: lines of a scenario. */
  apply(...lines: string[]): void;
  held(): Held;
}

/** Compiles it into a folder of the caller's, unless it is given as it was compiled for another architecture. */
export function openMetalStub(into: string, compiled?: string): MetalStub {
  const path = compiled ?? compileStub(into);
  const control = openLibrary(controls, { names: [path] });
  return {
    path,
    load(scenario) {
      if (control.load(scenarioFile(scenario)) !== 0) throw new Error(`there is no scenario ${scenario}`);
    },
    apply: (...lines) => void control.apply(lines.join('\n')),
    held: () => ({
      objects: Number(control.objects()),
      pools: Number(control.pools()),
      unpooled: Number(control.unpooled()),
      coreFoundation: Number(control.coreFoundation()),
      services: Number(control.services()),
    }),
  };
}

export const nothingHeld: Held = { objects: 0, pools: 0, unpooled: 0, coreFoundation: 0, services: 0 };

function compileStub(into: string): string {
  const rest = others.map((file) => `${folder}/${file}`);
  return compileLibrary(`${folder}/scenario.c`, into, rest);
}
