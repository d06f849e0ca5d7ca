/** The lines of a family, put together by series. */

/** One line: what it is called after the name of its family, its bound where it has one, and its value. */
export interface Sample {
  readonly part: string;
  readonly bound: unknown;
  /** NaN where the registry gave no number. */
  readonly value: number;
}

export interface Group {
  /** The same for the same labels. */
  readonly key: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: Sample[];
}

type Labels = Readonly<Record<string, unknown>>;

/**
 * `boundLabel` tells the lines of one series apart (`le`, `quantile`), and is none of its labels. Prometheus has text
 * for labels, so numbers become text, and what is not there is left out.
 */
export function groupSamples(values: readonly unknown[], family: string, boundLabel?: string): Group[] {
  const groups = new Map<string, Group>();
  // The lines of a histogram's series share one object of labels; their key is made once.
  const shares = new Map<object, { readonly own: Labels; readonly group: Group }>();

  for (const given of values) {
    const { metricName, labels, sharedLabels, value } = Object(given) as Readonly<Record<string, unknown>>;
    const own = Object(labels) as Labels;
    const shared = typeof sharedLabels === 'object' && sharedLabels !== null ? sharedLabels : undefined;
    const share = shared && shares.get(shared);
    let group = share !== undefined && sameBut(boundLabel, share.own, own) ? share.group : undefined;
    if (group === undefined) {
      const all = plainLabels({ ...own, ...shared }, boundLabel);
      const key = JSON.stringify(all);
      group = groups.get(key) ?? { key, labels: Object.fromEntries(all), samples: [] };
      groups.set(key, group);
      if (shared !== undefined) shares.set(shared, { own, group });
    }
    group.samples.push({
      part: typeof metricName === 'string' && metricName.startsWith(family) ? metricName.slice(family.length) : '',
      bound: boundLabel === undefined ? undefined : own[boundLabel],
      value: typeof value === 'number' ? value : Number.NaN,
    });
  }
  return [...groups.values()];
}

/** Whether two lines have the same labels, but for the one that tells them apart. */
function sameBut(boundLabel: string | undefined, a: Labels, b: Labels): boolean {
  for (const name in a) if (name !== boundLabel && a[name] !== b[name]) return false;
  for (const name in b) if (name !== boundLabel && !(name in a)) return false;
  return true;
}

function plainLabels(labels: Labels, without: string | undefined): [string, string][] {
  return Object.entries(labels)
    .filter(([name, value]) => name !== without && value !== undefined && value !== null)
    .map(([name, value]): [string, string] => [name, String(value)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
