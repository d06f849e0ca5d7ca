/**
 * What the profiler knows, as points of the catalogue. This is the one place where a statistic gets its metric name;
 * the producer and everything after it only carry the points on.
 */
import type { Attributes } from '@opentelemetry/api';
import type { Analyzer } from './analyzer/analyzer.ts';
import type { Trend } from './analyzer/trend.ts';
import type { catalogue, HistogramName, NumberName, Point, ProcessPoint } from './catalogue.ts';
import type { Distribution } from './distribution/distribution.ts';
import { takeHealth } from './health.ts';
import { reportedElsewhere } from './otel/runtime-instrumentation.ts';
import type { DeviceProfile } from './profile/device-profile.ts';
import type { ProfilerState } from './profiler.ts';
import { version } from './version.ts';

/** A number, or a distribution, under a name of the catalogue and with all of its attributes. */
export type CollectedPoint = NumberPoint | DistributionPoint;

interface NumberPoint extends Since {
  readonly name: NumberName;
  readonly attributes: Attributes;
  readonly value: number;
}

export interface DistributionPoint extends Since {
  readonly name: HistogramName;
  readonly attributes: Attributes;
  readonly distribution: Distribution;
}

interface Since {
  /** Since when it counts, in process seconds. */
  readonly since: number;
}

/** Every point there is now. Values that do not exist are not in it. */
export function collectPoints(state: ProfilerState): CollectedPoint[] {
  const points: CollectedPoint[] = [];
  const now = state.now();
  for (const profile of state.profiles.values()) {
    devicePoints(points, profile, now);
    const analysed = state.analysis.of(profile.identity.id);
    if (analysed) analysisPoints(points, profile, analysed.analyzer);
    if (state.options.extraMetrics.includes('health')) healthPoint(points, profile, state);
    if (analysed && state.options.extraMetrics.includes('trend')) trendPoints(points, profile, analysed.trends);
  }
  for (const point of processPoints(state)) points.push({ attributes: {}, since: 0, ...point });
  selfPoints(points, state);
  return points;
}

/** Only the distributions of them. */
export function collectDistributions(state: Pick<ProfilerState, 'profiles' | 'process'>): DistributionPoint[] {
  const ofDevices = Array.from(state.profiles.values()).flatMap((profile) => [...distributionsOf(profile)]);
  return [...ofDevices, ...processPoints(state).filter((point) => 'distribution' in point)];
}

/** Without what another instrumentation reports, and without distributions that are empty as yet. */
function processPoints(state: Pick<ProfilerState, 'process'>): ProcessPoint[] {
  const elsewhere = reportedElsewhere();
  return state.process.filter((point) => !elsewhere(point.name) && ('value' in point || point.distribution.count > 0));
}

function* distributionsOf(profile: DeviceProfile): Iterable<DistributionPoint> {
  const { attributes: ofDevice, since } = profile;
  for (const { attributes, distribution } of profile.kernels()) {
    if (distribution.count > 0) yield { name: 'accelmeter.kernel.duration', attributes, distribution, since };
  }
  const { queueWait, compilation } = profile;
  if (queueWait.count > 0) {
    yield { name: 'accelmeter.kernel.queue.duration', attributes: ofDevice, distribution: queueWait, since };
  }
  if (compilation.count > 0) {
    yield { name: 'accelmeter.kernel.compilation.duration', attributes: ofDevice, distribution: compilation, since };
  }
  for (const { attributes, distribution } of profile.transfers) {
    if (distribution.count > 0) yield { name: 'accelmeter.transfer.duration', attributes, distribution, since };
  }
}

