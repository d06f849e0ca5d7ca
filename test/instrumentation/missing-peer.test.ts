/** The package as a package manager leaves it that installs no peers: no service may fail for that. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runNode } from '../child.ts';

const root = join(import.meta.dirname, '../..');
let installed: string;

beforeAll(() => {
  installed = mkdtempSync(join(tmpdir(), 'accelmeter-test-'));
  mkdirSync(join(installed, 'node_modules'));
  for (const part of ['dist', 'package.json']) cpSync(join(root, part), join(installed, part), { recursive: true });
  for (const name of ['commander', 'cli-table3', 'koffi']) {
    symlinkSync(join(root, 'node_modules', name), join(installed, 'node_modules', name), 'junction');
  }
});
afterAll(() => rmSync(installed, { recursive: true }));

const missing = /@opentelemetry\/[\w-]+ is missing, npm install @opentelemetry\/[\w-]+ adds it\n$/;
const program = ['-e', 'setTimeout(() => console.log("done"), 600)'];

it('register leaves the program alone, and says what is missing', async () => {
  const register = join(installed, 'dist/instrumentation/register.js');
  const { code, stdout, stderr } = await runNode(['--import', register, ...program]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' });
  expect(stderr).toMatch(new RegExp(`^accelmeter: off, ${missing.source}`));
});

it('run runs the program, and says what is missing', async () => {
  const args = [join(installed, 'dist/src/cli.js'), 'run', '--no-serve', process.execPath, ...program];
  const { code, stdout, stderr } = await runNode(args);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' });
  expect(stderr).toMatch(new RegExp(missing.source, 'm'));
});

it.each([['doctor'], ['serve'], ['demo']])('%s says what is missing', async (verb) => {
  const { code, stderr } = await runNode([join(installed, 'dist/src/cli.js'), verb]);
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`^accelmeter: ${missing.source}`));
});
