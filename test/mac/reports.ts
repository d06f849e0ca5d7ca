/** What macOS' own tools say of its GPUs: `ioreg` and `system_profiler`, as `npm run test:metal` compares with. */

/** A service of the class IOAccelerator, as `ioreg -r -d 1 -w 0 -c IOAccelerator` prints it. */
export interface Accelerator {
  readonly className: string;
  readonly registryId: string;
  /** Numbers only, by key; empty where it has none. */
  readonly statistics: Readonly<Record<string, number>>;
}

export function acceleratorsIn(ioreg: string): Accelerator[] {
  const headings = [...ioreg.matchAll(/^[\s|]*\+-o .*<class (\w+), id (0x[0-9a-f]+)/gm)];
  return headings.map(({ 1: className = '', 2: id = '', index }, i) => ({
    className,
    registryId: id,
    statistics: statisticsIn(ioreg.slice(index, headings[i + 1]?.index)),
  }));
}

/** Keys hold spaces and signs, and one of them is the beginning of another. */
function statisticsIn(service: string): Record<string, number> {
  const dictionary = /"PerformanceStatistics" = \{([^}]*)\}/.exec(service)?.[1] ?? '';
  const pairs = [...dictionary.matchAll(/"([^"]+)"=(\d+)/g)];
  return Object.fromEntries(pairs.map(({ 1: key = '', 2: value }) => [key, Number(value)]));
}

/** The models of GPUs in `system_profiler SPDisplaysDataType -json`. */
export function gpuModelsIn(systemProfiler: string): string[] {
  const report: unknown = JSON.parse(systemProfiler);
  const cards = isRecord(report) && Array.isArray(report.SPDisplaysDataType) ? report.SPDisplaysDataType : [];
  return cards
    .filter(isRecord)
    .map((card) => card.sppci_model ?? card._name)
    .filter((name) => typeof name === 'string');
}

/** A GPU's name without what one tool writes and another does not: "Intel(R) UHD Graphics 630". */
export const plainName = (name: string) =>
  name
    .replace(/\((?:R|TM)\)|[®™]/gi, ' ')
    .replace(/\s+/g, ' ')
    .trim();

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
