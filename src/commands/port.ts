/** Where a command listens, and a port that is taken: said so that its reader knows what to do. */
import { createServer } from 'node:net';
import { CommandError } from './failure.ts';
import { findPortOwner } from './port-owner.ts';

/** Where a command that listens does so. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** As Prometheus' own programs call it. */
  readonly 'web.config.file'?: string;
}

/** The sentence for a port that is taken: by whom, where the system tells. */
export function busyPortMessage(port: number): string {
  const owner = findPortOwner(port);
  const by = owner ? ` by ${owner.command} (pid ${owner.pid})` : '';
  return `port ${port} is taken${by}; --port sets another`;
}

/** Whether the port can be listened on now. Throws a CommandError where the address itself is no good. */
export async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, host === 'localhost' ? '127.0.0.1' : host, resolve);
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw asCommandError(error, port);
  } finally {
    server.close();
  }
}

/** Throws a CommandError where the port is taken. */
export async function refuseBusyPort({ host, port }: ListenOptions): Promise<void> {
  if (!(await isFree(host, port))) throw new CommandError(busyPortMessage(port));
}

/** A failure to listen as a CommandError. */
export function asCommandError(error: unknown, port: number): CommandError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new CommandError(code === 'EADDRINUSE' ? busyPortMessage(port) : message);
}
