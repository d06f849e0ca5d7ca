/** The watch itself sees what the other tests of this folder say is not there; and what loading costs, once. */
import { describe, expect, it } from 'vitest';
import { expectUnharmed, watch } from './watch.ts';

const unmeasured = { register: false, ready: /ready/ };
const harmful = {
  'computes for 20 ms in one turn': 'const end = performance.now() + 20; while (performance.now() < end);',
  'waits for 300 ms in one turn': 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)',
  'leaves a process behind': "require('node:child_process').spawn('sleep', ['20'], { stdio: 'ignore' }).unref()",
  'ends with another code': 'process.exitCode = 3',
  'says something else': 'console.log("more")',
};
const service = (fault = '') =>
  `console.log('ready'); setTimeout(() => { ${fault} }, 300); setTimeout(() => console.log('done'), 600)`;

describe('a service that', () => {
  it.each(Object.entries(harmful))('%s is seen to be harmed', async (_, fault) => {
    const watched = await watch(['-e', service(fault)], unmeasured);
    expect(() => expectUnharmed(watched, { stdout: 'ready\ndone\n' })).toThrow();
  });

  it('does nothing of it is seen to be unharmed', async () => {
    expectUnharmed(await watch(['-e', service()], unmeasured), { stdout: 'ready\ndone\n' });
  });
});

it('register loads in turns of which none computes for longer than the module of the SDK, and 20 ms', {
  retry: 2,
}, async () => {
  const sdk = await watch(['loading-sdk.mjs'], { register: false });
  const watched = await watch(['idle.mjs', '1500']);
  expectUnharmed(watched);
  const longest = ({ held }: typeof watched) => Math.max(0, ...held.loading.map(({ cpu }) => cpu));
  expect(longest(sdk)).toBeGreaterThan(10); // it was seen
  expect(longest(watched)).toBeLessThan(longest(sdk) + 20);
});
