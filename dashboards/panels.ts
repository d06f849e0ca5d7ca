/**
 * Panels in one manner: every one has a description that says what it means and what to do, a unit, tooltips sorted by
 * value, and a legend that can be read. What a row needs beyond that, it says in its options.
 */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as stateTimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

/** A panel of the dashboard, built. */
export type Panel = dashboard.Panel;

/** The data source that the variable `datasource` chooses. */
export const source = { type: 'prometheus', uid: '$datasource' } as const;

/** Grafana's units that the dashboard uses. */
export type Unit = 's' | 'bytes' | 'Bps' | 'ops' | 'percentunit' | 'watt' | 'celsius' | 'hertz' | 'short';

/** From which value on which colour. */
export type Thresholds = readonly (readonly [from: number, color: 'dark-green' | 'yellow' | 'orange' | 'red'])[];

export interface Query {
  readonly expression: string;
  /** The series' name, with labels in double braces. */
  readonly legend: string;
}

/** A query whose series are not drawn like the others of their panel. */
export interface DrawnQuery extends Query {
  /** A limit of the others: dashed, with nothing below it. */
  readonly limit?: boolean;
  /** Of another unit, with an axis of its own on the right. */
  readonly right?: Unit;
}

/** What every panel says of itself. */
export interface PanelOptions {
  readonly title: string;
  /** What it shows, when it is bad, and what to do then. */
  readonly description: string;
  /** Of 24 columns. */
  readonly width: number;
  /** In units of the grid, about 38 pixels each. */
  readonly height: number;
  readonly unit: Unit;
  /** What is written where there is no data: why that can be. By default that nothing reports. */
  readonly empty?: string;
}

export interface StatOptions extends PanelOptions {
  readonly query: Query;
  readonly thresholds?: Thresholds;
  /** Also writes the legend, where the value is one of several and its name matters. */
  readonly named?: boolean;
  /** Draws how it went behind the number. */
  readonly curve?: boolean;
}

/**
 * One number, as of now. With thresholds its background judges it: green from 0 on, and orange where nothing is known,
 * because silence is not health. Without thresholds it has a colour that says nothing.
 */
export function number(options: StatOptions): Panel {
  const { query, thresholds, named = false, curve = false } = options;
  const judged = thresholds ? thresholdSteps([[0, 'dark-green'], ...thresholds], 'orange') : thresholdSteps([], 'blue');
  const panel = new stat.PanelBuilder()
    .withTarget(curve ? promQuery(query).range() : promQuery(query).instant())
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
    .graphMode(curve ? common.BigValueGraphMode.Area : common.BigValueGraphMode.None)
    .colorMode(thresholds ? common.BigValueColorMode.Background : common.BigValueColorMode.Value)
    .textMode(named ? common.BigValueTextMode.ValueAndName : common.BigValueTextMode.Value)
    .thresholds(judged)
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds));
  return describe(panel, options).build();
}

export interface LinesOptions extends PanelOptions {
  readonly queries: readonly DrawnQuery[];
  /** Areas on top of each other, where the sum means something; else lines. `bars` are for rare events. */
  readonly draw?: 'lines' | 'stack' | 'bars';
  /** Decades instead of a linear axis, where values differ by orders of magnitude. */
  readonly logarithmic?: boolean;
  /** The axis reaches at least so far, so that small changes of small values do not look like mountains. */
  readonly reach?: number;
  /** Drawn as dashed lines. */
  readonly thresholds?: Thresholds;
}

