/**
 * How a device is, as an immutable picture: its sensors, a score, what is wrong and what would help. It is about the
 * last window, not about the lifetime: a device gets well again.
 */
import { recommendations as advice, type RecommendationCode } from './analyzer/recommendations.ts';
import type { DeviceIdentity, Reading, SourceState } from './backend.ts';
import {
  errorRate,
  type HealthParts,
  healthParts,
  isFaulty,
  memoryUse,
  scoreOf,
  throttledShare,
  usedShare,
} from './health/score.ts';
import { type HealthSensor, type SensorType, sensorsOf } from './health/sensors.ts';
import { type Presence, whyAbsent } from './presence.ts';
import type { DeviceProfile } from './profile/device-profile.ts';
import type { Window } from './profile/window.ts';
import type { ProfilerState } from './profiler.ts';
import { formatBytes, formatSeconds, formatShare } from './quantity.ts';
import { sourcesOf } from './supervisor.ts';
import { wallTime } from './wall-clock.ts';
import { isWorkSeen } from './work-seen.ts';

/**
 * By the score: `healthy` from 0.9, `warning` from 0.7, `critical` from 0.5, `error` below. `offline`: the device has
 * left, or its driver does not answer any more. `unknown`: nothing was measured.
 */
export type HealthStatus = 'healthy' | 'warning' | 'critical' | 'error' | 'offline' | 'unknown';

/** How one device is at one moment. */
export interface HealthSnapshot {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly backendType: string;
  /** ISO 8601, in UTC. */
  readonly timestamp: string;
  /** False where the device has left, its driver does not answer any more, or the profiler is closed. */
  readonly isAvailable: boolean;
  /** 0 to 1; `undefined` where nothing is known that counts. */
  readonly healthScore: number | undefined;
  readonly status: HealthStatus;
  /** All that such a device can have, those without a value as well. */
  readonly sensors: readonly HealthSensor[];
  /** What is wrong, in sentences. */
  readonly issues: readonly string[];
  /** What would help, in sentences. */
  readonly recommendations: readonly string[];
  /** The sensor of a type; `undefined` where it has no value, or such a device has none. */
  getSensorValue(type: SensorType): HealthSensor | undefined;
}

/** What a health snapshot is taken from. */
export interface HealthInputs {
  readonly device: DeviceIdentity;
  /** ISO 8601, in UTC. */
  readonly timestamp: string;
  readonly presence: Presence;
  /** The sources of the device's backend. */
  readonly sources: readonly SourceState[];
  /** That of the last tick; `undefined` before the first. */
  readonly window: Window | undefined;
  /** What was sampled of the device last. */
  readonly readings: readonly Reading[];
}

/** That of a device of a profiler, as of its last tick. */
export function takeHealth(
  profile: DeviceProfile,
  state: Pick<ProfilerState, 'analysis' | 'now' | 'phase' | 'profiles' | 'sessions'>,
): HealthSnapshot {
  const { analysis, now, sessions } = state;
  const { identity: device, readings } = profile;
  return healthOf({
    device,
    timestamp: wallTime(now()),
    presence: presenceOf(profile, state),
    sources: sourcesOf(sessions, device.backend),
    window: analysis.of(device.id)?.window,
    readings,
  });
}

/** Also where another device has come under its id. */
export function presenceOf(
  profile: DeviceProfile,
  { phase, profiles }: Pick<ProfilerState, 'phase' | 'profiles'>,
): Presence {
  return profiles.get(profile.identity.id) === profile ? phase : 'removed';
}

/** Pure. */
export function healthOf(inputs: HealthInputs): HealthSnapshot {
  const { device, timestamp, presence, sources } = inputs;
  const isSilent = sources.length > 0 && sources.every(({ up }) => !up);
  const isOffline = presence === 'removed' || (presence === 'running' && isSilent);
  const isMeasured = presence === 'running' && !isOffline;
  const window = isMeasured ? inputs.window : undefined;
  const workSeen = window !== undefined && isWorkSeen(device.backend, executionsIn(window), sources);
  const readings = isMeasured ? inputs.readings : [];
  const sensors = sensorsOf(device.backend, { window, readings, workSeen });
  const parts = window ? healthParts(window, workSeen) : {};
  const healthScore = scoreOf(parts, window && isFaulty(window.hardware));
  const problems = [...absences(inputs), ...(window ? symptoms(window, parts) : [])];
  return Object.freeze({
    deviceId: device.id,
    deviceName: device.name,
    backendType: device.backend,
    timestamp,
    isAvailable: !isOffline && presence !== 'closed',
    healthScore,
    status: isOffline ? 'offline' : statusOf(healthScore),
    sensors,
    issues: distinct(problems.map(({ issue }) => issue)),
    recommendations: distinct(problems.flatMap(({ remedy }) => remedy ?? [])),
    getSensorValue: (type: SensorType) => sensors.find((sensor) => sensor.type === type && sensor.available),
  });
}

