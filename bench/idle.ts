/**
 * What a service that does nothing spends on being measured. Almost all of it is waking up: what accelmeter does when it
 * is awake is what it tells of itself, in the last column.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const seconds = 10;
const program = join(import.meta.dirname, 'programs/idle.mjs');

for (const how of ['alone', 'measured', 'paused']) {
  const { share, told } = JSON.parse(
    execFileSync(process.execPath, [program, how, String(seconds)], { encoding: 'utf8' }),
  ) as { share: number; told?: number };
  const itself = told === undefined ? '' : `, ${percent(told)} told`;
  console.log(`idle: ${how.padEnd(8)} ${percent(share)} of a core${itself}`);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)} %`;
}
