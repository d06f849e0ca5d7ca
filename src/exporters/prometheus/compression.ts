/**
 * Pages in fewer bytes. It runs on libuv's threads: the event loop only hands the page over. The lowest levels: of a page
 * that nearly all repeats, higher ones save a few percent and take several times as long.
 */
import { promisify } from 'node:util';
import type { Encoding } from './negotiate.ts';

/** Below this a page costs one packet either way. */
const smallest = 1024;
const level = 1;
/** What zlib takes from and gives to its thread at once. */
const chunkSize = 256 * 1024;

/** The page in an encoding; as it is where it is so small that nothing would be won. */
export async function compress(
  page: Uint8Array,
  encoding: Exclude<Encoding, 'identity'>,
): Promise<{ readonly bytes: Uint8Array; readonly encoding: Encoding }> {
  if (page.length < smallest) return { bytes: Uint8Array.from(page), encoding: 'identity' };
  const { constants, gzip, zstdCompress } = await import('node:zlib');
  const bytes =
    encoding === 'gzip'
      ? await promisify(gzip)(page, { level, chunkSize })
      : await promisify(zstdCompress)(page, { params: { [constants.ZSTD_c_compressionLevel]: level }, chunkSize });
  return { bytes, encoding };
}
