/**
 * Preloaded before everything else: a timer of 1 ms that tells, on descriptor 3, each turn of the event loop that was
 * held. `cpu`: milliseconds that this thread computed in it, which neighbours on the machine do not lengthen; `wall`:
 * milliseconds that it took, in which it may have waited. The program says `ownTurn()` where it holds the loop itself.
 */
import { writeSync } from 'node:fs';

const toldFrom = { cpu: 2, wall: 20 };
let own = false;
globalThis.ownTurn = () => {
  own = true;
};

function look() {
  const { user, system } = process.threadCpuUsage();
  return { wall: performance.now(), cpu: (user + system) / 1000 };
}

let last = look();
setInterval(() => {
  const now = look();
  const wall = now.wall - last.wall;
  // The system's account of a thread's time is coarser than its clock, and nobody computes for longer than it took.
  const turn = { at: performance.timeOrigin + last.wall, cpu: Math.min(now.cpu - last.cpu, wall), wall };
  if (!own && (turn.cpu > toldFrom.cpu || turn.wall > toldFrom.wall)) tell(turn);
  own = false;
  last = look();
}, 1).unref();

function tell(turn) {
  try {
    writeSync(3, `${JSON.stringify(turn)}\n`);
  } catch {
    // started without one
  }
}