/** Series over time. The legend is a table of last and greatest values, largest first. */
export function lines(options: LinesOptions): Panel {
  const { queries, draw = 'lines', logarithmic = false, reach, thresholds } = options;
  const panel = new timeseries.PanelBuilder()
    .targets(queries.map((query, index) => promQuery(query, index).range()))
    .drawStyle(draw === 'bars' ? common.GraphDrawStyle.Bars : common.GraphDrawStyle.Line)
    .lineWidth(draw === 'lines' ? 2 : 1)
    .fillOpacity({ lines: 6, stack: 45, bars: 80 }[draw])
    .showPoints(common.VisibilityMode.Auto)
    .pointSize(4)
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.PaletteClassic))
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.Table)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max'])
        .sortBy('Last *')
        .sortDesc(true),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    );
  if (draw !== 'lines') panel.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal));
  if (logarithmic) {
    panel.scaleDistribution(new common.ScaleDistributionConfigBuilder().type(common.ScaleDistribution.Log).log(10));
  } else {
    panel.min(0);
  }
  if (reach !== undefined) panel.axisSoftMax(reach);
  if (thresholds) {
    panel.thresholds(thresholdSteps(thresholds, 'transparent'));
    panel.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed));
  }
  queries.forEach((query, index) => {
    const properties = drawnApart(query);
    if (properties.length > 0) panel.overrideByQuery(letter(index), properties);
  });
  return describe(panel, options).build();
}

function drawnApart({ limit = false, right }: DrawnQuery): dashboard.DynamicConfigValue[] {
  const properties: dashboard.DynamicConfigValue[] = [];
  if (limit) {
    properties.push(
      { id: 'custom.lineStyle', value: { fill: 'dash', dash: [8, 6] } },
      { id: 'custom.lineWidth', value: 1 },
      { id: 'custom.fillOpacity', value: 0 },
    );
  }
  if (right !== undefined) {
    properties.push(
      { id: 'unit', value: right },
      { id: 'custom.axisPlacement', value: common.AxisPlacement.Right },
      { id: 'custom.lineWidth', value: 1 },
      { id: 'custom.fillOpacity', value: 0 },
    );
  }
  return properties;
}

/** States over time, one row a series: 1 is up, 0 is down. */
export function upOrDown(options: PanelOptions & { readonly query: Query }): Panel {
  const panel = new stateTimeline.PanelBuilder()
    .withTarget(promQuery(options.query).range())
    .mappings([
      {
        type: dashboard.MappingType.ValueToText,
        options: { '0': { text: 'down', color: 'red', index: 0 }, '1': { text: 'up', color: 'green', index: 1 } },
      },
    ])
    .thresholds(thresholdSteps([], 'green'))
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds))
    .showValue(common.VisibilityMode.Auto)
    .mergeValues(true)
    .rowHeight(0.8)
    .fillOpacity(75)
    .lineWidth(0)
    .legend(
      new common.VizLegendOptionsBuilder()
        .showLegend(false)
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom),
    )
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Single));
  return describe(panel, options).build();
}

/** The letter of a panel's query, by which overrides and transformations know it. */
export const letter = (index: number): string => String.fromCharCode(65 + index);

/** A query that a panel asks, with its letter. */
export function promQuery({ expression, legend }: Query, index = 0): DataqueryBuilder {
  return new DataqueryBuilder()
    .refId(letter(index))
    .datasource(source)
    .expr(expression)
    .legendFormat(legend)
    .format(PromQueryFormat.TimeSeries);
}

/** Steps from a base colour upwards. */
export function thresholdSteps(thresholds: Thresholds, base: string): Builder<dashboard.ThresholdsConfig> {
  const steps = thresholds.map(([value, color]) => ({ value, color }));
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps([{ value: null, color: base }, ...steps]);
}

/** What all panel builders of the SDK have, though they share no type. */
interface Describable<B> {
  title(title: string): B;
  description(description: string): B;
  datasource(source: { type: string; uid: string }): B;
  span(width: number): B;
  height(height: number): B;
  unit(unit: string): B;
  noValue(text: string): B;
}

/** Gives a panel what every panel has. */
export function describe<B extends Describable<B>>(panel: B, options: PanelOptions): B {
  const { title, description, width, height, unit, empty = 'nothing reports' } = options;
  return panel
    .title(title)
    .description(description)
    .datasource(source)
    .span(width)
    .height(height)
    .unit(unit)
    .noValue(empty);
}
