/** Tables of what is so now: one row for each combination of labels, a column for each query. */
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import * as table from '@grafana/grafana-foundation-sdk/table';
import {
  describe,
  letter,
  type Panel,
  type PanelOptions,
  promQuery,
  type Thresholds,
  thresholdSteps,
  type Unit,
} from './panels.ts';
import { type LabelSource, label } from './series.ts';

/** What a value is called, and its colour. */
type Meanings = Readonly<Record<string, { readonly text?: string; readonly color: string }>>;

/** A column of numbers. Its query gives one value for a row. */
export interface Column {
  readonly title: string;
  readonly expression: string;
  readonly unit: Unit;
  /** Of pixels; by default as wide as a number. */
  readonly width?: number;
  /** Shown as a bar behind the number, up to this. */
  readonly bar?: number;
  readonly thresholds?: Thresholds;
  /** Words in place of the numbers. */
  readonly meanings?: Meanings;
}

/** A column that shows a label which the results of all queries have. */
export interface LabelColumn {
  readonly title: string;
  readonly source: LabelSource;
  /** The display of its cells, as overrides of the panel. */
  readonly properties?: dashboard.DynamicConfigValue[];
}

export interface TableOptions extends PanelOptions {
  readonly labels: readonly LabelColumn[];
  readonly columns: readonly Column[];
  /** The rows with the greatest values of this column come first. */
  readonly sortedBy: string;
}

/** A table of labels and numbers. */
export function rows(options: TableOptions): Panel {
  const { labels, columns, sortedBy } = options;
  const panel = new table.PanelBuilder()
    .targets(
      columns.map(({ expression }, index) =>
        promQuery({ expression, legend: '' }, index).instant().format(PromQueryFormat.Table),
      ),
    )
    .transformations([{ id: 'merge', options: {} }, organized(options)])
    .sortBy([new common.TableSortByFieldStateBuilder().displayName(sortedBy).desc(true)])
    .cellHeight(common.TableCellHeight.Sm);
  for (const { title, properties } of labels) if (properties) panel.overrideByName(title, properties);
  for (const column of columns) panel.overrideByName(column.title, displayOf(column));
  return describe(panel, options).build();
}

/** Puts the columns into order and under their titles; `merge` calls them by the letter of their query. */
function organized({ labels, columns }: TableOptions): dashboard.DataTransformerConfig {
  const renamed = [
    ...labels.map(({ source, title }) => [label(source), title] as const),
    ...columns.map(({ title }, index) => [`Value #${letter(index)}`, title] as const),
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

function displayOf({ unit, width, bar, thresholds, meanings }: Column): dashboard.DynamicConfigValue[] {
  const properties: dashboard.DynamicConfigValue[] = [
    { id: 'unit', value: unit },
    { id: 'custom.align', value: 'right' },
    { id: 'custom.width', value: width ?? (bar === undefined ? 95 : 190) },
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
      coloredText,
    );
  }
  if (meanings) properties.push(...meant(meanings));
  return properties;
}

const coloredText: dashboard.DynamicConfigValue = {
  id: 'custom.cellOptions',
  value: { type: common.TableCellDisplayMode.ColorText },
};

/** Overrides that write words in their colours. */
function meant(meanings: Meanings): dashboard.DynamicConfigValue[] {
  const options = Object.fromEntries(
    Object.entries(meanings).map(([value, meaning], index) => [value, { ...meaning, index }]),
  );
  return [{ id: 'mappings', value: [{ type: dashboard.MappingType.ValueToText, options }] }, coloredText];
}
