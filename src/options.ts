/**
 * What can be set, what it is by default, and what is refused. An unknown or malformed option is an error for the
 * programmer who wrote it; a malformed environment variable is a warning and the default, because an operator's typing
 * error must not stop a service.
 */
import type { RuleProfile } from './analyzer/rule.ts';
import { parseSuppressions, type Suppression, suppressionsIn } from './analyzer/suppression.ts';
import { checkThresholds, type Thresholds, thresholdsIn } from './analyzer/thresholds.ts';
import { type BackendName, type DeviceMetrics, deviceMetricsChoices } from './backend.ts';
import { backendsIn, checkBackends, usualBackends } from './chosen-backends.ts';
import { checkExtraMetrics, type ExtraMetricName, extraMetricsIn } from './extra-metrics.ts';
import { checkObjectives, guideObjectives, type Objectives, readObjectives } from './objectives.ts';
import type { KernelObjective } from './profile/objective-counts.ts';

/** The options of `createProfiler`. */
export interface ProfilerOptions {
  /** The backends to open; by default all that the platform can have, and those that are not there are listed in `profiler.absent`. */
  readonly backends?: readonly BackendName[] | undefined;
  /** Kernel names a device that get a distribution of their own, 1 to 4096; the rest counts as "other". Default 64. */
  readonly maxKernels?: number | undefined;
  /** Kernel names that are admitted at once: expressions, or names in which `*` stands for anything. */
  readonly allowKernels?: readonly (string | RegExp)[] | undefined;
  /** Kernel names that always count as "other". */
  readonly denyKernels?: readonly (string | RegExp)[] | undefined;
  /** Seconds between two ticks, at which readings are sampled and intervals closed; 0.1 to 60. Default 5. */
  readonly tickSeconds?: number | undefined;
  /** The OpenCL loader library, by default the system's. */
  readonly openclLibrary?: string | undefined;
  /** NVIDIA's management library, by default the driver's. */
  readonly nvmlLibrary?: string | undefined;
  /** The CUDA driver's library, by default the system's. */
  readonly cudaLibrary?: string | undefined;
  /** CUDA's profiling library, by default the toolkit's. */
  readonly cuptiLibrary?: string | undefined;
  /** A library in place of macOS' frameworks, such as a stub of them. */
  readonly metalLibrary?: string | undefined;
  /**
   * Whether what NVIDIA's driver tells of its GPUs is read, whoever uses them: `on`, `off`, or `auto`, the default: where
   * this process uses them, or is a command that looks at the machine.
   */
  readonly deviceMetrics?: DeviceMetrics | undefined;
  /** The share of one core that accelmeter's own work may take before it slows down; 0.0001 to 1. Default 0.005. */
  readonly budget?: number | undefined;
  /**
   * The thresholds of the analyzer: `guide` are the profiling guide's numbers to the letter; `production`, the default,
   * adds guards against what is no fault in a fleet. docs/RULES.md lists both.
   */
  readonly rules?: RuleProfile | undefined;
  /** Thresholds in place of the rules' own, by code and in the rule's unit: `{ low_utilization: 0.2 }`. */
  readonly thresholds?: Thresholds | undefined;
  /** Findings that are not raised, only counted: `code[@device][/kernel]`, in which `*` stands for anything. */
  readonly suppress?: readonly string[] | undefined;
  /** How long executions may take, P95 and P99 by kernel name. By default the guide's with its rules, else none. */
  readonly objectives?: Objectives | undefined;
  /** Metrics beyond the usual ones: "health" is `accelmeter.health.score`, "trend" `accelmeter.trend.ratio`. By default none. */
  readonly extraMetrics?: readonly ExtraMetricName[] | undefined;
}

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly backends: readonly BackendName[];
  /** True where the caller or the environment named the backends: then a missing one is a source that is down. */
  readonly backendsNamed: boolean;
  readonly maxKernels: number;
  readonly allowKernels: readonly (string | RegExp)[];
  readonly denyKernels: readonly (string | RegExp)[];
  readonly tickSeconds: number;
  readonly openclLibrary: string | undefined;
  readonly nvmlLibrary: string | undefined;
  readonly cudaLibrary: string | undefined;
  readonly cuptiLibrary: string | undefined;
  readonly metalLibrary: string | undefined;
  readonly deviceMetrics: DeviceMetrics;
  readonly budget: number;
  readonly rules: RuleProfile;
  readonly thresholds: Thresholds;
  readonly suppress: readonly Suppression[];
  /** In seconds, the most specific first. */
  readonly objectives: readonly KernelObjective[];
  readonly extraMetrics: readonly ExtraMetricName[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const limits = {
  maxKernels: { from: 1, to: 4096, otherwise: 64, whole: true },
  tickSeconds: { from: 0.1, to: 60, otherwise: 5, whole: false },
  budget: { from: 0.0001, to: 1, otherwise: 0.005, whole: false },
} as const;

const keys: Readonly<Record<keyof ProfilerOptions, true>> = {
  backends: true,
  maxKernels: true,
  allowKernels: true,
  denyKernels: true,
  tickSeconds: true,
  openclLibrary: true,
  nvmlLibrary: true,
  cudaLibrary: true,
  cuptiLibrary: true,
  metalLibrary: true,
  deviceMetrics: true,
  budget: true,
  rules: true,
  thresholds: true,
  suppress: true,
  objectives: true,
  extraMetrics: true,
};

/** A variable can hold a whole file. */
const longestQuoted = 80;

/**
 * Fills in the defaults: the option, else the environment (`ACCELMETER_BACKENDS`, `ACCELMETER_MAX_KERNELS`,
 * `ACCELMETER_OPENCL_LIBRARY`, `ACCELMETER_NVML_LIBRARY`, `ACCELMETER_CUDA_LIBRARY`, `ACCELMETER_CUPTI_LIBRARY`,
 * `ACCELMETER_METAL_LIBRARY`,
 * `ACCELMETER_DEVICE_METRICS`, `ACCELMETER_BUDGET`, `ACCELMETER_RULES`, `ACCELMETER_THRESHOLDS`, `ACCELMETER_SUPPRESS`,
 * `ACCELMETER_OBJECTIVES`, `ACCELMETER_EXTRA_METRICS`), else the default. Throws a TypeError or RangeError for a bad
 * option; calls `warn` for a bad variable.
 */
export function resolveOptions(
  options: ProfilerOptions,
  environment: Environment,
  warn: (problem: string) => void,
): ResolvedOptions {
  checkKeys(options, Object.keys(keys));
  const fromEnvironment = <T>(name: string, read: (text: string) => T): T | undefined => {
    const text = environment[name]?.trim();
    if (!text) return undefined; // an empty variable is an unset one, as in OpenTelemetry's specification
    try {
      return read(text);
    } catch (error) {
      const quoted = text.length > longestQuoted ? `${text.slice(0, longestQuoted)}…` : text;
      warn(`${name}=${quoted} is ignored: ${(error as Error).message}`);
      return undefined;
    }
  };
  const textOf = (
    key: 'openclLibrary' | 'nvmlLibrary' | 'cudaLibrary' | 'cuptiLibrary' | 'metalLibrary',
    variable: string,
  ) => checkText(key, options[key]) ?? fromEnvironment(variable, (text) => text);
  const rules =
    checkProfile(options.rules) ??
    fromEnvironment('ACCELMETER_RULES', (text) => checkProfile(text.toLowerCase())) ??
    'production';
  const backends = checkBackends(options.backends) ?? fromEnvironment('ACCELMETER_BACKENDS', backendsIn);
  return {
    backends: backends ?? usualBackends(),
    backendsNamed: backends !== undefined,
    maxKernels:
      checkNumber('maxKernels', options.maxKernels) ??
      fromEnvironment('ACCELMETER_MAX_KERNELS', (text) => checkNumber('maxKernels', Number(text))) ??
      limits.maxKernels.otherwise,
    allowKernels: checkPatterns('allowKernels', options.allowKernels),
    denyKernels: checkPatterns('denyKernels', options.denyKernels),
    tickSeconds: checkNumber('tickSeconds', options.tickSeconds) ?? limits.tickSeconds.otherwise,
    openclLibrary: textOf('openclLibrary', 'ACCELMETER_OPENCL_LIBRARY'),
    nvmlLibrary: textOf('nvmlLibrary', 'ACCELMETER_NVML_LIBRARY'),
    cudaLibrary: textOf('cudaLibrary', 'ACCELMETER_CUDA_LIBRARY'),
    cuptiLibrary: textOf('cuptiLibrary', 'ACCELMETER_CUPTI_LIBRARY'),
    metalLibrary: textOf('metalLibrary', 'ACCELMETER_METAL_LIBRARY'),
    deviceMetrics:
      checkDeviceMetrics(options.deviceMetrics) ??
      fromEnvironment('ACCELMETER_DEVICE_METRICS', (text) => checkDeviceMetrics(text.toLowerCase())) ??
      'auto',
    budget:
      checkNumber('budget', options.budget) ??
      fromEnvironment('ACCELMETER_BUDGET', (text) => checkNumber('budget', Number(text))) ??
      limits.budget.otherwise,
    rules,
    thresholds:
      given(options.thresholds, checkThresholds) ?? fromEnvironment('ACCELMETER_THRESHOLDS', thresholdsIn) ?? {},
    suppress:
      given(options.suppress, parseSuppressions) ?? fromEnvironment('ACCELMETER_SUPPRESS', suppressionsIn) ?? [],
    objectives:
      checkObjectives(options.objectives) ??
      fromEnvironment('ACCELMETER_OBJECTIVES', readObjectives) ??
      (rules === 'guide' ? checkObjectives(guideObjectives) : undefined) ??
      [],
    extraMetrics:
      checkExtraMetrics(options.extraMetrics) ?? fromEnvironment('ACCELMETER_EXTRA_METRICS', extraMetricsIn) ?? [],
  };
}

/** Throws a TypeError for what is no object of these options. */
export function checkKeys(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`options must be an object, not ${Array.isArray(options) ? 'an array' : options}`);
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new TypeError(`unknown option "${unknown}"; there are ${known.join(', ')}`);
}

