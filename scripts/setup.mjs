/**
 * Makes a clone ready for the other scripts: the packages of package-lock.json, and a Node that is new enough.
 *
 * The project needs a newer Node than many machines have, so its development dependency `node` brings one. npm itself
 * runs on the machine's own, and for that Node it leaves out optional packages (the native parts of vitest, say) whose
 * `engines` do not name it, silently. So what was installed is compared with the lock file, every time.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { capture, Explained, handOver, root, say, secondsSince } from './programs.mjs';

/** `engines` of package.json. */
const oldestNode = [22, 15];
const bundledNode = join(root, 'node_modules/node/bin/node');

/**
 * @typedef {object} Ready
 * @property {string} node the path of the Node to use
 * @property {string} version of that Node, such as "24.21.0"
 * @property {string | undefined} startedBy the version of the machine's own Node, where it is too old to be used
 */

/**
 * Installs what is missing and finds the Node to use.
 *
 * @param {{ runsTypeScript?: boolean }} [needs] whether that Node has to run .ts files (22.18 and newer do)
 * @returns {Promise<Ready>}
 */
export async function setUp(needs = {}) {
  const own = await inspectNode(process.env.npm_node_execpath ?? process.execPath);
  const { leftOut } = await installPackages();
  if (own !== undefined && suits(own, needs)) {
    expectComplete();
    return { node: own.path, version: own.version, startedBy: process.env.ACCELMETER_STARTED_BY_NODE };
  }
  const bundled = await findBundledNode();
  // npm ran on the older Node: the Node that will run the packages completes what it left out.
  if (leftOut.length > 0) await completeInstallation(bundled.path, leftOut);
  expectComplete();
  return { node: bundled.path, version: bundled.version, startedBy: own?.version };
}

/**
 * `setUp`, and what comes after it runs on the Node it found: a script that was started by another one is run again
 * by the right one, and this process ends with its exit code.
 *
 * @param {string} script `import.meta.url` of the script
 * @returns {Promise<Ready>}
 */
export async function continueOnRightNode(script) {
  const ready = await setUp({ runsTypeScript: true });
  if (existsSync(process.execPath) && realpathSync(process.execPath) === realpathSync(ready.node)) return ready;
  const env = { ...process.env };
  if (ready.startedBy !== undefined) env.ACCELMETER_STARTED_BY_NODE = ready.startedBy;
  process.exit(await handOver(ready.node, [fileURLToPath(script), ...process.argv.slice(2)], env));
}

/** What a Node is; `undefined` where it does not run. */
async function inspectNode(path) {
  const question = 'JSON.stringify([process.versions.node, Boolean(process.features.typescript)])';
  const { ok, stdout } = await capture(path, ['-p', question], { env: { ...process.env, NODE_OPTIONS: '' } });
  if (!ok) return undefined;
  const [version, runsTypeScript] = JSON.parse(stdout);
  return { path, version, runsTypeScript };
}

function suits({ version, runsTypeScript }, needs) {
  const [major, minor] = version.split('.').map(Number);
  const newEnough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  return newEnough && (runsTypeScript || needs.runsTypeScript !== true);
}

/** Development dependencies also where NODE_ENV is `production`: npm would leave them out. */
const install = ['install', '--no-save', '--include=dev'];

/**
 * Installs, unless node_modules is as package-lock.json says; tells which packages npm left out.
 *
 * `npm install --no-save` keeps to the lock file, as `npm ci` does, and also where the lock file has gaps in the
 * optional packages of other platforms, which npm leaves in it and `npm ci` then refuses. It repairs an interrupted
 * installation without beginning again.
 */
async function installPackages() {
  if (packagesNotInstalled().length === 0) return { leftOut: [] };
  const started = performance.now();
  say('Installing packages (up to a minute the first time) … ');
  const { ok, output } = await npm(install);
  if (!ok) throw new Explained(`failed.\n${output}\nnpm failed: see above. Mend that, then run this again.`);
  console.log(secondsSince(started));
  return { leftOut: packagesNotInstalled() };
}

async function completeInstallation(node, leftOut) {
  const started = performance.now();
  say(`npm left out ${leftOut.length} packages that the older Node cannot run (${leftOut[0]}, …): adding them … `);
  const { ok, output } = await npm(install, node);
  if (!ok) throw new Explained(`failed.\n${output}`);
  console.log(secondsSince(started));
}

/**
 * The packages that package-lock.json wants here and that npm has not installed in that version, from npm's own
 * record of what it did (which is missing after an interrupted installation).
 */
function packagesNotInstalled() {
  const wanted = readPackages('package-lock.json');
  const record = 'node_modules/.package-lock.json';
  const installed = existsSync(join(root, record)) ? readPackages(record) : {};
  return Object.keys(wanted).filter((path) => {
    if (path === '' || (wanted[path].optional && !isForThisMachine(wanted[path]))) return false;
    return installed[path]?.version !== wanted[path].version || !existsSync(join(root, path));
  });
}

/** Packages that a message names. */
const named = 5;

function expectComplete() {
  const missing = packagesNotInstalled();
  if (missing.length === 0) return;
  const more = missing.length > named ? ` and ${missing.length - named} more` : '';
  throw new Explained(
    `npm has not installed what package-lock.json says: ${missing.slice(0, named).join(', ')}${more}`,
  );
}

function readPackages(lockFile) {
  return JSON.parse(readFileSync(join(root, lockFile), 'utf8')).packages;
}

/** Of the optional packages those are needed that were made for this very platform. */
function isForThisMachine({ os, cpu, libc }) {
  return (
    os?.includes(process.platform) === true &&
    cpu?.includes(process.arch) === true &&
    (libc === undefined || libc.includes(existsSync('/etc/alpine-release') ? 'musl' : 'glibc'))
  );
}

/** The Node of the `node` package. Its install script fetches the binary; npm may have been told to block that. */
async function findBundledNode() {
  const folder = join(root, 'node_modules/node');
  let bundled = await inspectNode(bundledNode);
  if (bundled === undefined) {
    const started = performance.now();
    say(`Fetching Node (${oldestNode.join('.')} or newer is needed) … `);
    const { output } = await capture(process.execPath, ['installArchSpecificPackage.js'], { cwd: folder });
    bundled = await inspectNode(bundledNode);
    if (bundled === undefined) {
      throw new Explained(
        `failed.\n${output}\nNode ${oldestNode.join('.')} or newer is needed, and this machine's is ` +
          `${process.versions.node}. Install one (https://nodejs.org/en/download), or let npm fetch it: ` +
          `cd node_modules/node && node installArchSpecificPackage.js`,
      );
    }
    console.log(secondsSince(started));
  }
  return bundled;
}

/** Runs the npm that started us, else the one on PATH. */
export function npm(args, node = process.env.npm_node_execpath) {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const cli = process.env.npm_execpath;
  if (node !== undefined && cli?.endsWith('npm-cli.js')) return capture(node, [cli, ...args, ...quiet]);
  return capture('npm', [...args, ...quiet]);
}
