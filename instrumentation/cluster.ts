/**
 * A cluster is one service on one port, so one of its processes is scraped: the primary, which asks its workers what
 * they measured and tells it together with its own. Workers never listen.
 *
 * The messages go over the IPC channel that a cluster has. Node.js gives those whose `cmd` begins with `NODE_` to
 * `internalMessage` and never to a program's own `message` listeners; its own listeners pass over a `cmd` that they
 * do not know. At most one question and one answer are under way a worker.
 */
import type { ChildProcess } from 'node:child_process';
import type { Cluster, Worker } from 'node:cluster';
import { createMerger, type OtherProcesses, type Share, type SharedPoint, shareOf } from '../src/cluster/merge.ts';
import { collectPoints } from '../src/points.ts';
import type { ProfilerState } from '../src/profiler.ts';
import { version } from '../src/version.ts';

const cmd = 'NODE_ACCELMETER';
/** A worker whose event loop does not turn is told as it was before. */
const deadlineMillis = 500;

interface Question {
  readonly cmd: typeof cmd;
  readonly version: string;
}
interface Answer extends Question {
  readonly points: readonly SharedPoint[];
  /** From now on the worker's metrics go somewhere else. */
  readonly last: boolean;
}

/** Anything can come over the channel: messages of Node.js itself, and of another version of ours. */
function isOurs(message: unknown): message is Question {
  return (
    typeof message === 'object' &&
    message !== null &&
    'cmd' in message &&
    message.cmd === cmd &&
    'version' in message &&
    message.version === version
  );
}

interface Member {
  readonly worker: Worker;
  share: Share | undefined;
  /** Settles with the answer to the question that is under way. */
  asked: { readonly answered: Promise<void>; readonly settle: () => void } | undefined;
}

/** Follows the workers of a cluster. Before the first of them the points are those of this process as they are. */
export function gatherWorkers(cluster: Cluster, tickSeconds: number): OtherProcesses {
  const merger = createMerger(process.pid);
  const members = new Map<number, Member>();
  let clustered = false;

  function follow(worker: Worker): void {
    if (members.has(worker.id)) return;
    clustered = true;
    const member: Member = { worker, share: undefined, asked: undefined };
    members.set(worker.id, member);
    worker.process.on('internalMessage', (message: unknown) => {
      if (!isOurs(message) || !('points' in message)) return;
      const { points, last } = message as Answer;
      member.share = { pid: worker.process.pid ?? 0, points };
      member.asked?.settle();
      member.asked = undefined;
      if (last) leave(member);
    });
    worker.process.once('exit', () => {
      members.delete(worker.id);
      leave(member);
    });
  }

  /** What it added to sums stays, so that they do not fall. */
  function leave(member: Member): void {
    member.asked?.settle();
    if (member.share) merger.keep(member.share);
    member.share = undefined;
  }

  function ask(member: Member): Promise<void> {
    if (!member.worker.process.connected) return Promise.resolve();
    if (member.asked === undefined) {
      let settle = () => {};
      const answered = new Promise<void>((resolve) => {
        settle = resolve;
      });
      member.asked = { answered, settle };
      post(member.worker.process, { cmd, version });
    }
    // Who has never answered may run without us; its first answer is waited for by nobody.
    return member.share === undefined ? Promise.resolve() : member.asked.answered;
  }

  for (const worker of Object.values(cluster.workers ?? {})) if (worker) follow(worker);
  cluster.on('fork', follow);
  // What a worker did since it was last asked is lost when it dies: so it is asked also when nobody scrapes.
  setInterval(() => {
    for (const member of members.values()) void ask(member);
  }, tickSeconds * 1000).unref();
  for (const member of members.values()) void ask(member);

  return {
    async update() {
      const answers = Promise.all(Array.from(members.values(), ask));
      if (members.size > 0) await Promise.race([answers, pause(deadlineMillis)]);
    },
    merge(own) {
      if (!clustered) return [...own];
      const shares = Array.from(members.values(), ({ share }) => share);
      return merger.merge(
        own,
        shares.filter((share) => share !== undefined),
      );
    },
  };
}

/**
 * Answers the primary of a cluster, in one of its workers. `unheard` is called once if nobody asks within `seconds`.
 * Returns what ends it, with a last answer.
 */
export function answerPrimary(state: ProfilerState, seconds: number, unheard: () => void): () => Promise<void> {
  let sending: Promise<void> | undefined;

  /** While one answer is under way there is no second: a primary that does not read piles up nothing. */
  async function answer(last: boolean): Promise<void> {
    await state.refresh();
    const { points } = shareOf(process.pid, collectPoints(state));
    await new Promise<void>((resolve) => post(process, { cmd, version, points, last }, () => resolve()));
  }
  function answerOnce(): void {
    sending ??= answer(false).finally(() => {
      sending = undefined;
    });
  }
  const patience = setTimeout(unheard, seconds * 1000).unref();
  const heard = (message: unknown) => {
    if (!isOurs(message)) return;
    clearTimeout(patience);
    answerOnce();
  };
  process.on('internalMessage', heard);
  answerOnce(); // By this the primary knows that this worker answers.

  return async () => {
    clearTimeout(patience);
    process.off('internalMessage', heard);
    await sending;
    await answer(true);
  };
}

type Channel = Pick<ChildProcess, 'send' | 'connected'>;

/** Sends, or not: a channel that closes meanwhile is no fault of the program's. */
function post(to: NodeJS.Process | ChildProcess, message: Question | Answer, sent: () => void = () => {}): void {
  const channel = to as Channel;
  try {
    if (channel.connected) channel.send?.(message, undefined, {}, sent);
    else sent();
  } catch {
    sent();
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
}
