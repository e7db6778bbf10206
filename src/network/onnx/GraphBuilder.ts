// SPDX-License-Identifier: MIT
import {
  type Attribute,
  type Dimension,
  encodeModel,
  type Initializer,
  type Node,
  type ValueInfo,
} from './encodeModel.ts';

/** Collects nodes, inputs, constants and outputs of an ONNX graph. Every method that makes a value returns its name. */
export class GraphBuilder {
  readonly #name: string;
  readonly #nodes: Node[] = [];
  readonly #initializers = new Map<string, Initializer>();
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  #count = 0;

  constructor(name: string) {
    this.#name = name;
  }

  input(name: string, type: ValueInfo['type'], shape: Dimension[]): string {
    this.#inputs.push({ name, type, shape });
    return name;
  }

  /** Declares a value, made under this name, an output of the graph. */
  output(name: string, shape: Dimension[]): void {
    this.#outputs.push({ name, type: 'float32', shape });
  }

  /** An fp32 constant. The same name may be given again with the same data. */
  floats(name: string, shape: number[], data: Float32Array): string {
    this.#initializers.set(name, { name, shape, data });
    return name;
  }

  /** An int64 constant, named after its values: equal constants are stored once. */
  integers(values: number[], shape: number[] = [values.length]): string {
    const name = `int_${values.join('_')}${shape.length === 0 ? '_scalar' : ''}`;
    this.#initializers.set(name, { name, shape, data: BigInt64Array.from(values, BigInt) });
    return name;
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

  /** The model in ONNX protobuf encoding. */
  encode(): Uint8Array {
    return encodeModel({
      name: this.#name,
      nodes: this.#nodes,
      initializers: [...this.#initializers.values()],
      inputs: this.#inputs,
      outputs: this.#outputs,
    });
  }
}
