// SPDX-License-Identifier: MIT
import { type FileHandle, open } from 'node:fs/promises';
import { messageOf, QpvoError } from '../error.ts';

/** The part of a file handle that outputs use. */
export type WritableFile = Pick<FileHandle, 'write' | 'truncate' | 'close'>;
export type OpenFile = (path: string) => Promise<WritableFile>;

/** Creates or empties a file. */
export const createFile: OpenFile = (path) => open(path, 'w');

const ADVICE: Record<string, string> = {
  ENOSPC: 'Free some space or choose another folder with --out.',
  EDQUOT: 'Your disk quota is used up: free some space or choose another folder with --out.',
  EFBIG: 'The file system or the shell (ulimit -f) limits the size of files: choose another folder with --out.',
  EACCES: 'Choose a folder you may write to with --out, or correct its permissions.',
  EPERM: 'Choose a folder you may write to with --out, or correct its permissions.',
  EROFS: 'The file system is read-only: choose another folder with --out.',
  ENOENT: 'Create the folder first.',
  ENOTDIR: 'A part of the path is no folder: choose another with --out.',
  EISDIR: 'There is a folder of that name: remove it or choose another place with --out.',
};

/**
 * A file that grows, with a mark up to which it is valid. When a write fails, the file is cut back to the mark (disk permitting), closed, and every later
 * call does nothing: the failure is told once, as QPVO_OUTPUT.
 */
export class OutputFile {
  readonly path: string;
  readonly #file: WritableFile;
  #end = 0;
  #valid = 0;
  #tail: Uint8Array = new Uint8Array(0);
  #open = true;

  private constructor(path: string, file: WritableFile) {
    this.path = path;
    this.#file = file;
  }

  /** Creates or empties the file. */
  static async create(path: string, openFile: OpenFile = createFile): Promise<OutputFile> {
    try {
      return new OutputFile(path, await openFile(path));
    } catch (cause) {
      throw outputError(`${path} cannot be created`, 'nothing was written', cause);
    }
  }

  /** Where the next append goes, bytes from the start. */
  get end(): number {
    return this.#end;
  }

  /** False after close, and after a failure. */
  get isOpen(): boolean {
    return this.#open;
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.#guarded(async () => {
      await this.#writeAt(bytes, this.#end);
      this.#end += bytes.length;
    });
  }

  /** Overwrites bytes that were appended before. */
  async patch(bytes: Uint8Array, at: number): Promise<void> {
    await this.#guarded(() => this.#writeAt(bytes, at));
  }

  /**
   * Everything appended so far, followed by `tail`, is a valid file. The tail is written now, does not count as appended, and is overwritten by the next
   * append; after a failed write it is put back.
   */
  async markValid(tail: Uint8Array = new Uint8Array(0)): Promise<void> {
    await this.#guarded(async () => {
      if (tail.length > 0) await this.#writeAt(tail, this.#end);
      this.#valid = this.#end;
      this.#tail = tail;
    });
  }

  async close(): Promise<void> {
    await this.#guarded(async () => {
      await this.#file.close();
      this.#open = false;
    });
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    if (!this.#open) return;
    try {
      await work();
    } catch (cause) {
      this.#open = false;
      const restored = await this.#restore();
      const kept = restored
        ? `the first ${this.#valid} bytes are kept and valid`
        : 'what had been written is kept, its end may be damaged';
      throw outputError(`${this.path} could not be written on`, kept, cause);
    }
  }

  /** A single write may take only a part; Node leaves the rest to the caller. */
  async #writeAt(bytes: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, at + done);
      if (bytesWritten === 0) throw new Error('the file system took no more bytes');
      done += bytesWritten;
    }
  }

  /** The tail goes where it had been before, so it needs no new space. */
  async #restore(): Promise<boolean> {
    try {
      await this.#writeAt(this.#tail, this.#valid);
      await this.#file.truncate(this.#valid + this.#tail.length);
      return true;
    } catch {
      return false;
    } finally {
      await this.#file.close().catch(() => undefined);
    }
  }
}

/** QPVO_OUTPUT with the advice that fits the cause. `kept` says what is left of the file. */
export function outputError(what: string, kept: string, cause: unknown): QpvoError {
  const code = (cause as NodeJS.ErrnoException | null)?.code ?? '';
  return new QpvoError('QPVO_OUTPUT', {
    what: `${what} (${messageOf(cause)}); ${kept}`,
    advice: ADVICE[code] ?? 'Check the disk, or choose another folder with --out.',
    cause,
  });
}
