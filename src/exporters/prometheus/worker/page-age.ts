/** The age of a page as a metric on it, in whichever format the page is. */

export interface AgeMetric {
  /** Of the family, as this page's reader is to see it. */
  readonly name: string;
  readonly help: string;
}

const openMetricsEnd = '# EOF\n';

/** The page with its age, in seconds, as the parts that it is sent in. A page of an unknown format stays as it is. */
export function withAge(page: Uint8Array, contentType: string, metric: AgeMetric, seconds: number): Uint8Array[] {
  if (contentType.startsWith('text/plain')) return [page, Buffer.from(asText(metric, seconds, ''))];
  if (contentType.startsWith('application/openmetrics-text')) {
    const end = page.length - openMetricsEnd.length;
    if (Buffer.from(page.subarray(end)).toString() !== openMetricsEnd) return [page];
    const unit = metric.name.endsWith('_seconds') ? `# UNIT ${metric.name} seconds\n` : '';
    return [page.subarray(0, end), Buffer.from(`${asText(metric, seconds, unit)}${openMetricsEnd}`)];
  }
  return contentType.startsWith('application/vnd.google.protobuf') ? [page, asProtobuf(metric, seconds)] : [page];
}

function asText({ name, help }: AgeMetric, seconds: number, unit: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${unit}${name} ${seconds}\n`;
}

/** A delimited `io.prometheus.client.MetricFamily`: name 1, help 2, type 3 (gauge 1), metric 4 { gauge 2 { value 1 } }. */
function asProtobuf({ name, help }: AgeMetric, seconds: number): Uint8Array {
  const value = Buffer.alloc(9);
  value[0] = 0x09;
  value.writeDoubleLE(seconds, 1);
  const family = Buffer.concat([
    field(1, Buffer.from(name)),
    field(2, Buffer.from(help)),
    Buffer.of(0x18, 1),
    field(4, field(2, value)),
  ]);
  return Buffer.concat([varint(family.length), family]);
}

function field(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
