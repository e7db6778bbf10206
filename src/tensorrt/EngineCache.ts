// SPDX-License-Identifier: MIT
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, QpvoError } from '../error.ts';
import { type EngineKey, type EngineMachine, keyDifference, keyDigest } from './EngineKey.ts';
import { decodeHeader, decodePlanFile, encodePlanFile, HEADER_BYTES, type PlanHeader } from './planFile.ts';

const ENGINE = '.engine';
const TIMINGS = '.timings';
/** A file being written; the number is the process that does it. */
const PART = /\.(\d+)\.part$/;

/** A file of the cache. */
export interface EngineEntry {
  path: string;
  bytes: number;
  /** Absent when the file is no engine; `fault` says why. */
  header?: PlanHeader;
  fault?: string;
}

export interface Cleared {
  files: number;
  bytes: number;
}

/** Engines by their keys, a file each, in one folder. A file appears with its whole content or not at all, and is believed only after its checksum. */
export class EngineCache {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Where the engine of a key is kept, whether it is there or not. */
  pathOf(key: EngineKey): string {
    return join(this.folder, `${key.graph}-${keyDigest(key).slice(0, 24)}${ENGINE}`);
  }

  /** Measurements of TensorRT that spare the next build of this machine the same ones. */
  timingsPathOf({ tensorrt, device, computeCapability }: EngineMachine): string {
    const name = `${device}-${computeCapability}-${tensorrt}`.replace(/[^\w.-]+/g, '_');
    return join(this.folder, `${name}${TIMINGS}`);
  }

  /** A path in the folder for a file that is still being written; `sweep` knows it. */
  partPath(path: string): string {
    return `${path}.${process.pid}.part`;
  }

  /** The plan of a key, and what it was built with; else why there is none that can be used, in one clause. */
  async find(key: EngineKey): Promise<{ plan: Uint8Array; key: EngineKey } | { fault: string }> {
    const path = this.pathOf(key);
    let content: Buffer;
    try {
      content = await readFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { fault: 'not built yet' };
      throw this.#unusable(error);
    }
    const file = decodePlanFile(content);
    if ('fault' in file) return { fault: `${path} is ${file.fault}` };
    const difference = keyDifference(key, file.header.key);
    if (difference === undefined) return { plan: file.plan, key: file.header.key };
    return { fault: `${path} is of another ${difference.field}: ${difference.found}` };
  }

  /** Puts a plan in the place of its key, in one step: a crash or a full disk leaves what was there before. */
  async store(about: Omit<PlanHeader, 'planBytes' | 'planSha256'>, plan: Uint8Array): Promise<string> {
    const path = this.pathOf(about.key);
    const part = this.partPath(path);
    try {
      await mkdir(this.folder, { recursive: true });
      await withFile(part, 'w', async (file) => {
        await file.writeFile(encodePlanFile(about, plan));
        await file.sync();
      });
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true }).catch(() => undefined);
      throw this.#unusable(error);
    }
    return path;
  }

  /** The engines there are, with what their headers say; of each file only the header is read, and its length compared. */
  async list(): Promise<EngineEntry[]> {
    const names = (await this.#names()).filter((name) => name.endsWith(ENGINE)).sort();
    const entries = await Promise.all(names.map((name) => this.#entryOf(join(this.folder, name))));
    return entries.filter((entry) => entry !== undefined);
  }

  /** Removes engines, or those chosen; all of them take the timings and whatever was left half written along. */
  async clear(chosen?: (entry: EngineEntry) => boolean): Promise<Cleared> {
    const engines = (await this.list()).filter((entry) => chosen?.(entry) ?? true).map(({ path }) => path);
    const rest = (await this.#names())
      .filter((name) => name.endsWith(TIMINGS) || isLeftOver(name))
      .map((name) => join(this.folder, name));
    return this.#remove(chosen === undefined ? [...engines, ...rest] : engines);
  }

  /** Removes what processes that are gone left half written. */
  async sweep(): Promise<Cleared> {
    return this.#remove((await this.#names()).filter(isLeftOver).map((name) => join(this.folder, name)));
  }

  async #entryOf(path: string): Promise<EngineEntry | undefined> {
    try {
      return await withFile(path, 'r', async (file) => {
        const { size: bytes } = await file.stat();
        const first = Buffer.alloc(Math.min(bytes, HEADER_BYTES));
        await file.read(first, 0, first.length, 0);
        const start = decodeHeader(first);
        if ('fault' in start) return { path, bytes, fault: start.fault };
        const { header, headerEnd } = start;
        const isWhole = bytes === headerEnd + header.planBytes;
        return { path, bytes, header, ...(isWhole ? {} : { fault: 'truncated' }) };
      });
    } catch (error) {
      // Removed by another process since the folder was read.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw this.#unusable(error);
    }
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw this.#unusable(error);
    }
  }

  async #remove(paths: readonly string[]): Promise<Cleared> {
    let bytes = 0;
    for (const path of paths) {
      try {
        bytes += (await stat(path)).size;
        await rm(path, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw this.#unusable(error);
      }
    }
    return { files: paths.length, bytes };
  }

  #unusable(cause: unknown): QpvoError {
    return new QpvoError('QPVO_OUTPUT', {
      what: `the engine cache ${this.folder} cannot be used`,
      received: messageOf(cause),
      advice: 'Free some space, correct its permissions, or name another folder in QPVO_ENGINES.',
      cause,
    });
  }
}

async function withFile<T>(path: string, flags: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/** A part of a process that no longer runs. */
function isLeftOver(name: string): boolean {
  const writer = Number(PART.exec(name)?.[1] ?? Number.NaN);
  if (Number.isNaN(writer)) return false;
  try {
    process.kill(writer, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
