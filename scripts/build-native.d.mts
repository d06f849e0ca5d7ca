/** For TypeScript; the descriptions stand in build-native.mjs. */
export const compilerFlags: readonly string[];

export interface Built {
  readonly name: string;
  readonly outcome: 'built' | 'current' | 'skipped' | 'failed';
  readonly file?: string;
  readonly reason?: string;
}

export function buildNative(options: {
  root: string;
  outDir?: string;
  compiler?: string;
  force?: boolean;
}): Promise<Built[]>;
