/**
 * OpenTelemetry's packages are the service's own, as peer dependencies; some package managers leave them out.
 */

/** Which of them an import failed for, with the command that adds it; `undefined` where it failed for another reason. */
export function missingPeer(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const name = /^Cannot find package '(@opentelemetry\/[\w-]+)'/.exec(error.message)?.[1];
  return name === undefined ? undefined : `${name} is missing, npm install ${name} adds it`;
}
