// SPDX-License-Identifier: MIT
import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { messageOf, QpvoError } from '../error.ts';
import { findAslCamera, openAslFolder } from './aslFolder.ts';
import type { BagReader } from './BagReader.ts';
import { openBagSource } from './BagSource.ts';
import { openDb3 } from './db3.ts';
import { findImages, openImageFolder } from './imageFolder.ts';
import { openMcap } from './mcap.ts';
import { openRosbag1 } from './rosbag1.ts';
import { openRosbag2Folder } from './rosbag2Folder.ts';
import type { Source, SourceOptions } from './Source.ts';

const KNOWN = 'an EuRoC / ASL folder, a folder of images, a ROS 2 bag (.mcap, .db3 or its folder) or a ROS 1 .bag';

const UNREACHABLE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG']);

/** Containers by their first bytes. */
const MAGICS: readonly { magic: string; open: (path: string) => Promise<BagReader> | BagReader }[] = [
  { magic: '\x89MCAP0\r\n', open: openMcap },
  { magic: '#ROSBAG V2.0\n', open: openRosbag1 },
  { magic: 'SQLite format 3\0', open: openDb3 },
];

/**
 * Opens a recorded sequence; what it is is told by its content, not by its name. A folder is an ASL folder when it holds mav0 or cam0 (or is one), a
 * ROS 2 bag when it holds metadata.yaml, .mcap or .db3 files, otherwise a folder of images.
 *
 * @param options `topic` chooses the image topic of a bag, or the camera (cam0, cam1, ...) of an ASL folder
 * @throws QpvoError QPVO_NOT_FOUND, QPVO_UNKNOWN_SOURCE, QPVO_SOURCE_EMPTY, QPVO_SOURCE_CORRUPT, QPVO_TOPIC, QPVO_ENCODING, QPVO_CALIBRATION
 */
export async function openSource(path: string, options: SourceOptions = {}): Promise<Source> {
  try {
    if ((await stat(path)).isDirectory()) return await openFolder(path, options);
    if (basename(path) === 'metadata.yaml') return await openFolder(dirname(path), options);
    return await openBagSource(await openBagFile(path), options);
  } catch (error) {
    throw readable(error, path);
  }
}

async function openFolder(path: string, options: SourceOptions): Promise<Source> {
  const names = await readdir(path);
  const camera = await findAslCamera(path, options.topic);
  if (camera !== undefined) return openAslFolder(camera, options);
  if (names.some((name) => name === 'metadata.yaml' || /\.(mcap|db3)$/.test(name))) {
    return openBagSource(await openRosbag2Folder(path, openBagFile), options);
  }
  const images = await findImages(path);
  if (images !== undefined) return openImageFolder(path, images, options);
  throw new QpvoError('QPVO_UNKNOWN_SOURCE', {
    what: `${path} is no recording that can be read`,
    expected: KNOWN,
    received:
      names.length === 0
        ? 'an empty folder'
        : `a folder with ${names.slice(0, 8).join(', ')}${names.length > 8 ? ', ...' : ''}`,
    advice: bagAdvice(path, names),
  });
}

async function openBagFile(path: string): Promise<BagReader> {
  const head = await firstBytes(path, 16);
  const container = MAGICS.find(({ magic }) => head.startsWith(magic));
  if (container !== undefined) return container.open(path);
  throw new QpvoError('QPVO_UNKNOWN_SOURCE', {
    what: `${path} is no recording that can be read`,
    expected: KNOWN,
    received: describeHead(head, path),
    advice: head.startsWith('#ROSBAG V1')
      ? 'Run `rosbag fix` on it first.'
      : 'Files are told by their first bytes, not by their names.',
  });
}

async function firstBytes(path: string, count: number): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(count), 0, count, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function describeHead(head: string, path: string): string {
  if (head === '') return 'an empty file';
  if (head.startsWith('\x28\xb5\x2f\xfd')) return 'a file packed with zstd: unpack it first (`zstd -d`)';
  const hex = Buffer.from(head, 'latin1')
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1 ');
  return `a ${extname(path) || 'nameless'} file that begins with ${hex}`;
}

/** Several ROS 1 bags may share a folder; which one is meant is for the user to say. */
function bagAdvice(path: string, names: readonly string[]): string {
  const bags = names.filter((name) => name.endsWith('.bag'));
  return bags.length === 0 ? '' : `Give the bag itself, such as ${join(path, bags[0]!)}.`;
}

/** Errors of the file system, in the words of this program. */
function readable(error: unknown, path: string): unknown {
  const { code, path: failed = path } = error as NodeJS.ErrnoException;
  if (error instanceof QpvoError || code === undefined) return error;
  return new QpvoError(UNREACHABLE.has(code) ? 'QPVO_NOT_FOUND' : 'QPVO_SOURCE_CORRUPT', {
    what: `cannot read ${failed}`,
    expected: KNOWN,
    received: code === 'ENOENT' ? 'no such file or folder' : messageOf(error),
    advice: code === 'EACCES' || code === 'EPERM' ? 'Check the permissions.' : 'Check the path.',
    cause: error,
  });
}
