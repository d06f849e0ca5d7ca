/**
 * Libraries and drivers that are not what they should be. Each is met twice: by a service under `register`, where we
 * load nothing that the service has not loaded, and by one that opens the profiler itself.
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileLibrary, scratchFolder } from '../native/compile.ts';
import { lacks } from '../parts.ts';
import { expectUnharmed, watch } from './watch.ts';

const folder = scratchFolder();
const stub = lacks('cc') ? '' : compileLibrary('test/stubs/faulty-loader.c', folder);
const lacking = (what: string) =>
  compileLibrary('test/stubs/faulty-loader.c', mkdtempSync(join(folder, 'lacking-')), [`-D${what}`]);

/** A copy of the stub with other bytes. */
function altered(name: string, alter: (bytes: Buffer) => Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, alter(readFileSync(stub)));
  return file;
}

/** The machine that an ELF file is for, at byte 18: never this one. */
function forAnotherMachine(bytes: Buffer): Buffer {
  bytes.writeUInt16LE(process.arch === 'arm64' ? 62 : 183, 18);
  return bytes;
}

/** A folder for `OCL_ICD_VENDORS` with one driver. */
function vendors(library: string): string {
  const place = mkdtempSync(join(folder, 'vendors-'));
  writeFileSync(join(place, 'stub.icd'), `${library}\n`);
  return place;
}

interface Fault {
  readonly environment: () => Record<string, string>;
  /** How the profiler tells it. */
  readonly kind: string;
  readonly message: RegExp;
}

const named = (library: () => string, fault?: string) => () => ({
  ACCELMETER_OPENCL_LIBRARY: library(),
  ...(fault !== undefined && { FAULT: fault }),
});
const registered = (library: () => string, fault?: string) => () => ({
  OCL_ICD_VENDORS: vendors(library()),
  ...(fault !== undefined && { FAULT: fault }),
});

const faults: Record<string, Fault> = {
  'a library that is absent': {
    environment: named(() => '/nowhere/libOpenCL.so.1'),
    kind: 'absent',
    message: /\/nowhere\/libOpenCL.so.1 not found/,
  },
  'a truncated library': {
    environment: named(() => altered('truncated.so', (bytes) => bytes.subarray(0, 3000))),
    kind: 'broken',
    message: /truncated.so crashed \(SIGBUS\)/,
  },
  'an empty library': {
    environment: named(() => altered('empty.so', () => Buffer.alloc(0))),
    kind: 'broken',
    message: /empty.so cannot be loaded: .*too short/,
  },
  'a library for another machine': {
    environment: named(() => altered('foreign.so', forAnotherMachine)),
    kind: 'broken',
    message: /foreign.so cannot be loaded: /,
  },
  'a library without any of the calls': {
    environment: named(() => lacking('NOTHING')),
    kind: 'unsupported',
    message: /has no clGetPlatformIDs/,
  },
  'a library that lacks one call': {
    environment: named(() => lacking('LACKING')),
    kind: 'unsupported',
    message: /has no clGetDeviceInfo/,
  },
  'a library that hangs while it is loaded': {
    environment: named(() => stub, 'hanging'),
    kind: 'stuck',
    message: /faulty-loader.so did not answer within 10 s/,
  },
  'a library that hangs in its first call': {
    environment: named(() => stub, 'stuck'),
    kind: 'stuck',
    message: /faulty-loader.so did not answer within 10 s/,
  },
  'a library that aborts while it is loaded': {
    environment: named(() => stub, 'aborting'),
    kind: 'broken',
    message: /faulty-loader.so crashed \(SIGABRT\)/,
  },
  'a platform without devices': {
    environment: named(() => stub, 'deviceless'),
    kind: 'absent',
    message: /the OpenCL loader knows no device/,
  },
  'a driver that is absent': {
    environment: registered(() => '/nowhere/libdriver.so'),
    kind: 'absent',
    message: /the OpenCL loader knows no device/,
  },
  'a truncated driver': {
    environment: registered(() => altered('cut.so', (bytes) => bytes.subarray(0, 3000))),
    kind: 'broken',
    message: /the driver crashed \(SIGBUS\)/,
  },
  'a driver that is none': {
    environment: registered(() => stub),
    kind: 'absent',
    message: /the OpenCL loader knows no device/,
  },
  'a driver that hangs while it is loaded': {
    environment: registered(() => stub, 'hanging'),
    kind: 'stuck',
    message: /the driver did not answer within 10 s/,
  },
  'a driver that aborts while it is loaded': {
    environment: registered(() => stub, 'aborting'),
    kind: 'broken',
    message: /the driver crashed \(SIGABRT\)/,
  },
};

describe.skipIf(lacks('cc', 'pocl'))('a service that opens the profiler and meets', { timeout: 30_000 }, () => {
  it.concurrent.each(Object.entries(faults))('%s', async (_, { environment, kind, message }) => {
    const watched = await watch(['own-profiler.mjs'], {
      register: false,
      environment: environment(),
      ready: /^ready /,
    });
    expectUnharmed(watched, { stdout: /^ready .*\ndone\n$/, firsts: 2 }); // a process was begun, and heard of
    expect(watched.stderr).toBe('');
    const { absent, turns } = JSON.parse(watched.stdout.slice('ready '.length, watched.stdout.indexOf('\n')));
    const opencl = absent.filter(({ backend }: { backend: string }) => backend === 'opencl');
    expect(opencl).toEqual([
      expect.objectContaining({ backend: 'opencl', kind, message: expect.stringMatching(message) }),
    ]);
    if (kind === 'stuck') expect(turns).toBeGreaterThan(1000); // of a millisecond: the loop turned all the while
  });
});

describe.skipIf(lacks('cc', 'pocl'))('a service under register that does not use OpenCL, on a machine with', () => {
  it.concurrent.each(Object.entries(faults))('%s', async (_, { environment, kind, message }) => {
    const variables = environment();
    const watched = await watch(['idle.mjs', '3000'], { environment: variables });
    expectUnharmed(watched);
    if ('OCL_ICD_VENDORS' in variables)
      expect(watched.stderr).toContain('✓ opencl ready'); // no driver was loaded
    else if (kind === 'stuck')
      expect(watched.stderr).toBe(''); // it ended before that was known
    else if (/crashed/.test(message.source)) expect(watched.stderr).toMatch(message);
    else expect(watched.stderr).toContain('opencl');
  });
});
