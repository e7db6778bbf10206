// SPDX-License-Identifier: MIT
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { messageOf, QpvoError } from '../error.ts';
import type { BagMessage, BagReader, BagTopic } from './BagReader.ts';
import { mergeByName } from './bagTopics.ts';
import { naturalOrder } from './naturalOrder.ts';
import type { FrameFault } from './Source.ts';

interface BagMetadata {
  relative_file_paths?: string[];
  files?: { path: string }[];
  compression_mode?: string;
  compression_format?: string;
}

/**
 * Opens a rosbag2 folder: the files that metadata.yaml lists, in its order, or all .mcap and .db3 files where the recorder died before writing it.
 * A file that cannot be opened becomes a FrameFault in its place.
 *
 * @param openFile opens one of its files
 * @throws QpvoError when none can be opened, or the recording is compressed as a whole
 */
export async function openRosbag2Folder(
  folder: string,
  openFile: (path: string) => Promise<BagReader>,
): Promise<BagReader> {
  const paths = await bagFiles(folder);
  const parts: (BagReader | FrameFault)[] = [];
  let firstError: unknown;
  for (const path of paths) {
    try {
      parts.push(await openFile(path));
    } catch (error) {
      firstError ??= error;
      parts.push({ stampNs: undefined, fault: `${path} cannot be opened: ${messageOf(error)}` });
    }
  }
  if (parts.some((part) => !('fault' in part))) return new BagOfParts(folder, parts);
  throw (
    firstError ??
    new QpvoError('QPVO_SOURCE_EMPTY', {
      what: `no recording in ${folder}`,
      expected: '.mcap or .db3 files',
      received: 'none',
    })
  );
}

class BagOfParts implements BagReader {
  readonly kind: string;
  readonly path: string;
  readonly topics: BagTopic[];
  readonly #parts: readonly (BagReader | FrameFault)[];
  readonly #readers: readonly BagReader[];

  constructor(path: string, parts: readonly (BagReader | FrameFault)[]) {
    this.path = path;
    this.#parts = parts;
    this.#readers = parts.filter((part): part is BagReader => !('fault' in part));
    this.kind = `ROS 2 bag folder, ${parts.length} x ${this.#readers[0]!.kind}`;
    this.topics = mergeByName(this.#readers.flatMap((reader) => reader.topics));
  }

  async *messages(topic: string): AsyncGenerator<BagMessage | FrameFault> {
    for (const [index, part] of this.#parts.entries()) {
      const isLast = index === this.#parts.length - 1;
      if ('fault' in part) yield inFolder(part, isLast);
      else if (part.topics.some((known) => known.topic === topic)) {
        for await (const item of part.messages(topic)) yield 'fault' in item ? inFolder(item, isLast) : item;
      }
    }
  }

  async lastMessage(topic: string): Promise<BagMessage | undefined> {
    for (const reader of this.#readers.toReversed()) {
      const last = await reader.lastMessage(topic);
      if (last !== undefined) return last;
    }
    return undefined;
  }

  async close(): Promise<void> {
    for (const reader of this.#readers) await reader.close();
  }
}

/** The fault that ends one file as a fault of the folder, which goes on unless it was the last file. */
function inFolder({ stampNs, fault }: FrameFault, isLast: boolean): FrameFault {
  return { stampNs, fault, ...(isLast ? { isEnd: true } : {}) };
}

async function bagFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  if (!names.includes('metadata.yaml')) {
    return names
      .filter((name) => /\.(mcap|db3)$/.test(name))
      .sort(naturalOrder)
      .map((name) => join(folder, name));
  }
  const metadata = await readMetadata(join(folder, 'metadata.yaml'));
  refuseCompressed(metadata, folder);
  const listed = metadata.relative_file_paths ?? metadata.files?.map((file) => file.path) ?? [];
  return Promise.all(listed.map((path) => locate(folder, path)));
}

/** Some recorders list paths relative to the parent of the folder, so the bare name counts too. */
async function locate(folder: string, path: string): Promise<string> {
  const direct = join(folder, path);
  const isThere = await stat(direct).then(
    () => true,
    () => false,
  );
  return isThere ? direct : join(folder, basename(path));
}

async function readMetadata(path: string): Promise<BagMetadata> {
  const document: unknown = await readFile(path, 'utf8').then(parse).catch(messageOf);
  const metadata = (document as { rosbag2_bagfile_information?: BagMetadata } | null)?.rosbag2_bagfile_information;
  if (metadata !== undefined) return metadata;
  throw new QpvoError('QPVO_SOURCE_CORRUPT', {
    what: `${path} does not describe a ROS 2 bag`,
    expected: 'a mapping with the key rosbag2_bagfile_information',
    received: typeof document === 'string' ? document : 'another YAML document',
    advice: 'Run `ros2 bag reindex` on the folder, or give one of its .mcap or .db3 files.',
  });
}

function refuseCompressed(metadata: BagMetadata, folder: string): void {
  const { compression_mode: mode = '', compression_format: format = 'zstd' } = metadata;
  if (mode === '' || mode.toUpperCase() === 'NONE') return;
  throw new QpvoError('QPVO_UNKNOWN_SOURCE', {
    what: `${folder} is compressed by rosbag2 (${mode.toLowerCase()} mode, ${format})`,
    expected: 'a bag without compression by rosbag2 (the chunk compression of MCAP is fine)',
    advice:
      mode.toUpperCase() === 'FILE'
        ? `Unpack it (\`${format} -d ${folder}/*.${format}\`) and give the unpacked file, or run \`ros2 bag convert\`.`
        : 'Run `ros2 bag convert` to write it without compression.',
  });
}
