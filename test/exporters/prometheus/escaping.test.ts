/** The schemes as https://prometheus.io/docs/instrumenting/escaping_schemes/ describes them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createNames, type Escaping, escapeName, isPlain } from '../../../src/exporters/prometheus/escaping.ts';

const legacy = /[a-zA-Z0-9_:]/;
const escaped = (name: string, escaping: Escaping) => escapeName(name, escaping, legacy);

describe('a name', () => {
  test.each([
    ['plain_name', 'plain_name', 'plain__name', 'plain_name'],
    ['http.server.duration', 'http_server_duration', 'http_dot_server_dot_duration', 'U__http_2e_server_2e_duration'],
    ['both.of_them', 'both_of_them', 'both_dot_of__them', 'U__both_2e_of__them'],
    ['1st', '_st', '__st', 'U___31_st'],
    ['温度', '__', '____', 'U___6e29__5ea6_'],
    ['💥x', '_x', '__x', 'U___1f4a5_x'],
    ['a:b', 'a:b', 'a:b', 'a:b'],
  ])('%s escaped', (name, underscores, dots, values) => {
    expect(escaped(name, 'underscores')).toBe(underscores);
    expect(escaped(name, 'dots')).toBe(dots);
    expect(escaped(name, 'values')).toBe(values);
    expect(escaped(name, 'allow-utf-8')).toBe(name);
  });

  test('is plain under every scheme but the one that allows all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), (name) => {
        for (const escaping of ['underscores', 'dots', 'values'] as const)
          expect(isPlain(escaped(name, escaping))).toBe(true);
      }),
    );
  });

  test('comes back from its values', () => {
    const back = (name: string) =>
      name.startsWith('U__')
        ? name
            .slice(3)
            .replace(/__|_([0-9a-f]+)_/g, (_, code?: string) =>
              code ? String.fromCodePoint(Number.parseInt(code, 16)) : '_',
            )
        : name;
    const named = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((name) => !name.startsWith('U__') && name.isWellFormed());
    fc.assert(
      fc.property(named, (name) => {
        expect(back(escaped(name, 'values'))).toBe(name);
      }),
    );
  });
});

describe('names of a page', () => {
  const naming = { prefix: '', unitSuffixes: true };

  test('are the same for every reader but one that escapes underscores, where they lose their characters anyway', () => {
    for (const escaping of ['underscores', 'values', 'allow-utf-8'] as const) {
      const names = createNames({ ...naming, utf8: false }, escaping);
      expect(names.metric('http.server.duration', 's', 'histogram')).toBe('http_server_duration_seconds');
      expect(names.label('http.route')).toBe('http_route');
      expect(names.own('target_info')).toBe('target_info');
    }
    const dots = createNames({ ...naming, utf8: false }, 'dots');
    expect(dots.metric('http.server.duration', 's', 'histogram')).toBe('http__server__duration__seconds');
    expect(dots.own('target_info')).toBe('target__info');
  });

  test('keep their characters where that is wanted and allowed, and get what they lack', () => {
    const names = createNames({ ...naming, utf8: true }, 'allow-utf-8');
    expect(names.metric('http.server.duration', 's', 'histogram')).toBe('http.server.duration_seconds');
    expect(names.metric('disk.io', 'By', 'counter')).toBe('disk.io_bytes_total');
    expect(names.metric('wait.seconds', 's', 'gauge')).toBe('wait.seconds');
    expect(names.metric('runs.total', '', 'counter')).toBe('runs.total');
    expect(names.metric('subtotal', '', 'counter')).toBe('subtotal_total');
    expect(names.metric('cache.hits', '1', 'gauge')).toBe('cache.hits_ratio');
    expect(names.metric('温度', 'Cel', 'gauge')).toBe('温度_celsius');
    expect(names.metric('', 's', 'gauge')).toBeUndefined();
    expect(names.label('http.route')).toBe('http.route');
    expect(names.label('__name__')).toBe('key__name__');
    expect(names.label('')).toBeUndefined();
    expect(names.label('a\0b')).toBe('a_b');
  });

  test('are escaped where a reader of one generation asks for them', () => {
    const names = createNames({ ...naming, utf8: true }, 'underscores');
    expect(names.metric('http.server.duration', 's', 'histogram')).toBe('http_server_duration_seconds');
    expect(names.label('http.route')).toBe('http_route');
    expect(names.label('a:b')).toBe('a_b');
    expect(names.label('é_name__')).toBe('key__name__');
  });

  test('have their prefix', () => {
    expect(createNames({ ...naming, prefix: 'app', utf8: true }, 'allow-utf-8').metric('a.b', '', 'gauge')).toBe(
      'app_a.b',
    );
    expect(createNames({ ...naming, prefix: 'app', utf8: false }, 'allow-utf-8').metric('a.b', '', 'gauge')).toBe(
      'app_a_b',
    );
  });
});
