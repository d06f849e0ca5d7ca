/** Programs whose kernels have odd names, too many of them, or come faster than they can be told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { compileLibrary, scratchFolder } from '../native/compile.ts';
import { lacks } from '../parts.ts';
import { expectUnharmed, program, served, watch } from './watch.ts';

const stub = lacks('cc') ? '' : compileLibrary('test/stubs/naming-layer.c', scratchFolder());

/** The program writes its buffer, and reads it. */
const copies = 2;

interface Load {
  /** Of the kernels, and how many launches; see programs/computing.mjs. */
  readonly names: string;
  readonly launches: number;
  /** What the page says of them, as the rest of a line. */
  readonly page: RegExp;
  /** Whether launches are lost, and counted as such. */
  readonly overflows?: boolean;
}

const loads: Record<string, Load> = {
  'a name of 10 kB': { names: 'long', launches: 3, page: /accelmeter_kernel_name="x{87}#[0-9a-f]{8}"/ },
  'a name with quotes and newlines': {
    names: 'quoted',
    launches: 3,
    page: /accelmeter_kernel_name="say \\"hi\\"\\\\\{\}=,.?next.{0,2}end#[0-9a-f]{8}"/,
  },
  'a name that is no UTF-8': { names: 'bytes', launches: 3, page: /accelmeter_kernel_name="a\uFFFD+\(z#?[0-9a-f]*"/ },
  '5000 names': { names: 'many', launches: 5000, page: /accelmeter_kernel_name="other"/ },
  'more launches in one turn than the ring holds': {
    names: 'one',
    launches: 80_000,
    page: /accelmeter_kernel_name="add"/,
    overflows: true,
  },
};

describe.skipIf(lacks('cc', 'pocl'))('a service that computes, with', { timeout: 30_000 }, () => {
  it.concurrent.each(Object.entries(loads))('%s', async (_, { names, launches, page: expected, overflows = false }) => {
    let page = '';
    const watched = await watch(['computing.mjs', names, String(launches)], {
      environment: { BENEATH: stub },
      preload: [program('beneath.mjs')],
      async meanwhile({ said, kill }) {
        const [, url = ''] = await said(served);
        await said(/^computed/m);
        page = await accountedPage(url, launches);
        kill('SIGUSR2');
      },
    });
    expectUnharmed(watched, { stdout: `computed ${launches}\ndone\n`, firsts: 3 });
    const { kernels, lost, told } = account(page);
    expect(told + lost).toBe(launches + copies);
    expect(lost > 0).toBe(overflows);
    expect(kernels.join('\n')).toMatch(expected);
    expect(kernels.length).toBeLessThanOrEqual(65); // 64 names and "other"
  });
});

/** The first page on which every launch is told or counted as lost; kernels that wait for a place come after a tick. */
async function accountedPage(url: string, launches: number): Promise<string> {
  const end = performance.now() + 12_000;
  for (;;) {
    const page = await (await fetch(`${url}/metrics`)).text();
    const { told, lost } = account(page);
    if (told + lost >= launches + copies || performance.now() > end) return page;
    await sleep(300);
  }
}

function account(page: string) {
  const lines = page.split('\n');
  const kernels = lines.filter((text) => text.startsWith('accelmeter_kernel_duration_seconds_count{'));
  const transfers = lines.filter((text) => text.startsWith('accelmeter_transfer_duration_seconds_count{'));
  return {
    kernels,
    told: sum(kernels) + sum(transfers),
    lost: sum(lines.filter((text) => /^accelmeter_records_dropped_total\{.*"opencl_layer"/.test(text))),
  };
}

const sum = (lines: readonly string[]) =>
  lines.reduce((total, text) => total + Number(text.slice(text.lastIndexOf(' '))), 0);
