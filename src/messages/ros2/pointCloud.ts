// SPDX-License-Identifier: MIT
import { CdrWriter } from '@foxglove/cdr';
import { QpvoError } from '../../error.ts';
import type { MapPoint } from '../../odometry/types.ts';
import { cdrFields } from '../cdrFields.ts';
import { writeHeader, writeText } from './writeParts.ts';

const FLOAT32 = 7;
const UINT32 = 6;
const POINT_STEP = 20;
/** `rgb` is 0x00RRGGBB in the bits of a float, as RViz and Foxglove expect. */
const FIELDS: readonly (readonly [name: string, offset: number, datatype: number])[] = [
  ['x', 0, FLOAT32],
  ['y', 4, FLOAT32],
  ['z', 8, FLOAT32],
  ['rgb', 12, FLOAT32],
  ['segment', 16, UINT32],
];

/** sensor_msgs/msg/PointCloud2, unorganised. */
export function encodePointCloud(stampNs: bigint, frame: string, points: readonly MapPoint[]): Uint8Array {
  const cdr = new CdrWriter({ size: 256 + points.length * POINT_STEP });
  writeHeader(cdr, stampNs, frame);
  cdr.uint32(1).uint32(points.length);
  cdr.sequenceLength(FIELDS.length);
  for (const [name, offset, datatype] of FIELDS) {
    writeText(cdr, name);
    cdr.uint32(offset).uint8(datatype).uint32(1);
  }
  cdr
    .uint8(0)
    .uint32(POINT_STEP)
    .uint32(POINT_STEP * points.length);
  cdr.uint8Array(pointBytes(points), true);
  cdr.uint8(1);
  return cdr.data;
}

function pointBytes(points: readonly MapPoint[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(points.length * POINT_STEP));
  points.forEach((point, i) => {
    const at = i * POINT_STEP;
    view.setFloat32(at, point.x, true);
    view.setFloat32(at + 4, point.y, true);
    view.setFloat32(at + 8, point.z, true);
    view.setUint32(at + 12, (point.r << 16) | (point.g << 8) | point.b, true);
    view.setUint32(at + 16, point.segment, true);
  });
  return new Uint8Array(view.buffer);
}

/**
 * Reads a cloud that encodePointCloud has written.
 *
 * @throws QpvoError QPVO_SOURCE_CORRUPT for a cloud of another layout, or when the bytes end too early
 */
export function readPointCloud(message: Uint8Array): { stampNs: bigint; frame: string; points: MapPoint[] } {
  const fields = cdrFields(message);
  const { stampNs, frameId } = fields.header();
  const height = fields.uint32();
  const width = fields.uint32();
  const layout = fields.sequence(() => {
    const [name, offset, datatype] = [fields.string(), fields.uint32(), fields.uint8()];
    fields.uint32();
    return [name, offset, datatype];
  });
  const bigEndian = fields.uint8();
  const step = fields.uint32();
  fields.uint32();
  const data = fields.bytesView();
  const isOurs = JSON.stringify(layout) === JSON.stringify(FIELDS) && bigEndian === 0 && step === POINT_STEP;
  if (!isOurs || data.length !== width * height * POINT_STEP) {
    throw new QpvoError('QPVO_SOURCE_CORRUPT', {
      what: 'a point cloud of another layout',
      expected: `x, y, z, rgb, segment in ${POINT_STEP} bytes per point, little endian`,
      received: `${layout.map(([name]) => name).join(', ')} in ${step} bytes, ${data.length} bytes for ${width}x${height} points`,
    });
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return { stampNs, frame: frameId, points: Array.from({ length: width * height }, (_, i) => pointAt(view, i)) };
}

function pointAt(view: DataView, i: number): MapPoint {
  const at = i * POINT_STEP;
  const [x, y, z] = [view.getFloat32(at, true), view.getFloat32(at + 4, true), view.getFloat32(at + 8, true)];
  const rgb = view.getUint32(at + 12, true);
  const segment = view.getUint32(at + 16, true);
  return { x, y, z, r: (rgb >> 16) & 255, g: (rgb >> 8) & 255, b: rgb & 255, segment };
}
