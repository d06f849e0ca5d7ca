/** The Node.js processes that submit the work, and what measuring costs them. */
import { lines, type Panel } from '../panels.ts';
import { by, chosen, legendOf, perSecond } from '../queries.ts';

const quarter = { width: 6, height: 8 } as const;
const third = { width: 8, height: 9 } as const;
const instance = legendOf('instance');

/** CPU, memory, event loop, what V8 collects, and the pool of threads that reads files for it. */
export function processes(): Panel[] {
  return [
    lines({
      ...quarter,
      title: 'CPU (cores)',
      description:
        'Cores in use by each process, user and system time together. A host at its limit submits kernels late: then ' +
        'devices idle although there is work.',
      unit: 'short',
      queries: [{ expression: `sum ${by('instance')} (${perSecond(chosen('process.cpu.time'))})`, legend: instance }],
    }),
    lines({
      ...quarter,
      title: 'Memory',
      description:
        'Physical memory of each process, and the most it ever had. A steady rise over hours is a leak: compare the ' +
        'two, and look at what the process keeps per request.',
      unit: 'bytes',
      queries: [
        { expression: `max ${by('instance')} (${chosen('process.memory.usage')})`, legend: instance },
        {
          expression: `max ${by('instance')} (${chosen('accelmeter.process.memory.peak')})`,
          legend: `${instance} peak`,
        },
      ],
    }),
    lines({
      ...quarter,
      title: 'Event loop delay',
      description:
        'How late the event loop was, in the worst of the processes: median, 99th percentile and longest since the last ' +
        'measurement. Long delays hold up launches and requests. Do: profile the main thread; move work to worker threads.',
      unit: 's',
      logarithmic: true,
      queries: [
        { expression: `max(${chosen('nodejs.eventloop.delay.p50')})`, legend: 'P50' },
        { expression: `max(${chosen('nodejs.eventloop.delay.p99')})`, legend: 'P99' },
        { expression: `max(${chosen('nodejs.eventloop.delay.max')})`, legend: 'longest' },
      ],
    }),
    lines({
      ...quarter,
      title: 'Event loop utilization',
      description:
        'Share of time in which the event loop ran something. Above 90 % while devices are idle, the loop starves them.',
      unit: 'percentunit',
      reach: 1,
      thresholds: [[0.9, 'orange']],
      queries: [{ expression: `max ${by('instance')} (${chosen('nodejs.eventloop.utilization')})`, legend: instance }],
    }),
    lines({
      ...quarter,
      title: 'Garbage collection',
      description:
        'Share of time that V8 collected garbage, by type, in the worst of the processes: nothing else runs meanwhile. ' +
        'Above 10 % major, the heap is close to its limit. Do: keep less per request; raise --max-old-space-size.',
      unit: 'percentunit',
      queries: [
        {
          expression: `max ${by('v8js.gc.type')} (${perSecond(chosen('v8js.gc.duration', 'sum'))})`,
          legend: legendOf('v8js.gc.type'),
        },
      ],
      empty: "told by the service's own instrumentation",
    }),
    lines({
      ...quarter,
      title: 'Memory of its limit',
      description:
        "V8's heap against its own limit, and the container's memory against the container's: at 100 % the process ends. " +
        'Above 90 % for long, raise the limit that is near, or keep less.',
      unit: 'percentunit',
      reach: 1,
      thresholds: [[0.9, 'orange']],
      queries: [
        {
          expression: greatestShare(chosen('accelmeter.process.heap.usage'), chosen('accelmeter.process.heap.limit')),
          legend: `${instance} heap`,
        },
        {
          expression: greatestShare(
            chosen('accelmeter.container.memory.usage'),
            chosen('accelmeter.container.memory.limit'),
          ),
          legend: `${instance} container`,
        },
      ],
    }),
    lines({
      ...quarter,
      title: 'Thread pool utilization',
      description:
        "Share of libuv's threads that have a task: files, DNS, crypto, zlib, addons. Above 80 %, with a wait beside it, " +
        'tasks queue for threads. DNS lookups get half of them. Do: raise UV_THREADPOOL_SIZE; make tasks shorter.',
      unit: 'percentunit',
      reach: 1,
      thresholds: [[0.8, 'orange']],
      queries: [
        { expression: `max ${by('instance')} (${chosen('accelmeter.threadpool.utilization')})`, legend: instance },
      ],
      empty: 'no task yet, or not Linux',
    }),
    lines({
      ...quarter,
      title: 'Thread pool wait',
      description:
        'How long a trivial task waited for a thread. Tens of microseconds are the hand-over; milliseconds are a queue: ' +
        'every file read and lookup of the service waits as long.',
      unit: 's',
      logarithmic: true,
      queries: [
        { expression: `max ${by('instance')} (${chosen('accelmeter.threadpool.queue.duration')})`, legend: instance },
      ],
      empty: 'no task yet',
    }),
  ];
}

/** The greatest share that a usage has of its limit, in each process. */
const greatestShare = (usage: string, limit: string) => `max ${by('instance')} (${usage} / ${limit})`;

/** What accelmeter itself takes, and what it missed. */
export function self(): Panel[] {
  return [
    lines({
      ...third,
      title: "accelmeter's own time",
      description:
        'Main-thread time that measuring takes, by stage, as a share of one core, averaged over the processes. The ' +
        'dashed line is its budget of 0.5 %. Serialise grows with series and scrapes, drain with kernels a second.',
      unit: 'percentunit',
      draw: 'stack',
      reach: 0.006,
      thresholds: [[0.005, 'orange']],
      queries: [
        {
          expression: `avg ${by('accelmeter.stage')} (${perSecond(chosen('accelmeter.self.time'))})`,
          legend: legendOf('accelmeter.stage'),
        },
      ],
    }),
    lines({
      ...third,
      title: 'Sampling time',
      description:
        'How long the last reading of each source took, in the slowest process. A source that gets slow is usually a ' +
        'driver that is about to hang.',
      unit: 's',
      logarithmic: true,
      queries: [
        {
          expression: `max ${by('accelmeter.source')} (${chosen('accelmeter.sample.duration')})`,
          legend: legendOf('accelmeter.source'),
        },
      ],
    }),
    lines({
      ...third,
      title: 'Records lost by source',
      description:
        'Kernels and copies a second that ran and were not measured: a buffer was full, or the driver did not tell of ' +
        'them. Zero is as it should be; anything else means that counts and rates above are too low.',
      unit: 'ops',
      reach: 1,
      queries: [
        {
          expression: `sum ${by('accelmeter.source')} (${perSecond(chosen('accelmeter.records.dropped'))})`,
          legend: legendOf('accelmeter.source'),
        },
      ],
      empty: 'no source with a buffer',
    }),
  ];
}
