/** What stands in the lines for `prometheus.yml` on the landing page. */

/** Host and port as the reader of the page reached it; an odd `Host` is not repeated. */
export function targetOf(host: string | undefined, localPort: number | undefined): string {
  return host !== undefined && /^[a-zA-Z0-9.:[\]-]+$/.test(host) ? host : `127.0.0.1:${localPort}`;
}
