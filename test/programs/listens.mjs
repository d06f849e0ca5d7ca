/** A cluster that begins late, and whose worker listens on the port that it is given. */
import cluster from 'node:cluster';
import { createServer } from 'node:http';

if (cluster.isPrimary) {
  setTimeout(() => cluster.fork(), 1200);
} else {
  const server = createServer((_, response) => response.end('of a worker'));
  server.listen(Number(process.argv[2]), () => console.log('listening'));
}
