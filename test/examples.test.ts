/** Every program in examples/ runs, and does what its first lines say; those of examples/guide have tests of their own. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runNode } from './child.ts';
import { lacks } from './parts.ts';

it('each example has its test here', () => {
  const examples = readdirSync(join(import.meta.dirname, '../examples')).filter((name) => name !== 'guide');
  expect(examples.sort()).toEqual(['existing-sdk.mjs', 'library.mjs', 'opencl.mjs', 'prom-client.mjs']);
});

it('library.mjs: kernels timed, a snapshot taken, metrics exported by a reader of the SDK', async () => {
  const { code, stdout, stderr } = await runNode(['examples/library.mjs']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^101 kernels, P95 [\d.]+ ms$/m);
  expect(stdout).toContain("name: 'accelmeter.kernel.duration'");
});

it("existing-sdk.mjs: one page with the service's metrics and its kernels", async () => {
  const { code, stdout, stderr } = await runNode(['examples/existing-sdk.mjs'], { PORT: '0' });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^shop_requests_total\{.*route="\/search"\} 3$/m);
  expect(stdout).toMatch(/^accelmeter_kernel_duration_seconds_count\{.*accelmeter_kernel_name="embed".*\} 1$/m);
});

it("prom-client.mjs: our metrics on the service's page, and its own in OpenTelemetry", async () => {
  const { code, stdout, stderr } = await runNode(['examples/prom-client.mjs'], { PORT: '0' });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^shop_searches_total\{route="\/search"\} 1$/m);
  expect(stdout).toMatch(/^accelmeter_kernel_duration_seconds_count\{.*accelmeter_kernel_name="embed".*\} 1$/m);
  expect(stdout).toContain("name: 'shop_searches_total'");
  expect(stdout).not.toContain("name: 'accelmeter_");
});

it.skipIf(lacks('pocl'))('opencl.mjs: computes on a device and ends when told', async () => {
  const { code, stdout, stderr } = await runNode(['examples/opencl.mjs', '0.5']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^\d+ rounds\n$/);
});
