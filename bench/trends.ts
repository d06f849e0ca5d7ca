/**
 * How often noise that does not change is called a trend or a regression, by its kind and by how much runs in an
 * interval; beside it what a comparison of means alone would raise, as the profiling guide has it.
 */
import { cases, type FalseAlarms, falseAlarms } from '../test/analyzer/false-alarms.ts';

const runs = 2000;
const target = 0.01;

console.log(`trends: false alarms an evaluation, over ${runs} runs of noise that does not change\n`);
console.log(`${''.padEnd(51)}   trend  regression  means alone`);
const measured = cases.map((each, i) => {
  const alarms = falseAlarms(each, runs, i);
  const columns = [percent(alarms.trend, 8), percent(alarms.regression, 12), percent(alarms.guide, 13)];
  console.log(`${each.name.padEnd(51)}${columns.join('')}`);
  return { ...each, alarms };
});

const worstOf = ({ trend, regression }: FalseAlarms) => Math.max(trend, regression);
const independent = Math.max(...measured.filter(({ ripple }) => ripple === 0).map(({ alarms }) => worstOf(alarms)));
// Where intervals ripple the test over intervals stands alone, which divides 0.87 % of all noise so far: the mean of
// many cases tells that from 1 %, one case does not.
const rippling = measured.filter(({ ripple }) => ripple > 0);
const together = rippling.reduce((sum, { alarms }) => sum + worstOf(alarms), 0) / rippling.length;
const checks = [
  [`each kind of noise under ${percent(target)}; the worst ${percent(independent)}`, independent < target],
  [`where intervals ripple, on average, under ${percent(target)}: ${percent(together)}`, together < target],
] as const;
console.log('');
for (const [what, reached] of checks) console.log(`${reached ? 'reached' : 'MISSED '}  ${what}`);
process.exitCode = checks.every(([, reached]) => reached) ? 0 : 1;

function percent(share: number, width = 0): string {
  return `${(share * 100).toFixed(2)} %`.padStart(width);
}