function given<T, R>(value: T | undefined, read: (value: T) => R): R | undefined {
  return value === undefined ? undefined : read(value);
}

function checkProfile(profile: string | undefined): RuleProfile | undefined {
  if (profile === undefined || profile === 'production' || profile === 'guide') return profile;
  throw new TypeError(`rules must be "production" or "guide", not ${JSON.stringify(profile)}`);
}

function checkDeviceMetrics(choice: string | undefined): DeviceMetrics | undefined {
  const found = deviceMetricsChoices.find((each) => each === choice);
  if (choice === undefined || found !== undefined) return found;
  throw new TypeError(`deviceMetrics must be "auto", "on" or "off", not ${JSON.stringify(choice)}`);
}

function checkNumber(key: keyof typeof limits, value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  const { from, to, whole } = limits[key];
  if (typeof value === 'number' && value >= from && value <= to && (!whole || Number.isInteger(value))) return value;
  throw new RangeError(`${key} must be a ${whole ? 'whole ' : ''}number from ${from} to ${to}, not ${String(value)}`);
}

function checkText(key: string, text: string | undefined): string | undefined {
  if (text === undefined || (typeof text === 'string' && text !== '')) return text;
  throw new TypeError(`${key} must be a text that is not empty, not ${JSON.stringify(text)}`);
}

function checkPatterns(key: string, patterns: readonly (string | RegExp)[] = []): readonly (string | RegExp)[] {
  if (Array.isArray(patterns) && patterns.every((p) => typeof p === 'string' || p instanceof RegExp)) return patterns;
  throw new TypeError(`${key} must be an array of strings and regular expressions`);
}