function devicePoints(points: CollectedPoint[], profile: DeviceProfile, now: number): void {
  const { identity, attributes: ofDevice, since } = profile;
  const add = (point: Point) =>
    points.push({ ...point, since, attributes: point.attributes ? { ...ofDevice, ...point.attributes } : ofDevice });
  /** A value that may not be there. */
  const addIf = (name: NamesWithoutAttributes, value: number | undefined) => {
    if (value !== undefined) points.push({ name, value, since, attributes: ofDevice });
  };

  add({
    name: 'accelmeter.device.info',
    value: 1,
    attributes: {
      'hw.name': identity.name,
      'accelmeter.device.index': identity.index,
      ...(identity.vendor !== undefined && { 'hw.vendor': identity.vendor }),
      ...(identity.driverVersion !== undefined && { 'hw.driver_version': identity.driverVersion }),
      ...(identity.parent !== undefined && { 'hw.parent': identity.parent }),
      ...(identity.migProfile !== undefined && { 'accelmeter.device.mig.profile': identity.migProfile }),
      ...(identity.pciAddress !== undefined && { 'accelmeter.device.pci.address': identity.pciAddress }),
    },
  });
  for (const reading of profile.readings) add(reading);
  addIf('accelmeter.device.busy', profile.busySeconds);
  addIf('accelmeter.device.utilization', profile.utilization);
  addIf('accelmeter.device.failures', failuresOf(profile));
  points.push(...distributionsOf(profile));
  kernelPoints(points, profile, addIf, now);
  transferPoints(points, profile);
  addIf('accelmeter.memory.allocations', profile.memory.allocations);
  addIf('accelmeter.memory.allocated', profile.memory.allocatedBytes);
  addIf('accelmeter.memory.usage', profile.memory.usage);
  addIf('accelmeter.memory.peak', profile.memory.peak);
  for (const { attributes, count } of profile.allocationFailures.series()) {
    points.push({ name: 'accelmeter.memory.failures', attributes, value: count, since });
  }
  for (const { attributes, metric } of profile.custom.series()) {
    points.push({ name: 'accelmeter.custom', value: metric.value, attributes, since });
  }
  if (profile.custom.size > 0) addIf('accelmeter.custom.dropped', profile.custom.dropped);
  addIf('accelmeter.records.rejected', profile.rejected);
}

function failuresOf(profile: DeviceProfile): number {
  const ofWork = profile.transfers.reduce((sum, { failureCount }) => sum + failureCount, profile.totals().failures);
  return ofWork + profile.compilationFailures.total + profile.allocationFailures.total;
}

type NamesWithoutAttributes = {
  [N in NumberName]: (typeof catalogue)[N]['attributes'] extends readonly [] ? N : never;
}[NumberName];
type AddIf = (name: NamesWithoutAttributes, value: number | undefined) => void;

function kernelPoints(points: CollectedPoint[], profile: DeviceProfile, addIf: AddIf, now: number): void {
  const { since } = profile;
  for (const { failureSeries, objectives } of profile.kernels()) {
    for (const { attributes, count } of failureSeries) {
      points.push({ name: 'accelmeter.kernel.failures', attributes, value: count, since });
    }
    for (const { attributes, objective, exceeded } of objectives) {
      points.push({ name: 'accelmeter.kernel.objective', attributes, value: objective, since });
      points.push({ name: 'accelmeter.kernel.objective.exceeded', attributes, value: exceeded, since });
    }
  }
  addIf('accelmeter.kernel.names.other', profile.namesOther);
  const window = profile.window();
  if (window) {
    addIf('accelmeter.kernel.duration.p50', window.p50);
    addIf('accelmeter.kernel.duration.p95', window.p95);
    addIf('accelmeter.kernel.duration.p99', window.p99);
    addIf('accelmeter.kernel.duration.stddev', window.stddev);
    addIf('accelmeter.kernel.window.age', profile.windowAge(now));
  }
  for (const { attributes, count } of profile.compilationFailures.series()) {
    points.push({ name: 'accelmeter.kernel.compilation.failures', attributes, value: count, since });
  }
}

