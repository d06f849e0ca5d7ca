/** Every rule, the gravest first. A new rule is a file beside this one and a line in this list. */
import type { Rule } from '../rule.ts';
import { failingOperations } from './failing-operations.ts';
import { highVariance } from './high-variance.ts';
import { launchBound } from './launch-bound.ts';
import { transferBound } from './transfer-bound.ts';

export const allRules: readonly Rule[] = [failingOperations, transferBound, launchBound, highVariance];
