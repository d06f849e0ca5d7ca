/** The age of a page, written into it after the fact, in each format. */
import { expect, test } from 'vitest';
import { createLastPages } from '../../../src/exporters/prometheus/worker/last-pages.ts';
import { now, type Report, type WholeAnswer } from '../../../src/exporters/prometheus/worker/messages.ts';
import { withAge } from '../../../src/exporters/prometheus/worker/page-age.ts';
import { createQuestions } from '../../../src/exporters/prometheus/worker/questions.ts';
import { readPage } from './client-model.ts';
import { pause } from './service.ts';

const metric = { name: 'accelmeter_page_age_seconds', help: 'Age.' };
const text = (parts: readonly Uint8Array[]) => Buffer.concat(parts).toString();

test('text has it at its end', () => {
  expect(text(withAge(Buffer.from('a 1\n'), 'text/plain; version=0.0.4', metric, 2.5))).toBe(
    'a 1\n# HELP accelmeter_page_age_seconds Age.\n# TYPE accelmeter_page_age_seconds gauge\naccelmeter_page_age_seconds 2.5\n',
  );
});

test('OpenMetrics has it before its end; a page without an end stays as it is', () => {
  const type = 'application/openmetrics-text; version=1.0.0';
  expect(text(withAge(Buffer.from('a 1\n# EOF\n'), type, metric, 3))).toBe(
    'a 1\n# HELP accelmeter_page_age_seconds Age.\n# TYPE accelmeter_page_age_seconds gauge\n# UNIT accelmeter_page_age_seconds seconds\naccelmeter_page_age_seconds 3\n# EOF\n',
  );
  expect(text(withAge(Buffer.from('a 1\n'), type, metric, 3))).toBe('a 1\n');
});

test('protobuf has it as one more family, by Prometheus’ own definitions', () => {
  const type = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
  const help = 'Age. '.repeat(60); // Its length takes two bytes.
  const first = Buffer.concat(withAge(new Uint8Array(), type, { name: 'first', help }, 0.25));
  expect(readPage(Buffer.concat(withAge(first, type, metric, 1e9 + 0.5)))).toEqual([
    { name: 'first', help, type: 'GAUGE', metric: [{ gauge: { value: 0.25 } }] },
    { ...metric, type: 'GAUGE', metric: [{ gauge: { value: 1e9 + 0.5 } }] },
  ]);
});

test('another format stays as it is', () => {
  expect(text(withAge(Buffer.from('<a>'), 'text/html', metric, 3))).toBe('<a>');
});

const page = (bytes: number, age = 0): WholeAnswer => ({
  status: 200,
  headers: {},
  body: new ArrayBuffer(bytes),
  madeAt: now() - age,
});

test('of the last pages all twenty kinds are kept, 64 MiB, and none that is older than five minutes', () => {
  const pages = createLastPages();
  for (let kind = 0; kind < 24; kind++) pages.keep(`${kind}`, page(10));
  const kept = () =>
    Array.from({ length: 24 }, (_, kind) => kind).filter((kind) => pages.find(`${kind}`) !== undefined);
  const twenty = Array.from({ length: 20 }, (_, i) => i + 4);
  expect(kept()).toEqual(twenty);
  pages.keep('5', page(60 << 20));
  expect(kept()).toEqual(twenty);
  pages.keep('4', page(5 << 20));
  expect(kept()).toEqual([4]);
  pages.keep('3', page(10, 299));
  pages.keep('2', page(10, 301));
  expect(kept()).toEqual([3, 4]);
});

test('who asks the same shares a question; a thread that does not begin is not waited for, one that begins is', async () => {
  const asked: Report[] = [];
  const questions = createQuestions((report) => asked.push(report));
  const question = { what: 'metrics', headers: {} } as const;
  const both = [questions.ask(question, 400), questions.ask(question, 400)];
  expect(await Promise.all(both)).toEqual(['silent', 'silent']);
  expect(asked).toHaveLength(1);
  expect(questions.silence()).toBeGreaterThan(0.19);

  const begun = performance.now();
  expect(await questions.ask(question, 300)).toBe('silent');
  expect(performance.now() - begun).toBeLessThan(200); // It is known by now.

  questions.begun(0);
  expect(questions.silence()).toBe(0);
  const waited = questions.ask(question, 1000);
  await pause(600);
  const answer = page(1);
  questions.answered(0, answer);
  expect(await waited).toBe(answer);

  const others = Array.from({ length: 36 }, (_, i) =>
    questions.ask({ what: 'landing', headers: { host: `${i}` } }, 50),
  );
  expect((await Promise.all(others)).filter((outcome) => outcome === 'busy')).toHaveLength(4);
});
