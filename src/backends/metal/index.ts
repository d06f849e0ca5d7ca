/** Metal: Apple's GPUs. */
import type { Backend } from '../../backend.ts';
import { ProbeError } from '../../errors.ts';

export const metal: Backend = {
  name: 'metal',
  open() {
    throw new ProbeError('absent', 'Metal is not read on this platform');
  },
};
