/**
 * Who is connected, and for how long. There is room for a fixed number. Where it is full the one that is of least use
 * goes for one that comes: so somebody who opens connections and says nothing, or reads nothing, keeps nobody out.
 */
import type { Socket } from 'node:net';

export interface Connections {
  /** Takes a connection in, or closes it: then false. */
  admit(socket: Socket): boolean;
  /** A request on it begins, of which the answer must be taken within so many milliseconds. False: one is under way. */
  began(socket: Socket, millis: number): boolean;
  /** Its answer is over. `served`: it was one to somebody who may have it. */
  ended(socket: Socket, served: boolean): void;
  /** Closes who is connected now: at once, or when the answer is over that is under way. */
  dismiss(): void;
  closeAll(): void;
}

interface Connection {
  readonly socket: Socket;
  readonly key: string;
  /** Since when it is in its state, as the time of `performance.now()`. */
  since: number;
  busy: boolean;
  /** It has been served before. */
  known: boolean;
  /** It is closed when its answer is over. */
  dismissed: boolean;
  deadline: NodeJS.Timeout | undefined;
}

/** Prometheus has one for each server that scrapes: two hundred of them have room. Each takes a file of the process. */
const room = 256;
/** For the handshake and the first request. */
const firstRequestMillis = 10_000;
/** For each further one: longer than a scrape interval, so that a connection serves many scrapes. */
const nextRequestMillis = 75_000;
/** An answer that takes as long as this is not being read. */
const stuckMillis = 10_000;

export function createConnections(): Connections {
  const all = new Map<string, Connection>();

  /** True where there is room, or was made. */
  function makeRoom(): boolean {
    if (all.size < room) return true;
    const now = performance.now();
    const useless = [...all.values()]
      .filter(({ busy, since }) => !busy || now - since > stuckMillis)
      .sort((a, b) => rank(a) - rank(b) || a.since - b.since)[0];
    if (useless !== undefined) close(useless);
    return useless !== undefined;
  }

  function enter(connection: Connection, busy: boolean, millis: number): void {
    clearTimeout(connection.deadline);
    connection.busy = busy;
    connection.since = performance.now();
    connection.deadline = setTimeout(() => close(connection), millis).unref();
  }

  function close(connection: Connection): void {
    connection.socket.destroy();
    forget(connection);
  }

  function forget(connection: Connection): void {
    clearTimeout(connection.deadline);
    if (all.get(connection.key) === connection) all.delete(connection.key);
  }

  const find = (socket: Socket) => all.get(keyOf(socket) ?? '');

  return {
    admit(socket) {
      const key = keyOf(socket); // None: it has left already.
      if (key === undefined || !makeRoom()) {
        socket.destroy();
        return false;
      }
      const connection: Connection = {
        socket,
        key,
        since: 0,
        busy: false,
        known: false,
        dismissed: false,
        deadline: undefined,
      };
      all.set(key, connection);
      enter(connection, false, firstRequestMillis);
      socket.on('close', () => forget(connection));
      return true;
    },
    began(socket, millis) {
      const connection = find(socket);
      if (connection?.busy) return false;
      if (connection) enter(connection, true, millis);
      return true;
    },
    ended(socket, served) {
      const connection = find(socket);
      if (connection === undefined) return;
      connection.known ||= served;
      if (connection.dismissed) close(connection);
      else enter(connection, false, nextRequestMillis);
    },
    dismiss() {
      for (const connection of all.values()) {
        if (connection.busy) connection.dismissed = true;
        else close(connection);
      }
    },
    closeAll() {
      for (const connection of all.values()) close(connection);
    },
  };
}

/** Who goes first: who has never been served, then who asks nothing, then who does not read. */
function rank({ busy, known }: Connection): number {
  return busy ? 2 : known ? 1 : 0;
}

/** The other end. It is the same for a connection and for the TLS that is spoken over it. */
function keyOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remotePort === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}
