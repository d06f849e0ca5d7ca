import { totalmem } from 'node:os';
import { expect, it } from 'vitest';
import { kernelFiles } from '../../src/backends/cpu/kernel-files.ts';
import { findMemoryLimit } from '../../src/backends/cpu/memory-limit.ts';
import { recorded } from '../captures/recording.ts';

const MiB = 2 ** 20;
const read = (...[name, changes]: Parameters<typeof recorded>) => findMemoryLimit(recorded(name, changes))();

it('a container is at the limit of its group, and uses what it cannot give back at once', () => {
  expect(read('memory-v2-container')).toEqual({ limitBytes: 512 * MiB, usageBytes: 250 * MiB });
  expect(read('memory-v1-container')).toEqual({ limitBytes: 1024 * MiB, usageBytes: 450 * MiB });
});

it('of nested groups the smallest limit holds, and the usage is that of the group that has it', () => {
  expect(read('memory-v2-nested')).toEqual({ limitBytes: 2048 * MiB, usageBytes: 1000 * MiB });
  const pod = '/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1f.slice';
  const own = `${pod}/cri-containerd-77.scope`;
  expect(read('memory-v2-nested', { [`${own}/memory.max`]: `${1024 * MiB}\n` })).toEqual({
    limitBytes: 1024 * MiB,
    usageBytes: 900 * MiB,
  });
});

it('a recorded machine with cgroup v1 is at the 384 MiB of the group in the middle', () => {
  const reading = read('memory-v1-nested');
  expect(reading?.limitBytes).toBe(384 * MiB);
  expect(reading?.usageBytes).toBeGreaterThan(50 * MiB);
  expect(reading?.usageBytes).toBeLessThan(384 * MiB);
});

it('without a limit nothing is told: "max", the greatest number, no groups, none that can be read', () => {
  expect(read('memory-v2-none')).toBeUndefined();
  expect(read('memory-v1-none')).toBeUndefined();
  expect(read('memory-v2-container', { '/proc/self/cgroup': undefined })).toBeUndefined();
  expect(read('memory-v2-container', { '/proc/self/mountinfo': undefined })).toBeUndefined();
  expect(read('memory-v2-container', { '/proc/self/mountinfo': 'nonsense\n - \n' })).toBeUndefined();
  expect(read('memory-v2-container', { '/sys/fs/cgroup/memory.max': 'nonsense\n' })).toBeUndefined();
});

it('a usage that cannot be read is absent, and the limit stands', () => {
  expect(read('memory-v2-container', { '/sys/fs/cgroup/memory.current': undefined })).toEqual({
    limitBytes: 512 * MiB,
    usageBytes: undefined,
  });
});

it('a limit that is changed while the process runs is told at the next reading', () => {
  let limit = '1048576\n';
  const files = recorded('memory-v2-container');
  const next = findMemoryLimit({ ...files, read: (path) => (path.endsWith('/memory.max') ? limit : files.read(path)) });
  expect(next()?.limitBytes).toBe(MiB);
  limit = '2097152\n';
  expect(next()?.limitBytes).toBe(2 * MiB);
});

it('a group outside of what is mounted here is taken to be the one that is', () => {
  const changes = { '/proc/self/cgroup': '0::/../../elsewhere\n' };
  expect(read('memory-v2-container', changes)?.limitBytes).toBe(512 * MiB);
});

it('a mount point with a blank in its name is found', () => {
  const files = recorded('memory-v2-container', {
    '/proc/self/mountinfo': '27 20 0:26 / /my\\040groups rw - cgroup2 cgroup rw\n',
    '/my groups/memory.max': '4096\n',
  });
  expect(findMemoryLimit(files)()?.limitBytes).toBe(4096);
});

it("on this very machine it is no laxer than Node's own answer, which looks at one group only", () => {
  const own = findMemoryLimit(kernelFiles)();
  const nodes = process.constrainedMemory();
  if (nodes > 0 && nodes < totalmem()) expect(own?.limitBytes).toBeLessThanOrEqual(nodes);
  else expect(own?.limitBytes ?? Number.POSITIVE_INFINITY).toBeGreaterThan(0);
});
