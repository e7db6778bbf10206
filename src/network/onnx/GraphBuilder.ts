// SPDX-License-Identifier: MIT
import { toHalves } from '../weights/elements.ts';
import {
  type Attribute,
  type ConstantData,
  type Dimension,
  ELEMENT,
  encodeModel,
  type Initializer,
  type Node,
  type Opset,
  type ValueInfo,
} from './encodeModel.ts';

/** Precision of the values between inputs and outputs, which are fp32 unless they say otherwise. */
export type InnerPrecision = 'fp32' | 'fp16';

/** The opset with all operators of a precision: half precision can be quantized from 19 on. */
const OPSETS: Readonly<Record<InnerPrecision, Opset>> = { fp32: 17, fp16: 19 };

/** Collects nodes, inputs, constants and outputs of an ONNX graph. Every method that makes a value returns its name. */
export class GraphBuilder {
  readonly precision: InnerPrecision;
  readonly #name: string;
  readonly #nodes: Node[] = [];
  readonly #initializers = new Map<string, Initializer>();
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  #count = 0;

  constructor(name: string, precision: InnerPrecision = 'fp32') {
    this.#name = name;
    this.precision = precision;
  }

  input(name: string, type: ValueInfo['type'], shape: Dimension[]): string {
    this.#inputs.push({ name, type, shape });
    const isHalf = this.precision === 'fp16' && type === 'float32';
    return isHalf ? this.op('Cast', [name], { to: ELEMENT.float16 }) : name;
  }

  /** Declares a value, made under this name, an output of the graph; float16 only in a graph of that precision. */
  output(name: string, shape: Dimension[], type: 'float32' | 'float16' = 'float32'): void {
    this.#outputs.push({ name, type, shape });
  }

  /** A constant in the precision of the graph. The same name may be given again with the same data. */
  floats(name: string, shape: number[], data: Float32Array): string {
    return this.constant(name, shape, this.precision === 'fp16' ? { halves: toHalves(data) } : data);
  }

  /** A constant as it is. The same name may be given again with the same data. */
  constant(name: string, shape: number[], data: ConstantData): string {
    this.#initializers.set(name, { name, shape, data });
    return name;
  }

  /** An int64 constant, named after its values: equal constants are stored once. */
  integers(values: number[], shape: number[] = [values.length]): string {
    const name = `int_${values.join('_')}${shape.length === 0 ? '_scalar' : ''}`;
    return this.constant(name, shape, BigInt64Array.from(values, BigInt));
  }

  /** A node with one output, which is named by itself unless a name is given. */
  op(
    type: string,
    inputs: string[],
    attributes: Record<string, Attribute> = {},
    output = `${type}_${this.#count++}`,
  ): string {
    this.#nodes.push({ type, inputs, outputs: [output], attributes });
    return output;
  }

  reshape(x: string, shape: number[]): string {
    return this.op('Reshape', [x, this.integers(shape)]);
  }

  /** ReduceMax, whose axes became an input with opset 18. */
  reduceMax(x: string, axis: number): string {
    return OPSETS[this.precision] < 18
      ? this.op('ReduceMax', [x], { axes: [axis], keepdims: 1 })
      : this.op('ReduceMax', [x, this.integers([axis])], { keepdims: 1 });
  }

  /** The model in ONNX protobuf encoding. */
  encode(): Uint8Array {
    return encodeModel({
      name: this.#name,
      nodes: this.precision === 'fp16' ? this.#withWideOutputs() : this.#nodes,
      initializers: [...this.#initializers.values()],
      inputs: this.#inputs,
      outputs: this.#outputs,
      opset: OPSETS[this.precision],
    });
  }

  /** The nodes, with what becomes an fp32 output under another name and its fp32 form under the given one. */
  #withWideOutputs(): Node[] {
    const outputs = this.#outputs.filter(({ type }) => type === 'float32').map(({ name }) => name);
    const inner = (name: string) => (outputs.includes(name) ? `${name}_half` : name);
    const nodes = this.#nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(inner),
      outputs: node.outputs.map(inner),
    }));
    const casts = outputs.map((name) => ({
      type: 'Cast',
      inputs: [inner(name)],
      outputs: [name],
      attributes: { to: ELEMENT.float32 },
    }));
    return [...nodes, ...casts];
  }
}
