// SPDX-License-Identifier: MIT
import { cdrFields } from './cdrFields.ts';
import type { FieldReader, MessageHeader, Serialization } from './FieldReader.ts';
import { ros1Fields } from './ros1Fields.ts';

/** sensor_msgs/Image. `data` is a view of the message. */
export interface ImageMessage {
  header: MessageHeader;
  height: number;
  width: number;
  encoding: string;
  isBigEndian: boolean;
  step: number;
  data: Uint8Array;
}

/** sensor_msgs/CompressedImage. `data` is a view of the message. */
export interface CompressedImageMessage {
  header: MessageHeader;
  format: string;
  data: Uint8Array;
}

/** The calibration in a sensor_msgs/CameraInfo, field names as in ROS 2; matrices row-major. */
export interface CameraInfoMessage {
  header: MessageHeader;
  height: number;
  width: number;
  distortion_model: string;
  d: number[];
  k: number[];
  r: number[];
  p: number[];
}

export function readImage(message: Uint8Array, serialization: Serialization): ImageMessage {
  const fields = fieldsOf(message, serialization);
  return {
    header: fields.header(),
    height: fields.uint32(),
    width: fields.uint32(),
    encoding: fields.string(),
    isBigEndian: fields.uint8() !== 0,
    step: fields.uint32(),
    data: fields.bytesView(),
  };
}

export function readCompressedImage(message: Uint8Array, serialization: Serialization): CompressedImageMessage {
  const fields = fieldsOf(message, serialization);
  return { header: fields.header(), format: fields.string(), data: fields.bytesView() };
}

export function readCameraInfo(message: Uint8Array, serialization: Serialization): CameraInfoMessage {
  const fields = fieldsOf(message, serialization);
  return {
    header: fields.header(),
    height: fields.uint32(),
    width: fields.uint32(),
    distortion_model: fields.string(),
    d: fields.float64Array(),
    k: fields.float64Array(9),
    r: fields.float64Array(9),
    p: fields.float64Array(12),
  };
}

/** The header, which every stamped message begins with. */
export function readHeader(message: Uint8Array, serialization: Serialization): MessageHeader {
  return fieldsOf(message, serialization).header();
}

function fieldsOf(message: Uint8Array, serialization: Serialization): FieldReader {
  return serialization === 'cdr' ? cdrFields(message) : ros1Fields(message);
}
