/** Who listens on a TCP port: for the message when it is taken. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface PortOwner {
  readonly pid: number;
  readonly command: string;
}

/**
 * The process that listens on `port`, from /proc (see proc_pid_net(5)); `undefined` where the system does not tell:
 * not Linux, or a process of another user.
 */
export function findPortOwner(port: number): PortOwner | undefined {
  const sockets = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)));
  if (sockets.size === 0) return undefined;
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    const holds = list(`/proc/${pid}/fd`).some((descriptor) => sockets.has(link(`/proc/${pid}/fd/${descriptor}`)));
    if (holds) return { pid: Number(pid), command: text(`/proc/${pid}/comm`).trim() };
  }
  return undefined;
}

/** Columns of /proc/net/tcp: slot, local address:port in hexadecimal, remote, state (0A is LISTEN), … 10th: inode. */
function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return text(table)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(suffix) && state === '0A')
    .map((columns) => `socket:[${columns[9]}]`);
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // another user's, or gone meanwhile
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
