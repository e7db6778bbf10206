// SPDX-License-Identifier: MIT
import type { FinishResult, MapPoint, TrackResult } from '../odometry/types.ts';
import type { Output } from './Output.ts';
import type { OutputContext } from './OutputContext.ts';
import { OutputFile } from './OutputFile.ts';

const COUNT_DIGITS = 12;
/** Bytes of one vertex: 3 float32, 3 uint8, 1 uint16. */
const STRIDE = 17;

/**
 * Final map points as binary little-endian PLY: x y z red green blue segment, world frame (x right, y down, z forward of the first camera). The number of
 * vertices is a field of fixed width, patched after every batch: the file is valid at any time.
 */
export class PlyOutput implements Output {
  readonly path: string;
  readonly #file: OutputFile;
  readonly #countAt: number;
  #points = 0;

  private constructor(file: OutputFile, countAt: number) {
    this.path = file.path;
    this.#file = file;
    this.#countAt = countAt;
  }

  static async create(path: string, context: OutputContext): Promise<PlyOutput> {
    const file = await OutputFile.create(path, context.openFile);
    const before = 'ply\nformat binary_little_endian 1.0\ncomment qpvo sparse map\nelement vertex ';
    await file.append(Buffer.from(`${before}${countField(0)}\n${PROPERTIES}end_header\n`, 'ascii'));
    await file.markValid();
    return new PlyOutput(file, before.length);
  }

  async write(result: TrackResult): Promise<void> {
    await this.#append(result.finalPoints);
  }

  async finish(end: FinishResult): Promise<void> {
    await this.#append(end.finalPoints);
    await this.#file.close();
  }

  /** The points first and the count after them, so that the header never promises what is not there. */
  async #append(points: readonly MapPoint[]): Promise<void> {
    const finite = points.filter(({ x, y, z }) => Number.isFinite(x + y + z));
    if (finite.length === 0) return;
    await this.#file.append(vertexBytes(finite));
    await this.#file.patch(Buffer.from(countField(this.#points + finite.length), 'ascii'), this.#countAt);
    await this.#file.markValid();
    this.#points += finite.length;
  }
}

const PROPERTIES = [
  'property float x',
  'property float y',
  'property float z',
  'property uchar red',
  'property uchar green',
  'property uchar blue',
  'property ushort segment',
  '',
].join('\n');

function countField(count: number): string {
  return String(count).padStart(COUNT_DIGITS, '0');
}

function vertexBytes(points: readonly MapPoint[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(points.length * STRIDE));
  points.forEach((point, i) => {
    const at = i * STRIDE;
    view.setFloat32(at, point.x, true);
    view.setFloat32(at + 4, point.y, true);
    view.setFloat32(at + 8, point.z, true);
    view.setUint8(at + 12, point.r);
    view.setUint8(at + 13, point.g);
    view.setUint8(at + 14, point.b);
    view.setUint16(at + 15, Math.min(point.segment, 0xffff), true);
  });
  return new Uint8Array(view.buffer);
}
