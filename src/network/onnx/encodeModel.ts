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

export interface Initializer {
  name: string;
  shape: number[];
  data: Float32Array | BigInt64Array;
}

export interface ValueInfo {
  name: string;
  type: 'float32' | 'int32';
  shape: Dimension[];
}

export interface Graph {
  name: string;
  nodes: Node[];
  initializers: Initializer[];
  inputs: ValueInfo[];
  outputs: ValueInfo[];
}

const OPSET = 17;
/** Version of the ONNX file format that came with opset 17. */
const IR_VERSION = 8;

/** Element types of onnx.TensorProto. */
const FLOAT = 1;
const INT32 = 6;
const INT64 = 7;

/** Attribute types of onnx.AttributeProto. */
const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

type Fields = (fields: FieldWriter) => void;

/** Encodes a graph as onnx.ModelProto. Field numbers are those of onnx.proto. */
export function encodeModel(graph: Graph): Uint8Array {
  const model = new FieldWriter();
  model.integer(1, IR_VERSION);
  model.text(2, 'qpvo');
  model.message(7, (fields) => writeGraph(fields, graph));
  model.message(8, (fields) => fields.integer(2, OPSET));
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
  for (const length of shape) fields.integer(1, length);
  fields.integer(2, data instanceof Float32Array ? FLOAT : INT64);
  fields.text(8, name);
  fields.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
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
      tensorType.integer(1, type === 'float32' ? FLOAT : INT32);
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
