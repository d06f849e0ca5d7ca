/**
 * Brings the real parts that tests stand on (`test/parts.ts` finds them) to a machine: other versions of Node.js and
 * large packages from npm, into .cache/; and packages of Debian or Ubuntu, which it names before it adds them. Anywhere
 * else a person is told what to install.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, Explained, root, say, secondsSince } from './programs.mjs';
import { npm } from './setup.mjs';

/** The packages that bring a part. */
const packages = {
  pocl: ['pocl-opencl-icd', 'ocl-icd-libopencl1'],
  cc: ['gcc', 'libc6-dev'],
};
/** Unpacked only: installed, Debian's package would start a Prometheus on this machine. */
const unpackedPackages = { prometheus: 'prometheus', promtool: 'prometheus' };
/** Unpacked as well, from Debian's unstable where the machine's own release does not have it, or not so new. */
const newerPackages = {
  khronos: { name: 'khronos-opencl-icd-libopencl1', atLeast: '0' },
  prometheus3: { name: 'prometheus', atLeast: '3.5' },
};
/** The Node.js of npm's package `node`, which has one package for each platform; the oldest supported and the newest. */
const nodeVersions = { node22: '22.15.0', node26: '26.10.0' };
/** A hundred megabytes of packages that one test needs: not among those that everybody installs. */
const autoInstrumentations = ['@opentelemetry/auto-instrumentations-node@0.82.0', '@opentelemetry/api@1.10.0'];

/**
 * Adds the parts that are missing, where this machine lets us.
 *
 * @param {string[]} missing names of parts
 */
export async function addParts(missing) {
  for (const name of missing) if (nodeVersions[name] !== undefined) await addNode(nodeVersions[name]);
  if (missing.includes('auto-instrumentations')) await addAutoInstrumentations();
  if (missing.length === 0 || !mayUseApt()) return;
  const toInstall = missing.flatMap((name) => packages[name] ?? []);
  const toUnpack = [...new Set(missing.flatMap((name) => unpackedPackages[name] ?? []))];
  await updateListsIfNeeded([...toInstall, ...toUnpack]);
  if (toInstall.length > 0) {
    await withFreshLists(`apt-get install ${toInstall.join(' ')}`, () =>
      apt(['install', '--yes', '--no-install-recommends', ...toInstall]),
    );
  }
  for (const name of toUnpack) {
    await withFreshLists(`unpacking Debian's ${name} into .cache/${name} (not installed: no daemon)`, () =>
      unpack(name),
    );
  }
  const newer = missing.filter((part) => newerPackages[part] !== undefined);
  if (newer.length > 0) await addNewer(newer);
}

/** Where one cannot be had that is no failure here: the part stays missing, and is told as such. */
async function addNewer(parts) {
  let fromUnstable;
  try {
    for (const part of parts) {
      const { name, atLeast } = newerPackages[part];
      const ours = await hasCandidate(name, atLeast);
      if (!ours && fromUnstable === undefined) {
        fromUnstable = await unstable();
        if (fromUnstable === undefined) return;
        await step("apt-get update, of Debian's unstable alone", () => apt([...fromUnstable, 'update']));
      }
      const where = `Debian's ${name}${ours ? '' : ' of unstable'} into .cache/${part}`;
      await step(`unpacking ${where} (not installed)`, () => unpack(name, part, ours ? [] : fromUnstable));
    }
  } catch (error) {
    if (!(error instanceof Explained)) throw error;
    console.error(error.message);
  } finally {
    rmSync(unstableFolder, { recursive: true, force: true });
  }
}

/** Whether apt itself has a package in a version that is new enough. */
async function hasCandidate(name, atLeast) {
  const { stdout } = await capture('apt-cache', ['policy', name]);
  const version = /^ {2}Candidate: (?!\(none\))(\S+)/m.exec(stdout)?.[1];
  return version !== undefined && (await capture('dpkg', ['--compare-versions', version, 'ge', atLeast])).ok;
}

const unstableFolder = join(root, '.cache', 'unstable');

