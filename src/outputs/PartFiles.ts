// SPDX-License-Identifier: MIT
import { realpath, rename, rm, stat } from 'node:fs/promises';
import { createFile, type OpenFile, outputError, type WritableFile } from './OutputFile.ts';

/**
 * Files that are begun under another name (`.part`) and take their own together, when all of them could be begun: until then, former files of those
 * names stay whole.
 */
export class PartFiles {
  readonly #openFile: OpenFile;
  readonly #handles: WritableFile[] = [];
  /** Where a part lies, and where it belongs. */
  readonly #parts: { part: string; place: string }[] = [];
  #kept = false;

  constructor(openFile: OpenFile = createFile) {
    this.#openFile = openFile;
  }

  /** Opens a file for writing; after `keep` under its own name. */
  readonly open: OpenFile = async (path) => {
    if (this.#kept) return this.#openFile(path);
    const place = await realpath(path).catch(() => path);
    const part = (await isReplaceable(place)) ? `${place}.part` : place;
    const handle = await this.#openFile(part);
    this.#handles.push(handle);
    if (part !== place) this.#parts.push({ part, place });
    return handle;
  };

  /** Gives all files their names. @throws QpvoError QPVO_OUTPUT */
  async keep(): Promise<void> {
    for (const { part, place } of this.#parts) {
      try {
        await rename(part, place);
      } catch (cause) {
        throw outputError(`${place} cannot be created`, 'nothing was written', cause);
      }
    }
    this.#kept = true;
  }

  /** Closes and removes what was begun. */
  async discard(): Promise<void> {
    for (const handle of this.#handles) await handle.close().catch(() => undefined);
    for (const { part } of this.#parts) await rm(part, { force: true }).catch(() => undefined);
  }
}

/** False for a device, a pipe or a folder: those are opened themselves, or refuse to be. */
async function isReplaceable(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => true,
  );
}