/** Each once, in their order, frozen. */
export function distinct(sentences: readonly string[]): readonly string[] {
  return Object.freeze([...new Set(sentences)]);
}

const executionsIn = ({ kernels }: Window) => kernels.count + kernels.failures;

function statusOf(score: number | undefined): HealthStatus {
  if (score === undefined) return 'unknown';
  if (score >= 0.9) return 'healthy';
  if (score >= 0.7) return 'warning';
  return score >= 0.5 ? 'critical' : 'error';
}

interface Problem {
  readonly issue: string;
  readonly remedy?: string | undefined;
}

/** What is not seen, and why. */
function absences({ presence, sources }: HealthInputs): Problem[] {
  if (presence !== 'running') return [{ issue: whyAbsent[presence] }];
  return sources
    .filter(({ up }) => !up)
    .map(({ name, detail, remedy }) => ({ issue: `${name}: ${detail}.`, remedy: remedy && `${capital(remedy)}.` }));
}

/** A part that by itself would not be healthy is a problem. */
const isProblem = (part: number | undefined) => part !== undefined && part < 0.9;

function symptoms(window: Window, parts: HealthParts): Problem[] {
  const { hardware, memory, kernels } = window;
  const problems: (Problem | false)[] = [
    isFaulty(hardware) && problem('The device reports errors that it could not correct.', 'drain_device'),
    isProblem(parts.errors) &&
      kernels.failures > 0 &&
      problem(
        `${kernels.failures} of ${kernels.count + kernels.failures} kernel executions failed ` +
          `(${formatShare(errorRate(window) ?? 0)}) within ${formatSeconds(window.seconds)}.`,
        'inspect_failures',
      ),
    isProblem(parts.temperature) && problem(warmth(hardware), 'check_cooling'),
    isProblem(parts.throttling) && throttled(hardware),
    memory.failedAllocations > 0 &&
      problem(`${memory.failedAllocations} allocations of memory failed.`, 'reduce_memory'),
    isProblem(parts.memory) && memory.failedAllocations === 0 && problem(fullness(window), 'reduce_memory'),
  ];
  return problems.filter((each) => each !== false);
}

const problem = (issue: string, code: RecommendationCode): Problem => ({ issue, remedy: advice[code] });

function warmth({ temperature = 0, temperatureLimit = 0 }: Window['hardware']): string {
  const margin = temperatureLimit - temperature;
  const where = margin > 0 ? `${margin.toFixed(0)} °C below its limit` : 'at its limit';
  return `The device is at ${temperature.toFixed(0)} °C, ${where}.`;
}

function throttled(hardware: Window['hardware']): Problem {
  const { thermalThrottle = 0, thermalState = 0 } = hardware;
  if (thermalThrottle > 0 && thermalThrottle === throttledShare(hardware)) {
    const time = formatShare(thermalThrottle);
    return problem(`The device was throttled for its temperature for ${time} of the time.`, 'check_cooling');
  }
  if (thermalState > 1) return problem('The device is throttled for its temperature.', 'check_cooling');
  return problem('The power limit holds the clock of the device far down.', 'raise_power_limit');
}

const memoryNames = { heap: 'The heap', container: 'The memory of the container', device: 'The memory of the device' };

function fullness(window: Window): string {
  const use = memoryUse(window);
  if (use === undefined) return 'Memory is short.';
  const growing = use.of === 'device' ? ', and growing' : '';
  return `${memoryNames[use.of]} is ${formatShare(usedShare(use) ?? 0)} full${growing}: ${formatBytes(use.usage)}.`;
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
