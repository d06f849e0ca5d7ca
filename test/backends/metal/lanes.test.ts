import { describe, expect, it } from 'vitest';
import { type Lane, Lanes } from '../../../src/backends/metal/lanes.ts';

describe('the lanes of a kernel', () => {
  const open = () => {
    const released: bigint[] = [];
    const lanes = new Lanes((samples) => void released.push(samples));
    const takeNow = (): Lane => {
      const lane = lanes.take();
      if (lane instanceof Promise) throw new Error('no lane is free');
      return lane;
    };
    return { lanes, released, takeNow };
  };

  it('are four, and who comes fifth gets the first that is given back', async () => {
    const { lanes, takeNow } = open();
    const [first, second] = [takeNow(), takeNow(), takeNow(), takeNow()];
    const [fifth, sixth] = [lanes.take(), lanes.take()];
    expect(fifth).toBeInstanceOf(Promise);
    if (second) lanes.give(second);
    if (first) lanes.give(first);
    expect([await fifth, await sixth]).toEqual([second, first]);
  });

  it('keep their samples from one run to the next, until they are closed', () => {
    const { lanes, released, takeNow } = open();
    const [kept, used] = [takeNow(), takeNow()];
    kept.samples = 1n;
    lanes.give(kept);
    expect(takeNow().samples).toBe(1n);
    lanes.give(kept);
    used.samples = 2n;
    lanes.close();
    expect(released).toEqual([1n]);
    lanes.give(used);
    expect(released).toEqual([1n, 2n]);
  });

  it('of which the run never ends are not used again; with none left, who waits and who comes is told', async () => {
    const { lanes, released, takeNow } = open();
    const all = [takeNow(), takeNow(), takeNow(), takeNow()];
    const waiting = lanes.take();
    for (const [i, lane] of all.entries()) {
      lane.samples = BigInt(i);
      lane.isBusy = true;
      lanes.give(lane);
    }
    expect(released).toEqual([0n, 1n, 2n, 3n]);
    await expect(waiting).rejects.toMatchObject({ kind: 'stuck' });
    await expect(lanes.take()).rejects.toMatchObject({ kind: 'stuck' });
  });
});
