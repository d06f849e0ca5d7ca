/**
 * The memory limit of the control group that this process is in: a container's, a pod's, a systemd slice's. Groups are
 * nested and the smallest limit holds; who exceeds it has the kernel kill a process of the group.
 *
 * Files and their meaning: cgroups(7), the kernel's cgroup-v2 and cgroup-v1/memory.
 */
import type { KernelFiles } from './kernel-files.ts';

export interface MemoryLimit {
  readonly limitBytes: number;
  /** Of all processes in the group that has the limit, less file pages that can be dropped at once. */
  readonly usageBytes: number | undefined;
}

/** The files of the two versions. */
const versions = {
  v1: { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', droppable: 'total_inactive_file' },
  v2: { limit: 'memory.max', usage: 'memory.current', droppable: 'inactive_file' },
} as const;

/** Groups above the own one whose limits are looked at. Kubernetes has four levels. */
const mostLevels = 8;

/** v1 writes "no limit" as the greatest number of pages, about 2^63 bytes. */
const noLimit = 2 ** 62;

/** Finds the group once, and returns what reads it: `undefined` where nothing limits it, or there are no such groups. */
export function findMemoryLimit(files: KernelFiles): () => MemoryLimit | undefined {
  const own = ownGroup(files);
  if (!own) return () => undefined;
  const { folders, names } = own;
  return () => {
    let smallest: { bytes: number; folder: string } | undefined;
    for (const folder of folders) {
      const bytes = wholeNumber(files.read(`${folder}/${names.limit}`)); // "max" is none
      if (bytes !== undefined && bytes < Math.min(noLimit, smallest?.bytes ?? noLimit)) smallest = { bytes, folder };
    }
    if (!smallest) return undefined;
    const usage = wholeNumber(files.read(`${smallest.folder}/${names.usage}`));
    const stat = files.read(`${smallest.folder}/memory.stat`) ?? '';
    const droppable = wholeNumber(new RegExp(`^${names.droppable} (\\d+)$`, 'm').exec(stat)?.[1]) ?? 0;
    return {
      limitBytes: smallest.bytes,
      usageBytes: usage === undefined ? undefined : Math.max(0, usage - droppable),
    };
  };
}

/** The folders of the own group and of those above it, innermost first. */
function ownGroup(files: KernelFiles) {
  const membership = files.read('/proc/self/cgroup');
  const mounts = files.read('/proc/self/mountinfo');
  if (membership === undefined || mounts === undefined) return undefined;
  // Lines `number:controllers:path`. Where both versions are mounted, memory is in the one that lists it.
  const groups = membership.split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line) ?? []);
  const v1 = groups.find(([, , controllers = '']) => controllers.split(',').includes('memory'));
  const group = v1 ?? groups.find(([, number, controllers]) => number === '0' && controllers === '');
  const mount = mountsOf(mounts).find(({ type, options }) =>
    v1 ? type === 'cgroup' && options.includes('memory') : type === 'cgroup2',
  );
  const path = group?.[3];
  if (path === undefined || !mount) return undefined;
  return { folders: folders(mount, path), names: v1 ? versions.v1 : versions.v2 };
}

interface Mount {
  readonly type: string;
  /** What of the file system is mounted. */
  readonly root: string;
  /** Where it is mounted. */
  readonly point: string;
  readonly options: readonly string[];
}

/** Lines of proc_pid_mountinfo(5): number parent device root point options… - type source options. */
function mountsOf(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after] = line.split(' - ');
    if (after === undefined) return [];
    const [, , , root = '', point = ''] = before.split(' ');
    const [type = '', , options = ''] = after.split(' ');
    return [{ type, root: unescaped(root), point: unescaped(point), options: options.split(',') }];
  });
}

/** A container sees its own group mounted as if it were the top; a path that leads elsewhere is not visible to it. */
function folders({ root, point }: Mount, path: string): string[] {
  const top = root === '/' ? '' : root;
  const inside = path === root || path.startsWith(`${top}/`) ? path.slice(top.length) : '';
  const names = inside.split('/').filter((name) => name !== '');
  if (names.includes('..')) return [point];
  const all = names.map((_, index) => `${point}/${names.slice(0, index + 1).join('/')}`);
  return [point, ...all].reverse().slice(0, mostLevels);
}

/** Blanks and the like are written in octal: `\040`. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined;
}