/** Options by which apt sees Debian's unstable, from the mirror that it uses anyway; `undefined` where it uses none. */
async function unstable() {
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const format = ['--format', '$(SITE) $(ORIGIN) $(LABEL)', 'Created-By: Packages'];
  const { stdout } = await capture('apt-get', ['indextargets', ...format]);
  const site = /^(\S+) Debian Debian$/m.exec(stdout)?.[1];
  if (site === undefined || !existsSync(keys)) return undefined;
  mkdirSync(join(unstableFolder, 'lists', 'partial'), { recursive: true });
  mkdirSync(join(unstableFolder, 'sources'), { recursive: true });
  writeFileSync(join(unstableFolder, 'sources.list'), `deb [signed-by=${keys}] ${site} sid main\n`);
  const settings = { Etc: { sourcelist: 'sources.list', sourceparts: 'sources' }, State: { Lists: 'lists' } };
  return Object.entries(settings).flatMap(([group, each]) =>
    Object.entries(each).map(([name, path]) => `-oDir::${group}::${name}=${join(unstableFolder, path)}`),
  );
}

/** Unpacked only; without a network the tests that need it are skipped. */
async function addNode(version) {
  const folder = join(root, `.cache/node-${version}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const started = performance.now();
  say(`unpacking Node.js ${version} of npm's package node (50 MB) into .cache/node-${version} … `);
  const archiveOf = `node-${process.platform}-${process.arch}@${version}`;
  const packed = await npm(['pack', archiveOf, '--pack-destination', folder]);
  const archive = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  const unpacked =
    archive !== undefined &&
    (await capture('tar', ['xzf', join(folder, archive), '-C', folder, '--strip-components=1', 'package/bin/node'])).ok;
  if (archive !== undefined) rmSync(join(folder, archive));
  console.log(packed.ok && unpacked ? secondsSince(started) : 'failed');
}

async function addAutoInstrumentations() {
  const folder = join(root, '.cache/auto-instrumentations');
  mkdirSync(folder, { recursive: true });
  const started = performance.now();
  say(`npm install ${autoInstrumentations.join(' ')} into .cache/auto-instrumentations (90 MB) … `);
  const { ok } = await npm(['install', '--prefix', folder, '--ignore-scripts', ...autoInstrumentations]);
  if (!ok) rmSync(folder, { recursive: true, force: true });
  console.log(ok ? secondsSince(started) : 'failed');
}

/** On Debian and its kin, as root, and unless `ACCELMETER_NO_APT=1`. */
function mayUseApt() {
  return process.env.ACCELMETER_NO_APT !== '1' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/** A fresh machine or container has no package lists. */
async function updateListsIfNeeded(names) {
  const { stdout } = await capture('apt-cache', ['policy', ...names]);
  const candidates = stdout.match(/^ {2}Candidate: (?!\(none\))/gm) ?? [];
  if (candidates.length < names.length) await step('apt-get update', () => apt(['update']));
}

/** The lists may name versions that the mirror no longer has: then once more with fresh ones. */
async function withFreshLists(title, action) {
  try {
    await step(title, action);
  } catch {
    await step('apt-get update', () => apt(['update']));
    await step(title, action);
  }
}

async function unpack(name, part = name, options = []) {
  const folder = join(root, '.cache', part);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const download = await apt([...options, 'download', name], folder);
  if (!download.ok) return download;
  const archive = readdirSync(folder).find((file) => file.endsWith('.deb'));
  const result = await capture('dpkg', ['-x', join(folder, archive), folder]);
  rmSync(join(folder, archive));
  return result;
}

function apt(args, cwd = root) {
  return capture('apt-get', ['-qq', ...args], { cwd, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
}

/** One step in one line; throws with the whole output of what failed. */
async function step(title, action) {
  const started = performance.now();
  say(`${title} … `);
  const { ok, output } = await action();
  console.log(ok ? secondsSince(started) : 'failed');
  if (!ok) throw new Explained(output);
}
