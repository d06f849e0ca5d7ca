/** Users and file systems that allow nothing: a service in a hardened container. Only root can make them. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { expectUnharmed, served, watch } from './watch.ts';

const root = join(import.meta.dirname, '../..');
const nobody = 65534;
const up = /^accelmeter_source_up\{accelmeter_source="process"\} 1$/m;

/** A directory in which nobody may write, as working directory, HOME and TMPDIR. */
function unwritable(): { folder: string; environment: Record<string, string> } {
  const folder = join(mkdtempSync(join(tmpdir(), 'accelmeter-')), 'unwritable');
  mkdirSync(folder);
  chmodSync(join(folder, '..'), 0o755);
  chmodSync(folder, 0o555);
  onTestFinished(() => rmSync(join(folder, '..'), { recursive: true }));
  return { folder, environment: { HOME: folder, TMPDIR: folder } };
}

/** True where this user can become another, who can then read this folder. */
const canBeNobody = () =>
  process.getuid?.() === 0 &&
  spawnSync(process.execPath, ['-e', 'import(process.argv[1])', join(root, 'dist/instrumentation/say.js')], {
    uid: nobody,
    gid: nobody,
  }).status === 0;

it.skipIf(!canBeNobody())('a service of a user that may write nowhere is measured', async () => {
  let page = '';
  const watched = await watch(['idle.mjs', '3000'], {
    ...unwritable(),
    uid: nobody,
    ready: served,
    async meanwhile({ said }) {
      const [, url = ''] = await said(served);
      page = await (await fetch(`${url}/metrics`)).text();
    },
  });
  expectUnharmed(watched, { firsts: 2 });
  expect(page).toMatch(up);
});

/** Runs what follows where the whole file system is read-only, for it alone. */
const readOnly = ['unshare', '-m', 'sh', '-c', 'mount --rbind / / && mount -o remount,ro,bind / && exec "$@"', 'sh'];
const canMount = () => {
  const [command = '', ...args] = readOnly;
  return spawnSync(command, [...args, 'sh', '-c', '! touch "$0"', tmpdir()]).status === 0;
};

it.skipIf(!canMount())('a service on a read-only file system is measured', async () => {
  let page = '';
  const watched = await watch(['idle.mjs', '3000'], {
    through: readOnly,
    ready: served,
    async meanwhile({ said }) {
      const [, url = ''] = await said(served);
      page = await (await fetch(`${url}/metrics`)).text();
    },
  });
  expectUnharmed(watched, { firsts: 2 });
  expect(page).toMatch(up);
});
