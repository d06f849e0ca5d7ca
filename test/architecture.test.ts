/** The rules of docs/ARCHITECTURE.md that a compiler does not hold: who may import whom, and what files are called. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** A file of the library with what it imports: package names, or paths from the repository's root. */
interface Source {
  readonly file: string;
  readonly imports: readonly string[];
}

const sources = [...filesUnder('src'), ...filesUnder('instrumentation')]
  .filter((file) => file.endsWith('.ts'))
  .map((file): Source => ({ file, imports: importsOf(file) }));

describe('imports', () => {
  test('are found at all', () => {
    expect(sources.length).toBeGreaterThan(10);
    expect(importsOf('src/errors.ts')).toEqual([]);
    expect(importsOf('src/activity.ts')).toEqual([]);
    expect(importsOf('src/backend.ts')).toEqual(['src/activity.ts', 'src/catalogue.ts', 'src/metal-device.ts']);
  });

  test('rooms under backends/ import the contracts, the way to C, distributions, and never each other', () => {
    const shared =
      /^src\/(activity|backend|catalogue|errors|ffi|metal-device|version)\.ts$|^src\/(native|distribution)\//;
    const wrong = edges(/^src\/backends\/[^/]+\//).filter(
      ({ from, to }) => isOurs(to) && !shared.test(to) && !to.startsWith(`${dirname(from)}/`),
    );
    expect(wrong).toEqual([]);
  });

  test('only the profiler reaches the rooms, through their list', () => {
    const wrong = edges(/^(?!src\/backends\/)/).filter(
      ({ to }) => to.startsWith('src/backends/') && to !== 'src/backends/all.ts',
    );
    expect(wrong.filter(({ from }) => from.startsWith('src/'))).toEqual([]);
  });

  test('only ffi.ts imports koffi', () => {
    const importers = edges(/./).filter(({ to }) => to === 'koffi' || to.startsWith('koffi/'));
    expect(new Set(importers.map(({ from }) => from))).toEqual(new Set(['src/ffi.ts']));
  });

  test('only driver.ts of Metal’s room opens libraries of the system', () => {
    const openers = sources.filter(
      ({ file }) => /^src\/backends\/metal\//.test(file) && /\bopenLibrary\b/.test(read(file)),
    );
    expect(openers.map(({ file }) => file)).toEqual(['src/backends/metal/driver.ts']);
  });

  test('exporters and otel/ know nothing of backends, nor the other way round', () => {
    expect(edges(/^src\/(exporters|otel)\//).filter(({ to }) => to.startsWith('src/backends/'))).toEqual([]);
    expect(edges(/^src\/backends\//).filter(({ to }) => /^src\/(exporters|otel|analyzer|commands)\//.test(to))).toEqual(
      [],
    );
  });

  test('otel/ knows nothing of exporters', () => {
    expect(edges(/^src\/otel\//).filter(({ to }) => to.startsWith('src/exporters/'))).toEqual([]);
  });

  test('the analyzer sees windows and snapshots, reads patterns, and writes quantities and times for people, nothing else', () => {
    const wrong = edges(/^src\/analyzer\//).filter(
      ({ to }) =>
        isOurs(to) &&
        !/^src\/(analyzer\/|snapshot\.ts|backend\.ts|glob\.ts|quantity\.ts|wall-clock\.ts|profile\/window\.ts)/.test(
          to,
        ),
    );
    expect(wrong).toEqual([]);
  });

  test('distributions stand on nothing', () => {
    const wrong = edges(/^src\/distribution\//).filter(({ to }) => !to.startsWith('src/distribution/'));
    expect(wrong).toEqual([]);
  });

  test('workloads compute like any program: they see devices and the way to C, and never each other or a backend', () => {
    const seen = /^src\/(backend|device|errors|ffi|workload\/workload)\.ts$/;
    const wrong = edges(/^src\/workload\/(?!all\.ts)/).filter(({ to }) => isOurs(to) && !seen.test(to));
    expect(wrong).toEqual([]);
  });

  test('index.ts is the only barrel, and not for ourselves', () => {
    const barrels = sources.filter(({ file }) => /^export (?:\*|\{[^}]*\}) from/m.test(read(file)));
    expect(barrels.map(({ file }) => file)).toEqual(['src/index.ts']);
    expect(edges(/^src\//).filter(({ to }) => to === 'src/index.ts')).toEqual([]);
  });

  test('name our own files as they are, ending in .ts', () => {
    const wrong = edges(/./).filter(({ to }) => isOurs(to) && !to.endsWith('.ts'));
    expect(wrong).toEqual([]);
  });
});

describe('files', () => {
  // The definitions of opentelemetry-proto keep the names that they have there.
  const everything = filesUnder('.').filter((file) => !/(^|\/)(package-lock\.json$|opentelemetry-proto-)/.test(file));

  test('are named by their subject', () => {
    const subjectless = /^(utils?|helpers?|types|constants|common|misc|shared)\b/;
    expect(everything.filter((file) => subjectless.test(basename(file)))).toEqual([]);
    expect(everything.filter((file) => /\/(utils?|helpers?|types|constants|common|misc)\//.test(file))).toEqual([]);
  });

  test('have names in kebab-case', () => {
    const sourceFiles = everything.filter((file) => /\.(ts|mjs|c|h)$/.test(file));
    expect(sourceFiles.filter((file) => !/^[a-z0-9.-]+$/.test(basename(file)))).toEqual([]);
  });

  test('mention no path of the machine they were written on', () => {
    // Taken apart, so that this file does not find itself.
    const machine = new RegExp(
      ['/wo' + 'rk/', '\\.\\./sha' + 'red', '/ro' + 'ot/', '/ho' + 'me/\\w', '/Use' + 'rs/\\w'].join('|'),
    );
    const text = everything.filter((file) =>
      /\.(ts|mjs|js|c|h|json|md|yml|yaml|txt|sh|toml)$|^\.ci\/|^[^.]+$/.test(file),
    );
    expect(text.length).toBeGreaterThan(30);
    expect(text.filter((file) => machine.test(read(file)))).toEqual([]);
  });
});

/** Every import from a file that matches. */
function edges(from: RegExp): { from: string; to: string }[] {
  return sources
    .filter(({ file }) => from.test(file))
    .flatMap(({ file, imports }) => imports.map((to) => ({ from: file, to })));
}

function isOurs(imported: string): boolean {
  return imported.startsWith('src/') || imported.startsWith('instrumentation/');
}

/** Static and dynamic imports and requires, types included. */
function importsOf(file: string): string[] {
  const specifiers = read(file).matchAll(
    /(?:^import |^export [^;]*? from |\bfrom |\bimport\(|\brequire\()\s*'([^']+)'/gm,
  );
  return [...specifiers].map(([, specifier = '']) =>
    specifier.startsWith('.') ? join(dirname(file), specifier) : specifier,
  );
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** The files of the repository under a folder, as paths from its root; nothing that is generated or installed. */
function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => !['node_modules', 'dist', 'coverage', '.git', '.cache'].includes(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesUnder(path) : [path];
    });
}
