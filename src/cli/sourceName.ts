// SPDX-License-Identifier: MIT
import { basename, dirname, parse, resolve } from 'node:path';

/** Short name of a source for titles and folders: "MH_05" for .../MH_05, .../MH_05/mav0/cam0 and .../MH_05.bag */
export function sourceName(path: string): string {
  let full = resolve(path);
  while (/^(mav0|cam\d+)$/.test(basename(full))) full = dirname(full);
  return parse(full).name || 'recording';
}
