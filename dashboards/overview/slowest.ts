/** The table of kernels: what each costs now, slowest first. */
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import * as table from '@grafana/grafana-foundation-sdk/table';
import { describe, type Panel, promQuery, type Thresholds, thresholdSteps, type Unit } from '../panels.ts';
import { chosen, growth, perSecond, quantile, sumBy } from '../queries.ts';
import { label } from '../series.ts';

const kernelOnDevice = ['accelmeter.kernel.name', 'hw.name'] as const;
const ofKernels = (expression: string) => sumBy(kernelOnDevice, expression);
const calls = perSecond(chosen('accelmeter.kernel.duration', 'count'));
const busy = perSecond(chosen('accelmeter.kernel.duration', 'sum'));

/** A column of numbers. Its query gives one value for a kernel on a kind of device. */
interface Column {
  readonly title: string;
  readonly expression: string;
  readonly unit: Unit;
  /** Shown as a bar behind the number, up to this. */
  readonly bar?: number;
  readonly thresholds?: Thresholds;
}

const ran = `${ofKernels(calls)} > 0`;
const columns: readonly Column[] = [
  { title: 'Calls/s', expression: ran, unit: 'ops' },
  { title: 'Mean', expression: `${ofKernels(busy)} / (${ran})`, unit: 's' },
  { title: 'P50', expression: quantile(0.5, 'accelmeter.kernel.duration', kernelOnDevice), unit: 's' },
  { title: 'P95', expression: quantile(0.95, 'accelmeter.kernel.duration', kernelOnDevice), unit: 's' },
  { title: 'P99', expression: quantile(0.99, 'accelmeter.kernel.duration', kernelOnDevice), unit: 's' },
  { title: 'Busy', expression: ofKernels(busy), unit: 'percentunit', bar: 1 },
  {
    title: 'Failed',
    expression: `${ofKernels(growth(chosen('accelmeter.kernel.failures'), '$__range'))} or 0 * ${ofKernels(calls)}`,
    unit: 'short',
    thresholds: [[1, 'red']],
  },
];

export function slowestKernels(): Panel {
  const panel = new table.PanelBuilder()
    .targets(
      columns.map(({ expression }, index) =>
        promQuery({ expression, legend: '' }, index).instant().format(PromQueryFormat.Table),
      ),
    )
    .transformations([{ id: 'merge', options: {} }, organized()])
    .sortBy([new common.TableSortByFieldStateBuilder().displayName('P95').desc(true)])
    .cellHeight(common.TableCellHeight.Sm);
  panel.overrideByName('Kernel', [
    { id: 'custom.minWidth', value: 160 },
    { id: 'links', value: [{ title: 'Show only this kernel', url: onlyThisKernel }] },
  ]);
  panel.overrideByName('Device', [{ id: 'custom.minWidth', value: 160 }]);
  for (const column of columns) panel.overrideByName(column.title, displayOf(column));
  return describe(panel, {
    title: 'Slowest kernels',
    description:
      'Each kernel on each kind of device now, over all chosen processes; failures are those of the range shown. ' +
      'Slow and busy is where an optimization pays; slow and rare is where a request waits. Mean is exact, percentiles ' +
      'are interpolated in buckets an octave wide (right to a factor of 1.4 at worst). "other" is what had no place of its own. ' +
      'Do: click a kernel to see it alone.',
    width: 24,
    height: 8,
    unit: 'short',
    empty: 'no kernel ran in the last minute',
  }).build();
}

/** A link to this dashboard as it stands, with all but this kernel left out. */
const onlyThisKernel = [
  `/d/\${__dashboard.uid}?\${__url_time_range}`,
  ...['datasource', 'job', 'instance', 'backend', 'device'].map((variable) => `\${${variable}:queryparam}`),
  `var-kernel=\${__value.raw:percentencode}`,
].join('&');

/** Puts the columns into order and under their titles; `merge` calls them by the letter of their query. */
function organized(): dashboard.DataTransformerConfig {
  const values = columns.map(({ title }, index) => [`Value #${String.fromCharCode(65 + index)}`, title] as const);
  const renamed: [string, string][] = [
    [label('accelmeter.kernel.name'), 'Kernel'],
    [label('hw.name'), 'Device'],
    ...values.map(([from, to]): [string, string] => [from, to]),
  ];
  return {
    id: 'organize',
    options: {
      excludeByName: { Time: true },
      indexByName: Object.fromEntries(renamed.map(([from], index) => [from, index])),
      renameByName: Object.fromEntries(renamed),
    },
  };
}

function displayOf({ unit, bar, thresholds }: Column): dashboard.DynamicConfigValue[] {
  const properties: dashboard.DynamicConfigValue[] = [
    { id: 'unit', value: unit },
    { id: 'custom.align', value: 'right' },
    { id: 'custom.width', value: bar === undefined ? 95 : 190 },
  ];
  if (bar !== undefined) {
    properties.push(
      { id: 'min', value: 0 },
      { id: 'max', value: bar },
      {
        id: 'custom.cellOptions',
        value: { type: common.TableCellDisplayMode.Gauge, mode: common.BarGaugeDisplayMode.Basic },
      },
      { id: 'color', value: { mode: dashboard.FieldColorModeId.Fixed, fixedColor: 'blue' } },
    );
  }
  if (thresholds) {
    properties.push(
      { id: 'thresholds', value: thresholdSteps(thresholds, 'text').build() },
      { id: 'color', value: { mode: dashboard.FieldColorModeId.Thresholds } },
      { id: 'custom.cellOptions', value: { type: common.TableCellDisplayMode.ColorText } },
    );
  }
  return properties;
}
