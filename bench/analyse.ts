/**
 * What the analysis of one device costs at each tick, with 64 kernels that all ran: closing the interval in its history,
 * the window of the last twelve, all rules over it, and what is raised from tick to tick; and of its trends, which are
 * made where somebody asks for a snapshot.
 */
import { Analyzer } from '../src/analyzer/analyzer.ts';
import { trendsIn } from '../src/analyzer/trends.ts';
import { DeviceProfile } from '../src/profile/device-profile.ts';
import { DeviceHistory } from '../src/profile/history.ts';

const ticks = 2000;
const kernelCount = 64;
const runsPerTick = 40;
const targets = { windowMilliseconds: 0.1, allMilliseconds: 0.2 };

let now = 100;
const identity = { id: 'GPU-1', backend: 'opencl', type: 'gpu', name: 'bench', index: 0 } as const;
const profile = new DeviceProfile(identity, { now: () => now });
const history = new DeviceHistory(profile);
let announced = 0;
const announce = () => {
  announced += 1;
};
const analyzer = new Analyzer({ device: identity, now: () => now, announce });
const kernels = Array.from({ length: kernelCount }, (_, k) => profile.kernel(`some::library::kernel_number_${k}`));

const costs = {
  'interval and window': new Float64Array(ticks),
  'rules and findings': new Float64Array(ticks),
  trends: new Float64Array(ticks),
};
for (let tick = -ticks / 4; tick < ticks; tick++) {
  work();
  const start = performance.now();
  history.close(now, [{ name: 'nodejs.eventloop.utilization', value: 0.5 }]);
  const window = history.window();
  const made = performance.now();
  if (window === undefined) throw new Error('no interval was closed');
  analyzer.analyze(window);
  const judged = performance.now();
  trendsIn(window);
  const tested = performance.now();
  if (tick < 0) continue;
  costs['interval and window'][tick] = made - start;
  costs['rules and findings'][tick] = judged - made;
  costs.trends[tick] = tested - judged;
}
report();

/** One interval: the first kernels run longest, all of them over a decade, with copies and waits. */
function work(): void {
  for (const [k, kernel] of kernels.entries()) {
    const scale = 1e-3 / (1 + k / 4);
    for (let i = 0; i < runsPerTick; i++) kernel.record(scale * 10 ** Math.random());
  }
  for (let i = 0; i < runsPerTick; i++) {
    profile.queueWait.record(1e-5 * 10 ** Math.random());
    profile.transfer('host_to_device').recordAt(now + i / 10, 2 ** 21, 1e-3);
  }
  now += 5;
  profile.closeInterval(now);
}

function report(): void {
  console.log(`analysis of a device with ${kernelCount} kernels, ${ticks} ticks, node ${process.version}\n`);
  const medians = Object.entries(costs).map(([what, taken]) => {
    taken.sort();
    const at = (q: number) => taken[Math.floor(q * ticks)] as number;
    console.log(`${what.padEnd(22)} P50 ${at(0.5).toFixed(3)} ms   P99 ${at(0.99).toFixed(3)} ms`);
    return at(0.5);
  });
  console.log(`${'findings'.padEnd(22)} ${analyzer.findings.length} active, ${announced} announced`);
  const [window = Number.NaN, rules = Number.NaN, trends = Number.NaN] = medians;
  const checks = [
    ['interval and window under 0.1 ms', window < targets.windowMilliseconds],
    ['with all rules and findings under 0.2 ms', window + rules < targets.allMilliseconds],
    ['trends under 0.2 ms, where somebody asks', trends < targets.allMilliseconds],
  ] as const;
  console.log('');
  for (const [what, reached] of checks) console.log(`${reached ? 'reached' : 'MISSED '}  ${what}`);
  process.exitCode = checks.every(([, reached]) => reached) ? 0 : 1;
}
