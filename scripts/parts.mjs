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
/**
 * NVIDIA's libraries, which are not free: unpacked from releases of Debian that the machine need not run, those of one
 * release into one folder. They need no driver to be loaded. Installed, other programs would take this machine for one
 * that has a GPU.
 */
const nonFreePackages = {
  'nvidia-libraries': { bookworm: ['libcuda1', 'libnvidia-ml1'] },
  'nvml-headers': { bookworm: ['libnvidia-ml-dev'], trixie: ['libnvidia-ml-dev'] },
  cupti: { bookworm: ['libcupti-dev', 'libcupti11.8'], trixie: ['libcupti-dev', 'libcupti12'] },
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
      unpack([name], name),
    );
  }
  const newer = missing.filter((part) => newerPackages[part] !== undefined);
  if (newer.length > 0) await addNewer(newer);
  const nonFree = missing.filter((part) => nonFreePackages[part] !== undefined);
  if (nonFree.length > 0) await addNonFree(nonFree);
}

/** As `addNewer`: where they cannot be had the parts stay missing. */
async function addNonFree(parts) {
  const wanted = parts.flatMap((part) =>
    Object.entries(nonFreePackages[part]).map(([suite, names]) => ({ part, suite, names })),
  );
  const suites = [...new Set(wanted.map(({ suite }) => suite))];
  await withLists(suites, 'non-free', async (options) => {
    await step("apt-get update, of Debian's non-free packages alone", () => apt([...options, 'update']));
    for (const { part, suite, names } of wanted) {
      const folder = join(part, suite);
      await step(`unpacking ${names.join(' and ')} of Debian's ${suite} into .cache/${folder} (not installed)`, () =>
        unpack(
          names.map((name) => `${name}/${suite}`),
          folder,
          options,
        ),
      );
    }
  });
}

/** Where one cannot be had that is no failure here: the part stays missing, and is told as such. */
async function addNewer(parts) {
  const fromUnstable = [];
  for (const part of parts) {
    const { name, atLeast } = newerPackages[part];
    if (!(await hasCandidate(name, atLeast))) fromUnstable.push(part);
    else {
      await orSaid(() =>
        step(`unpacking Debian's ${name} into .cache/${part} (not installed)`, () => unpack([name], part)),
      );
    }
  }
  if (fromUnstable.length === 0) return;
  await withLists(['sid'], 'main', async (options) => {
    await step("apt-get update, of Debian's unstable alone", () => apt([...options, 'update']));
    for (const part of fromUnstable) {
      const { name } = newerPackages[part];
      await step(`unpacking Debian's ${name} of unstable into .cache/${part} (not installed)`, () =>
        unpack([name], part, options),
      );
    }
  });
}

/** What cannot be done is said, and no reason to stop. */
async function orSaid(action) {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Explained)) throw error;
    console.error(error.message);
  }
}

/** Whether apt itself has a package in a version that is new enough. */
async function hasCandidate(name, atLeast) {
  const { stdout } = await capture('apt-cache', ['policy', name]);
  const version = /^ {2}Candidate: (?!\(none\))(\S+)/m.exec(stdout)?.[1];
  return version !== undefined && (await capture('dpkg', ['--compare-versions', version, 'ge', atLeast])).ok;
}

const listsFolder = join(root, '.cache', 'package-lists');

/**
 * Gives `action` the options by which apt sees other releases of Debian and nothing else, from the mirror that it uses
 * anyway; not called where it uses none.
 */
async function withLists(suites, component, action) {
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const format = ['--format', '$(SITE) $(ORIGIN) $(LABEL)', 'Created-By: Packages'];
  const { stdout } = await capture('apt-get', ['indextargets', ...format]);
  const site = /^(\S+) Debian Debian$/m.exec(stdout)?.[1];
  if (site === undefined || !existsSync(keys)) return;
  mkdirSync(join(listsFolder, 'lists', 'partial'), { recursive: true });
  mkdirSync(join(listsFolder, 'sources'), { recursive: true });
  const lines = suites.map((suite) => `deb [signed-by=${keys}] ${site} ${suite} ${component}\n`);
  writeFileSync(join(listsFolder, 'sources.list'), lines.join(''));
  const settings = { Etc: { sourcelist: 'sources.list', sourceparts: 'sources' }, State: { Lists: 'lists' } };
  const options = Object.entries(settings).flatMap(([group, each]) =>
    Object.entries(each).map(([name, path]) => `-oDir::${group}::${name}=${join(listsFolder, path)}`),
  );
  await orSaid(() => action(options));
  rmSync(listsFolder, { recursive: true, force: true });
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

/** Some packages, all into one folder of .cache. */
async function unpack(names, part, options = []) {
  const folder = join(root, '.cache', part);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const download = await apt([...options, 'download', ...names], folder);
  if (!download.ok) return download;
  for (const archive of readdirSync(folder).filter((file) => file.endsWith('.deb'))) {
    const result = await capture('dpkg', ['-x', join(folder, archive), folder]);
    if (!result.ok) return result;
    rmSync(join(folder, archive));
  }
  return download;
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
