/** The overview: what a person looks at first when something is slow. From what is wrong, down to what it costs. */
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { type Panel, source } from '../panels.ts';
import { by, chosenBy, type FilterName, filters } from '../queries.ts';
import { label, series } from '../series.ts';
import { devices } from './devices.ts';
import { gpus } from './gpus.ts';
import { kernels } from './kernels.ts';
import { now } from './now.ts';
import { processes, self } from './process.ts';
import { slowestKernels } from './slowest.ts';
import { transfers } from './transfers.ts';

/**
 * Builds the dashboard in Grafana's classic model: that of version 2 cannot be read by the Grafanas before 12 that
 * most services still have.
 */
export function overview(): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder('accelmeter / Overview')
    .uid('accelmeter-overview')
    .description('What the GPUs and CPUs of Node.js services really do: kernels, copies, devices, processes.')
    .tags(['accelmeter', 'gpu', 'nodejs'])
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .withVariable(new dashboard.DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'));
  for (const variable of variables()) builder.withVariable(variable);
  let id = 1;
  const add = (panel: Panel) => builder.withPanel({ build: () => ({ ...panel, id: id++ }) });
  const row = (title: string, panels: readonly Panel[]) => {
    builder.withRow(new dashboard.RowBuilder(title).id(id++));
    panels.forEach(add);
  };
  now().forEach(add);
  devices().forEach(add);
  row('Kernels', [slowestKernels(), ...kernels()]);
  row('Transfers', transfers());
  row('GPUs', gpus());
  row('Processes', processes());
  row('accelmeter itself', self());
  return builder.build();
}

/** Each is narrowed by those before it, has several choices, and stands at All. */
function variables(): dashboard.QueryVariableBuilder[] {
  const builds = series('accelmeter.build.info');
  const identities = series('accelmeter.device.info');
  const executions = series('accelmeter.kernel.duration', 'count');
  const devices = chosenBy(['job', 'instance', 'backend'], identities);
  return [
    // All jobs are spelt out: with ".*" the process panels would show services that have no accelmeter.
    valuesOf('job', 'Job', builds),
    valuesOf('instance', 'Instance', chosenBy(['job'], builds)).allValue('.*'),
    valuesOf('backend', 'Backend', chosenBy(['job', 'instance'], identities)).allValue('.*'),
    // The id is what series carry, the name is what people know.
    choice('device', 'Device', `query_result(max ${by('hw.id', 'hw.name')} (${devices}))`)
      .regex(`/${label('hw.id')}="(?<value>[^"]+)".*${label('hw.name')}="(?<text>[^"]+)"/`)
      .allValue('.*'),
    valuesOf('kernel', 'Kernel', chosenBy(['job', 'instance', 'backend', 'device'], executions)).allValue('.*'),
  ];
}

function valuesOf(name: FilterName, title: string, selector: string): dashboard.QueryVariableBuilder {
  return choice(name, title, `label_values(${selector}, ${label(filters[name])})`);
}

function choice(name: FilterName, title: string, query: string): dashboard.QueryVariableBuilder {
  return new dashboard.QueryVariableBuilder(name)
    .label(title)
    .datasource(source)
    .query({ query, refId: name })
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}
