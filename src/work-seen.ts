/**
 * Whether what a device does is seen at all. Where the source that tells of its kernels is down, an idle device is none
 * that was seen idle; what the program itself recorded was seen.
 */
import type { SourceState } from './backend.ts';

/** `executions`: how many were seen, failed ones included. `sources`: those of the device's backend. */
export function isWorkSeen(executions: number, sources: readonly SourceState[]): boolean {
  return executions > 0 || blindSources(sources).length === 0;
}

/** Why not, and what mends it, in a sentence; `undefined` where it is seen. */
export function whyWorkIsUnseen(executions: number, sources: readonly SourceState[]): string | undefined {
  if (isWorkSeen(executions, sources)) return undefined;
  const reasons = blindSources(sources).map(({ detail, remedy }) => [detail, remedy].filter(Boolean).join('; '));
  return `${reasons.map(capital).join('. ')}.`;
}

const blindSources = (sources: readonly SourceState[]) => sources.filter(({ ofKernels, up }) => ofKernels && !up);
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
