import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { recommendations } from '../../../src/analyzer/recommendations.ts';
import { renderLanding } from '../../../src/exporters/prometheus/page.ts';
import type { Status } from '../../../src/status.ts';
import { found } from '../../analyzer/finding.ts';
import { serve } from './service.ts';

const hostile = '</td><script>alert("x")</script>\'&';

const status: Status = {
  version: '0.1.0',
  nodeVersion: 'v24.0.0',
  pid: 42,
  service: 'image-resizer',
  uptime: 312.4,
  backends: [
    { name: 'cpu', present: true, detail: '2 threads', sources: [{ name: 'process', up: true, detail: '2 threads' }] },
    {
      name: 'opencl',
      present: false,
      detail: 'no OpenCL loader on this machine',
      remedy: 'apt-get install ocl-icd',
      sources: [],
    },
  ],
  devices: [{ id: 'GPU-1', backend: 'opencl', name: 'NVIDIA H200', utilization: 0.26 }],
  kernels: [
    {
      device: 'GPU-1',
      deviceName: 'NVIDIA H200',
      backend: 'opencl',
      kernel: hostile,
      calls: 12_720,
      callsPerSecond: 212,
      failures: 3,
      p50: 0.00121,
      p95: 412e-6,
      p99: undefined,
      total: 15.4,
      busy: 0.26,
    },
  ],
  transfers: [
    {
      device: 'GPU-1',
      deviceName: 'NVIDIA H200',
      backend: 'opencl',
      direction: 'host_to_device',
      count: 12,
      bytes: 3.2e9,
      total: 0.412,
      bandwidth: 7.8e9,
    },
  ],
  findings: [],
  self: { share: 0.0123, budget: 0.005, level: 2 },
};

describe('the landing page', () => {
  test('shows kernels, devices, transfers and sources with what mends them', async () => {
    const { get } = await serve({ status: () => status });
    const { status: code, body } = await get('/');
    expect(code).toBe(200);
    const shown = body
      .replace(/<style>.*<\/style>/s, '')
      .replace(/<[^>]+>/g, ' ')
      .replace(/\s+/g, ' ');
    for (const text of [
      'accelmeter 0.1.0',
      'image-resizer · process 42 · Node 24.0.0 · measuring for 5 min 12 s · takes 1.2 % of a core itself (budget 0.5 %: readings sampled 4 times less often)',
      '✓ process 2 threads',
      'no OpenCL loader on this machine → apt-get install ocl-icd',
      '212 1.21 ms 412 µs – 26 % 3',
      'NVIDIA H200 opencl GPU-1 26 %',
      'host to device NVIDIA H200 12 3.20 GB 412 ms 7.80 GB/s',
    ]) {
      expect(shown).toContain(text);
    }
  });

  test('shows what is wrong above the kernels, with what would help; and nothing of it where all is well', () => {
    const bodyOf = (findings: Status['findings'], devices = status.devices) =>
      renderLanding({ status: { ...status, findings, devices }, page: undefined, target: 'h:1', path: '/metrics' });
    const sentence = `Copies of ${hostile} took twice as long as kernels.`;
    const findings = [found({ code: 'transfer_bound', sentence, recommends: ['overlap_transfers', 'warm_up'] })];
    const body = bodyOf(findings);
    const shown = body.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');
    expect(shown).toContain('warning transfer_bound Copies of');
    expect(shown).toContain(`Since 12:00:07 UTC . → ${recommendations.overlap_transfers} → ${recommendations.warm_up}`);
    expect(body).not.toContain('<script');
    expect(body.indexOf('<h2>Findings')).toBeLessThan(body.indexOf('<h2>Kernels'));
    expect(shown).not.toContain('on opencl A GPU');
    expect(bodyOf(findings, [...status.devices, ...status.devices])).toContain('on opencl A GPU');
    expect(bodyOf([])).not.toContain('Findings');
  });

  test('gives the lines for prometheus.yml as it was reached', async () => {
    const { get } = await serve({ status: () => status, endpoint: '/m' });
    const { body } = await get('/', { headers: { Host: 'gpu-7:9464' } });
    expect(body.replaceAll('&quot;', '"')).toContain(`<pre>scrape_configs:
  - job_name: "image-resizer"
    metrics_path: "/m"
    static_configs:
      - targets: ["gpu-7:9464"]</pre>`);
  });

  test('counts the series of each family of the latest page', async () => {
    const { meter, get } = await serve();
    meter.createHistogram('size', { advice: { explicitBucketBoundaries: [1, 2] } }).record(1);
    const page = (await get('/metrics')).body;
    const { body } = await get('/');
    expect(body).toContain('<td class="name long">size</td><td>histogram</td><td class="number">5</td>');
    expect(body).toContain(`6 series in 2 families: ${page.length} B`);
  });

  test('without a profiler has neither kernels nor sources', async () => {
    const { get } = await serve();
    const { body } = await get('/');
    expect(body).not.toContain('<h2>Kernels');
    expect(body).not.toContain('<h2>Sources');
    expect(body).toContain('scrape_configs:');
  });

  test('tells a source that is down once, also where its backend has no other', () => {
    const [cpu] = status.backends;
    const down = { present: false, detail: 'kernels not traced', remedy: 'start it with register' } as const;
    const layer = { name: 'opencl_layer', up: false, ...down };
    const odd = { ...status, backends: [cpu, { name: 'opencl', sources: [layer], ...down }] } as Status;
    const body = renderLanding({ status: odd, page: undefined, target: '127.0.0.1:9464', path: '/metrics' });
    expect(body.match(/kernels not traced/g)).toHaveLength(1);
    expect(body.match(/start it with register/g)).toHaveLength(1);
  });

  test('escapes whatever it is given', async () => {
    const odd = { ...status, service: hostile };
    const body = renderLanding({ status: odd, page: undefined, target: hostile, path: '/metrics' });
    expect(body).not.toContain('<script');
    expect(body).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39;&amp;');
  });

  test('runs no script and fetches nothing, and its policy allows only its own style', async () => {
    const { get } = await serve({ status: () => status });
    const { headers, body } = await get('/');
    const style = /<style>(.*)<\/style>/s.exec(body)?.[1] ?? '';
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(body).not.toMatch(/<script|<link|<img|@import|url\(|style="|src=/);
  });

  test('answers even where the status cannot be had', async () => {
    const { get } = await serve({
      status: () => {
        throw new Error('no');
      },
    });
    expect((await get('/')).status).toBe(500);
    expect((await get('/metrics')).status).toBe(200);
  });
});
