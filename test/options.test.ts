import { expect, it, vi } from 'vitest';
import { resolveOptions } from '../src/options.ts';

const silent = () => {};

it('nothing said means every backend, 64 kernels and a tick of 5 s', () => {
  const options = resolveOptions({}, {}, silent);
  expect(options).toMatchObject({
    backends: ['cpu', 'cuda', 'opencl'],
    backendsNamed: false,
    maxKernels: 64,
    tickSeconds: 5,
  });
});

it('an option goes before the environment, and the environment before the default', () => {
  const environment = { ACCELMETER_MAX_KERNELS: '10', ACCELMETER_BACKENDS: 'opencl, cpu' };
  expect(resolveOptions({ maxKernels: 3 }, environment, silent).maxKernels).toBe(3);
  expect(resolveOptions({}, environment, silent)).toMatchObject({ maxKernels: 10, backends: ['cpu', 'opencl'] });
});

it.each([
  [{ maxKernel: 3 }, /unknown option "maxKernel".*maxKernels/],
  [{ maxKernels: 0 }, /maxKernels must be a whole number from 1 to 4096, not 0/],
  [{ maxKernels: 1.5 }, /whole number/],
  [{ maxKernels: '64' }, /whole number/],
  [{ tickSeconds: Number.NaN }, /tickSeconds must be a number/],
  [{ budget: 0 }, /budget must be a number from 0.0001 to 1, not 0/],
  [{ budget: '0.5 %' }, /budget must be a number/],
  [{ backends: ['cuba'] }, /no backend is called "cuba"; there are cpu, cuda, opencl, metal/],
  [{ denyKernels: 'all' }, /denyKernels must be an array/],
  [{ backends: 'cpu' }, /backends must be an array, such as \["cpu", "cuda", "opencl", "metal"\]/],
  [{ openclLibrary: '' }, /openclLibrary must be a text that is not empty/],
  [{ deviceMetrics: 'yes' }, /deviceMetrics must be "auto", "on" or "off", not "yes"/],
  [{ extraMetrics: 'health' }, /extraMetrics must be an array, such as \["health"\]/],
  [{ extraMetrics: ['halth'] }, /extraMetrics knows no "halth"; there are health, trend/],
  [null, /options must be an object, not null/],
  [[], /options must be an object, not an array/],
])('%o is refused with a sentence that mends it', (options, message) => {
  expect(() => resolveOptions(options as object, {}, silent)).toThrow(message);
});

it.each([
  ['OpenCL', ['opencl'], true],
  ['cpu, ', ['cpu'], true],
  [' ', ['cpu', 'cuda', 'opencl'], false],
  [',', ['cpu', 'cuda', 'opencl'], false],
])('ACCELMETER_BACKENDS=%j names %j', (text, backends, backendsNamed) => {
  const warn = vi.fn();
  expect(resolveOptions({}, { ACCELMETER_BACKENDS: text }, warn)).toMatchObject({ backends, backendsNamed });
  expect(warn).not.toHaveBeenCalled();
});

it('a malformed environment is a warning and the default, never a throw', () => {
  const warn = vi.fn();
  const environment = { ACCELMETER_MAX_KERNELS: 'many', ACCELMETER_BACKENDS: 'cuba', ACCELMETER_OPENCL_LIBRARY: '' };
  expect(resolveOptions({}, environment, warn)).toMatchObject({ maxKernels: 64, backendsNamed: false });
  expect(warn.mock.calls.flat()).toEqual([
    expect.stringContaining('ACCELMETER_BACKENDS=cuba is ignored'),
    expect.stringContaining('ACCELMETER_MAX_KERNELS=many is ignored'),
  ]);
});

