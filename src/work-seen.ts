/**
 * Whether what a device does is seen at all. Where the source that tells of its kernels is down, an idle device is none
 * that was seen idle; what the program itself recorded was seen.
 */
import type { BackendName, SourceState } from './backend.ts';

/**
 * `executions`: how many were seen, failed ones included. `sources`: those of the device's backend. Metal's work is what
 * the program shows of it.
 */
export function isWorkSeen(backend: BackendName, executions: number, sources: readonly SourceState[]): boolean {
  return executions > 0 || (backend !== 'metal' && blindSources(sources).length === 0);
}

/** Why nothing can be seen, and what mends it, in a sentence; `undefined` where it could be. */
export function whyWorkIsUnseen(executions: number, sources: readonly SourceState[]): string | undefined {
  const blind = blindSources(sources);
  if (executions > 0 || blind.length === 0) return undefined;
  const reasons = blind.map(({ detail, remedy }) => [detail, remedy].filter(Boolean).join('; '));
  return `${reasons.map(capital).join('. ')}.`;
}

const blindSources = (sources: readonly SourceState[]) => sources.filter(({ ofKernels, up }) => ofKernels && !up);
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
