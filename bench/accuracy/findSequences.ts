// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { DEMO, isPresent, MH01, MH05, TARTANAIR } from '../recordings.ts';
import { openSequence } from './openSequence.ts';
import type { Sequence } from './Sequence.ts';
import { writeTartanFolder } from './tartanSequence.ts';

/** MH_05 is hard at its beginning for some systems, so that one start proves little. */
const MH05_STARTS = [0, 3, 11, 20, 30, 40, 60];
const BOTH_STRIDES = [1, 2];
/** Folders below the given one in which rendered sequences are looked for. */
const RENDERED_DEPTH = 3;

export interface SequenceSearch {
  /** Folder that holds rendered sequences. */
  rendered: string;
  /** Rendered sequences also at stride 2. */
  full: boolean;
}

/** Gives all sequences that are present to `use`; those that are absent are said loudly. Converted ones are removed afterwards. */
export async function withSequences<T>(
  search: SequenceSearch,
  use: (sequences: readonly Sequence[]) => Promise<T>,
): Promise<T> {
  const temporary = await mkdtemp(join(tmpdir(), 'qpvo-sequences-'));
  try {
    return await use([
      ...(await recordings(temporary)),
      ...(await renderedSequences(search)),
      ...(isPresent(DEMO) ? [await openSequence({ kind: 'demo', ...DEMO, starts: [0], strides: [1] })] : []),
    ]);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function recordings(temporary: string): Promise<Sequence[]> {
  const found: Sequence[] = [];
  if (isPresent(MH05)) {
    found.push(await openSequence({ kind: 'mh05', ...MH05, starts: MH05_STARTS, strides: BOTH_STRIDES }));
  }
  if (isPresent(MH01)) found.push(await openSequence({ kind: 'mh01', ...MH01, starts: [0], strides: BOTH_STRIDES }));
  if (isPresent(TARTANAIR)) {
    const path = join(temporary, TARTANAIR.name);
    await writeTartanFolder(path, TARTANAIR.path);
    const { name } = TARTANAIR;
    found.push(await openSequence({ kind: 'tartanair', name, path, starts: [0], strides: BOTH_STRIDES }));
  }
  return found;
}

async function renderedSequences({ rendered, full }: SequenceSearch): Promise<Sequence[]> {
  const folders = await findAslFolders(rendered, RENDERED_DEPTH);
  if (folders.length === 0) {
    console.log(
      `*** SKIPPED: no rendered sequences under ${rendered} (make them in training/ with python -m qpvo_train render --what sequences, or name a folder with --rendered). ***`,
    );
  }
  const strides = full ? BOTH_STRIDES : [1];
  return Promise.all(
    folders.map((path) => {
      const name = `rendered/${relative(rendered, path).split(sep).join('/')}`;
      return openSequence({ kind: 'rendered', name, path, starts: [0], strides });
    }),
  );
}

/** Folders with mav0/cam0 in them, in the order of their names. Names with a dot are those of folders that are being written. */
export async function findAslFolders(folder: string, depth: number): Promise<string[]> {
  if (depth === 0 || !existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name);
  const found = await Promise.all(
    names.sort().map(async (name) => {
      const path = join(folder, name);
      return existsSync(join(path, 'mav0', 'cam0')) ? [path] : findAslFolders(path, depth - 1);
    }),
  );
  return found.flat();
}