it('the budget is half a percent of a core, or what the environment says', () => {
  const warn = vi.fn();
  expect(resolveOptions({}, {}, warn).budget).toBe(0.005);
  expect(resolveOptions({}, { ACCELMETER_BUDGET: '0.02' }, warn).budget).toBe(0.02);
  expect(resolveOptions({ budget: 0.1 }, { ACCELMETER_BUDGET: '0.02' }, warn).budget).toBe(0.1);
  expect(warn).not.toHaveBeenCalled();
  expect(resolveOptions({}, { ACCELMETER_BUDGET: '5%' }, warn).budget).toBe(0.005);
  expect(warn.mock.calls.flat()).toEqual([expect.stringContaining('ACCELMETER_BUDGET=5% is ignored')]);
});

it('the analyzer goes by production thresholds, its own, and is silent about nothing', () => {
  expect(resolveOptions({}, {}, silent)).toMatchObject({ rules: 'production', thresholds: {}, suppress: [] });
});

it('what the analyzer says is set by options, else by the environment', () => {
  const environment = {
    ACCELMETER_RULES: 'Guide',
    ACCELMETER_THRESHOLDS: 'low_utilization=0.2',
    ACCELMETER_SUPPRESS: 'high_variance/init_*, queue_bound',
  };
  const warn = vi.fn();
  const fromEnvironment = resolveOptions({}, environment, warn);
  expect(fromEnvironment).toMatchObject({ rules: 'guide', thresholds: { low_utilization: 0.2 } });
  expect(fromEnvironment.suppress).toHaveLength(2);
  const options = { rules: 'production', thresholds: {}, suppress: [] } as const;
  expect(resolveOptions(options, environment, warn)).toMatchObject(options);
  expect(warn).not.toHaveBeenCalled();
});

it.each([
  [{ rules: 'strict' }, TypeError, /rules must be "production" or "guide", not "strict"/],
  [{ thresholds: { low_utilisation: 0.2 } }, TypeError, /no rule is called "low_utilisation"; there are/],
  [{ thresholds: { low_utilization: 2 } }, RangeError, /from 0 to 1, not 2/],
  [{ thresholds: null }, TypeError, /thresholds must be an object/],
  [{ suppress: ['low_utilisation'] }, TypeError, /no rule is called "low_utilisation"/],
  [{ suppress: null }, TypeError, /suppress must be an array/],
])('%j is refused', (options, kind, message) => {
  const resolve = () => resolveOptions(options as object, {}, silent);
  expect(resolve).toThrow(kind);
  expect(resolve).toThrow(message);
});

it('a typing error in what the analyzer reads of the environment is a warning, and the default', () => {
  const warn = vi.fn();
  const environment = {
    ACCELMETER_RULES: 'strict',
    ACCELMETER_THRESHOLDS: 'low_utilization',
    ACCELMETER_SUPPRESS: 'high_varianc',
  };
  expect(resolveOptions({}, environment, warn)).toMatchObject({ rules: 'production', thresholds: {}, suppress: [] });
  expect(warn.mock.calls.flat()).toEqual([
    expect.stringMatching(/^ACCELMETER_RULES=strict is ignored: rules must be/),
    expect.stringMatching(/^ACCELMETER_THRESHOLDS=low_utilization is ignored: "low_utilization" is not of the form/),
    expect.stringMatching(/^ACCELMETER_SUPPRESS=high_varianc is ignored: no rule is called "high_varianc"/),
  ]);
});

it('extra metrics are those that the option or the environment names', () => {
  const warn = vi.fn();
  expect(resolveOptions({}, {}, warn).extraMetrics).toEqual([]);
  expect(resolveOptions({}, { ACCELMETER_EXTRA_METRICS: ' Health,' }, warn).extraMetrics).toEqual(['health']);
  expect(resolveOptions({ extraMetrics: [] }, { ACCELMETER_EXTRA_METRICS: 'health' }, warn).extraMetrics).toEqual([]);
  expect(warn).not.toHaveBeenCalled();
  expect(resolveOptions({}, { ACCELMETER_EXTRA_METRICS: 'wealth' }, warn).extraMetrics).toEqual([]);
  expect(warn.mock.calls.flat()).toEqual([expect.stringContaining('ACCELMETER_EXTRA_METRICS=wealth is ignored')]);
});
