import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkBaseline, loadBaseline, saveBaseline } from '../../src/baseline/file.ts';
import { baseline, steady } from './samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'accelmeter-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

function written(text: string): string {
  const file = join(folder, 'baseline.json');
  writeFileSync(file, text);
  return file;
}

const good = baseline({ matmul: steady(0.001), __proto__x: [0.5] });

it('what is read is what was saved', async () => {
  const file = join(folder, 'saved.json');
  await saveBaseline(good, file);
  expect(await loadBaseline(file)).toEqual(good);
});

it('one that cannot be written is an error with its reason', async () => {
  await expect(saveBaseline(good, join(folder, 'none', 'x.json'))).rejects.toMatchObject({
    code: 'inaccessible',
    message: expect.stringMatching(/could not be written: ENOENT/),
  });
});

it('one that cannot be written leaves the one that is there, and nothing beside it', async () => {
  const file = join(mkdtempSync(join(folder, 'full-')), 'kept.json');
  await saveBaseline(good, file);
  mkdirSync(`${file}.${process.pid}.new`); // in the way, as a full disk is
  await expect(saveBaseline(baseline({ other: steady(0.002) }), file)).rejects.toMatchObject({ code: 'inaccessible' });
  expect(await loadBaseline(file)).toEqual(good);
});

it('one that is saved again is behind the same link, and no pipe becomes a file', async () => {
  const place = mkdtempSync(join(folder, 'link-'));
  const [file, link] = [join(place, 'file.json'), join(place, 'link.json')];
  await saveBaseline(good, file);
  symlinkSync(file, link);
  await saveBaseline(baseline({ second: steady(0.002) }), link);
  expect((await loadBaseline(file)).devices[0]?.kernels[0]?.kernel).toBe('second');
  expect(readdirSync(place)).toEqual(['file.json', 'link.json']);
  await saveBaseline(good, '/dev/null');
  expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
});

/** As text, with the kernels of its device twice. */
function twice({ devices, ...about }: typeof good): string {
  const doubled = devices.map((device) => ({ ...device, kernels: [...device.kernels, ...device.kernels] }));
  return JSON.stringify({ ...about, devices: doubled });
}

describe('what is no baseline is refused:', () => {
  const text = JSON.stringify(good);
  const edited = (from: string, to: string) => {
    expect(text).toContain(from);
    return text.replace(from, to);
  };

  it('a file that is not there', async () => {
    const file = join(folder, 'none.json');
    await expect(loadBaseline(file)).rejects.toMatchObject({ code: 'missing', message: expect.stringContaining(file) });
  });

  it('a folder', async () => {
    await expect(loadBaseline(folder)).rejects.toMatchObject({ code: 'inaccessible' });
  });

  it.each([
    ['an empty file', '', 'malformed', /the file is empty/],
    ['white space', ' \n', 'malformed', /the file is empty/],
    ['a truncated file', text.slice(0, text.length / 2), 'malformed', /cut off/],
    ['something else', 'kernels: all', 'malformed', /no JSON/],
    ['another JSON', '{"name":"accelmeter"}', 'malformed', /no baseline of accelmeter/],
    ['null', 'null', 'malformed', /no object/],
    ['a list', '[]', 'malformed', /no object/],
    ['one of another format', edited('"formatVersion":1', '"formatVersion":2'), 'version', /format 2.* reads 1/],
    ['one without a format', edited('"formatVersion":1,', ''), 'version', /format undefined/],
    ['one without devices', edited('"devices":[', '"others":['), 'malformed', /devices is no list/],
    ['NaN', edited('"totalExecutions":21', '"totalExecutions":NaN'), 'malformed', /no JSON/],
    ['an infinite number', edited('"totalExecutions":21', '"totalExecutions":1e999'), 'malformed', /Infinity/],
    ['a negative number', edited('"totalExecutions":21', '"totalExecutions":-1'), 'malformed', /is -1/],
    ['a text for a number', edited('"totalExecutions":21', '"totalExecutions":"21"'), 'malformed', /is "21"/],
    ['null for a number', edited('"totalExecutions":21', '"totalExecutions":null'), 'malformed', /is null/],
    ['a count that is missing', edited('"totalExecutions":21,', ''), 'malformed', /totalExecutions is missing/],
    ['more successes than executions', edited('"successRate":1', '"successRate":5'), 'malformed', /successRate is 5/],
    ['a kernel that is in it twice', twice(good), 'malformed', /"matmul" is in it twice/],
    ['a kernel without a name', edited('"kernel":"matmul",', ''), 'malformed', /kernel is no text/],
  ])('%s', async (_, content, code, message) => {
    await expect(loadBaseline(written(content))).rejects.toMatchObject({
      name: 'BaselineError',
      code,
      message: expect.stringMatching(message),
    });
  });

  it('one in which no kernel has succeeded', () => {
    expect(() => checkBaseline({ ...good, devices: [] })).toThrow(expect.objectContaining({ code: 'empty' }));
  });
});

it('the file is for people as well', async () => {
  const file = join(folder, 'pretty.json');
  await saveBaseline(good, file);
  expect(readFileSync(file, 'utf8')).toMatch(/^\{\n {2}"kind": "accelmeter-baseline",\n[\s\S]+\}\n$/);
});