function transferPoints(points: CollectedPoint[], profile: DeviceProfile): void {
  const { since } = profile;
  for (const { attributes, bytes, bandwidth, failureSeries } of profile.transfers) {
    points.push({ name: 'accelmeter.transfer.io', attributes, value: bytes, since });
    if (bandwidth !== undefined) {
      points.push({ name: 'accelmeter.transfer.bandwidth', attributes, value: bandwidth, since });
    }
    for (const failed of failureSeries) {
      points.push({ name: 'accelmeter.transfer.failures', attributes: failed.attributes, value: failed.count, since });
    }
  }
}

function analysisPoints(points: CollectedPoint[], { attributes: ofDevice, since }: DeviceProfile, analyzer: Analyzer) {
  const add = (point: Point) => points.push({ ...point, since, attributes: { ...ofDevice, ...point.attributes } });
  for (const { code, worst } of analyzer.states()) {
    const attributes = { 'accelmeter.bottleneck.code': code };
    add({ name: 'accelmeter.bottleneck.active', value: worst ? 1 : 0, attributes });
    if (worst === undefined) continue;
    add({ name: 'accelmeter.bottleneck.observed', value: worst.observed, attributes });
    add({ name: 'accelmeter.bottleneck.threshold', value: worst.threshold, attributes });
  }
  for (const [kernel, value] of analyzer.regressions()) {
    add({ name: 'accelmeter.regressions', value, attributes: { 'accelmeter.kernel.name': kernel } });
  }
  add({ name: 'accelmeter.findings.suppressed', value: analyzer.suppressed });
}

function healthPoint(points: CollectedPoint[], profile: DeviceProfile, state: ProfilerState): void {
  const { healthScore: value } = takeHealth(profile, state);
  const { attributes, since } = profile;
  if (value !== undefined) points.push({ name: 'accelmeter.health.score', value, attributes, since });
}

function trendPoints(points: CollectedPoint[], profile: DeviceProfile, trends: readonly Trend[]): void {
  for (const { kernel, ratio: value } of trends) {
    const attributes = { ...profile.attributes, 'accelmeter.kernel.name': kernel };
    points.push({ name: 'accelmeter.trend.ratio', value, attributes, since: profile.since });
  }
}

function selfPoints(points: CollectedPoint[], state: ProfilerState): void {
  const { sessions, absent, options, selfTime, startedAt: since } = state;
  const add = (point: Point) => points.push({ attributes: {}, since, ...point });
  for (const session of sessions) {
    for (const { name, up, dropped } of session.sources()) {
      add({ name: 'accelmeter.source.up', value: up ? 1 : 0, attributes: { 'accelmeter.source': name } });
      if (dropped === undefined) continue;
      add({ name: 'accelmeter.records.dropped', value: dropped, attributes: { 'accelmeter.source': name } });
    }
    for (const { source, kind, count } of session.failures()) {
      add({
        name: 'accelmeter.source.failures',
        value: count,
        attributes: { 'accelmeter.source': source, 'error.type': kind },
      });
    }
    for (const { source, seconds } of session.sampleSeconds()) {
      add({ name: 'accelmeter.sample.duration', value: seconds, attributes: { 'accelmeter.source': source } });
    }
  }
  if (options.backendsNamed) {
    for (const { backend } of absent) {
      add({ name: 'accelmeter.source.up', value: 0, attributes: { 'accelmeter.source': backend } });
    }
  }
  if (state.analysis.faults > 0) {
    const attributes = { 'accelmeter.source': 'analyzer', 'error.type': 'broken' };
    add({ name: 'accelmeter.source.failures', value: state.analysis.faults, attributes });
  }
  for (const [stage, seconds] of selfTime.entries()) {
    add({ name: 'accelmeter.self.time', value: seconds, attributes: { 'accelmeter.stage': stage } });
  }
  if (state.eventsLost !== undefined) add({ name: 'accelmeter.events.lost', value: state.eventsLost });
  add({ name: 'accelmeter.governor.level', value: state.self().level });
  add({
    name: 'accelmeter.build.info',
    value: 1,
    attributes: { 'accelmeter.version': version, 'process.runtime.version': process.versions.node },
  });
}
