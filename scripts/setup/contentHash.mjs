// SPDX-License-Identifier: MIT
// What was built is compared with what it was built from by content, because a fresh checkout changes times and not contents.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './root.mjs';

/** Files under `path` (a file or a folder, relative to the project), sorted; none when it does not exist. */
function filesUnder(path) {
  const full = join(ROOT, path);
  if (!existsSync(full)) return [];
  if (!statSync(full).isDirectory()) return [path];
  return readdirSync(full)
    .sort()
    .flatMap((name) => filesUnder(`${path}/${name}`));
}

/** SHA-256 over names and contents of all files under `paths`, and over `extra`. */
export function contentHash(paths, extra = '') {
  const hash = createHash('sha256').update(extra);
  for (const file of paths.flatMap(filesUnder)) {
    const bytes = readFileSync(join(ROOT, file));
    hash.update(`\n${file} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}

/** True when `stampPath` holds `hash` and `product` exists. */
export function isFresh(stampPath, hash, product) {
  const stamp = join(ROOT, stampPath);
  return existsSync(join(ROOT, product)) && existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === hash;
}

export function writeStamp(stampPath, hash) {
  const stamp = join(ROOT, stampPath);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, `${hash}\n`);
}
