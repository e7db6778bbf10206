// SPDX-License-Identifier: MIT
import protobuf from 'protobufjs/minimal.js';

/** A whole number, a list of whole numbers, or a fraction (a number that must be written as float). */
export type Attribute = number | number[] | { float: number };

/** A fixed length, or the name of a length known at run time. */
export type Dimension = number | string;

export interface Node {
  type: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
}

/** Half precision as its bits. */
export interface Halves {
  halves: Uint16Array;
}

export type ConstantData = Float32Array | BigInt64Array | Int32Array | Int8Array | Uint8Array | Halves;

export interface Initializer {
  name: string;
  shape: number[];
  data: ConstantData;
}

export interface ValueInfo {
  name: string;
  type: 'float32' | 'float16' | 'int32';
  shape: Dimension[];
}

export interface Graph {
  name: string;
  nodes: Node[];
  initializers: Initializer[];
  inputs: ValueInfo[];
  outputs: ValueInfo[];
  opset: Opset;
}

/** Versions of the operators; from 19 values may be quantized from and to half precision. */
export type Opset = 17 | 19;

/** Version of the ONNX file format that came with an opset. */
const IR_VERSIONS: Readonly<Record<Opset, number>> = { 17: 8, 19: 9 };

/** Element types of onnx.TensorProto, as attribute values too. */
export const ELEMENT = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, float16: 10 } as const;

/** Attribute types of onnx.AttributeProto. */
const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

type Fields = (fields: FieldWriter) => void;

/** Encodes a graph as onnx.ModelProto. Field numbers are those of onnx.proto. */
export function encodeModel(graph: Graph): Uint8Array {
  const model = new FieldWriter();
  model.integer(1, IR_VERSIONS[graph.opset]);
  model.text(2, 'qpvo');
  model.message(7, (fields) => writeGraph(fields, graph));
  model.message(8, (fields) => fields.integer(2, graph.opset));
  return model.finish();
}

function writeGraph(fields: FieldWriter, graph: Graph): void {
  for (const node of graph.nodes) fields.message(1, (inner) => writeNode(inner, node));
  fields.text(2, graph.name);
  for (const tensor of graph.initializers) fields.message(5, (inner) => writeTensor(inner, tensor));
  for (const value of graph.inputs) fields.message(11, (inner) => writeValueInfo(inner, value));
  for (const value of graph.outputs) fields.message(12, (inner) => writeValueInfo(inner, value));
}

function writeNode(fields: FieldWriter, node: Node): void {
  for (const name of node.inputs) fields.text(1, name);
  for (const name of node.outputs) fields.text(2, name);
  fields.text(3, node.outputs[0]!);
  fields.text(4, node.type);
  for (const [name, value] of Object.entries(node.attributes)) {
    fields.message(5, (inner) => {
      inner.text(1, name);
      writeAttribute(inner, value);
    });
  }
}

function writeAttribute(fields: FieldWriter, value: Attribute): void {
  if (typeof value === 'number') {
    fields.integer(3, value);
    fields.integer(20, ATTRIBUTE_INT);
  } else if (Array.isArray(value)) {
    for (const item of value) fields.integer(8, item);
    fields.integer(20, ATTRIBUTE_INTS);
  } else {
    fields.float(2, value.float);
    fields.integer(20, ATTRIBUTE_FLOAT);
  }
}

function writeTensor(fields: FieldWriter, { name, shape, data }: Initializer): void {
  const { buffer, byteOffset, byteLength } = 'halves' in data ? data.halves : data;
  for (const length of shape) fields.integer(1, length);
  fields.integer(2, elementOf(data));
  fields.text(8, name);
  fields.bytes(9, new Uint8Array(buffer, byteOffset, byteLength));
}

function elementOf(data: ConstantData): number {
  if ('halves' in data) return ELEMENT.float16;
  if (data instanceof Float32Array) return ELEMENT.float32;
  if (data instanceof BigInt64Array) return ELEMENT.int64;
  if (data instanceof Int32Array) return ELEMENT.int32;
  return data instanceof Int8Array ? ELEMENT.int8 : ELEMENT.uint8;
}

function writeValueInfo(fields: FieldWriter, { name, type, shape }: ValueInfo): void {
  const writeShape: Fields = (dims) => {
    for (const length of shape) {
      dims.message(1, (dim) => (typeof length === 'number' ? dim.integer(1, length) : dim.text(2, length)));
    }
  };
  fields.text(1, name);
  fields.message(2, (typeProto) =>
    typeProto.message(1, (tensorType) => {
      tensorType.integer(1, ELEMENT[type]);
      tensorType.message(2, writeShape);
    }),
  );
}

/** Writes protobuf fields by number; a message is a nested writer. */
class FieldWriter {
  readonly #writer = protobuf.Writer.create();

  integer(field: number, value: number): void {
    this.#writer.uint32(field << 3).int64(value);
  }

  float(field: number, value: number): void {
    this.#writer.uint32((field << 3) | 5).float(value);
  }

  text(field: number, value: string): void {
    this.#writer.uint32((field << 3) | 2).string(value);
  }

  bytes(field: number, value: Uint8Array): void {
    this.#writer.uint32((field << 3) | 2).bytes(value);
  }

  message(field: number, write: Fields): void {
    this.#writer.uint32((field << 3) | 2).fork();
    write(this);
    this.#writer.ldelim();
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }
}
