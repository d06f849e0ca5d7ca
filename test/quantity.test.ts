import { describe, expect, test } from 'vitest';
import { formatBytes, formatQuantity, formatRate, formatSeconds, formatShare } from '../src/quantity.ts';

describe('people read', () => {
  test.each([
    [0, '0 s'],
    [3e-10, '0.30 ns'],
    [95e-9, '95.0 ns'],
    [412e-6, '412 µs'],
    [0.00121, '1.21 ms'],
    [0.0009996, '1.00 ms'],
    [0.5, '500 ms'],
    [1, '1 s'],
    [1.5, '1.50 s'],
    [48.03, '48.0 s'],
    [90.5, '90.5 s'],
    [200, '3 min 20 s'],
    [3661, '1 h 01 min'],
    [3 * 86_400 + 4 * 3600, '3 d 4 h'],
    [-0.002, '-2.00 ms'],
    [Number.NaN, '–'],
  ])('%d seconds as %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  test.each([
    [0, '0 B'],
    [900, '900 B'],
    [31_000, '31.0 kB'],
    [999_999, '1.00 MB'],
    [1.5e9, '1.50 GB'],
    [2e15, '2000 TB'],
  ])('%d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  test.each([
    [0, '0'],
    [3, '3'],
    [212, '212'],
    [212.4, '212'],
    [0.35, '0.35'],
    [1200, '1.20k'],
    [48_300, '48.3k'],
    [2.5e6, '2.50M'],
  ])('the rate %d as %s', (rate, text) => expect(formatRate(rate)).toBe(text));

  test.each([
    [0, '0 %'],
    [0.0004, '<0.1 %'],
    [0.004, '0.4 %'],
    [0.0996, '10 %'],
    [0.26, '26 %'],
    [1.5, '150 %'],
  ])('the share %d as %s', (share, text) => expect(formatShare(share)).toBe(text));

  test.each([
    [45, 'Cel', '45 °C'],
    [1.98e9, 'Hz', '1.98 GHz'],
    [5e8, 'Hz', '500 MHz'],
    [0, 'Hz', '0 Hz'],
    [350.5, 'W', '351 W'],
    [3, '{error}', '3'],
    [2 ** 30, 'By', '1.07 GB'],
  ])('%d %s as %s', (value, unit, text) => expect(formatQuantity(value, unit)).toBe(text));
});
