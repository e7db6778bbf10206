// SPDX-License-Identifier: MIT
// Both encoders in plain loops. Deep Patch Visual Odometry, arXiv 2208.04726, section 3.1. No code shared with the product.
import type { IntegerProducts, Row } from './integerProducts.ts';

/** [channels][height][width] */
export interface Planes {
  channels: number;
  height: number;
  width: number;
  data: Row;
}

/** The published network divides both outputs by this. */
const OUTPUT_DIVISOR = 4;

/** Matching features (`patchify.fnet`, with instance norms) or context features (`patchify.inet`) on the whole grid. */
export function plainEncoder(products: IntegerProducts, net: string, image: Planes): Planes {
  const isNormed = net === 'patchify.fnet';
  const conv = (x: Planes, layer: string, stride: number, pad: number) => {
    const y = convolution(products, `${net}.${layer}`, x, stride, pad);
    return isNormed ? instanceNorm(y) : y;
  };
  const block = (x: Planes, name: string, stride: number) => {
    const inner = relu(conv(x, `${name}.conv1`, stride, 1));
    const y = relu(conv(inner, `${name}.conv2`, 1, 1));
    const shortcut =
      stride === 1
        ? { ...x, data: products.seenBy(`${net}.${name}.conv1`, x.data) }
        : conv(x, `${name}.downsample.0`, stride, 0);
    return relu({ ...y, data: y.data.map((value, at) => value + shortcut.data[at]!) });
  };
  let x = relu(conv(image, 'conv1', 2, 3));
  x = block(x, 'layer1.0', 1);
  x = block(x, 'layer1.1', 1);
  x = block(x, 'layer2.0', 2);
  x = block(x, 'layer2.1', 1);
  const y = convolution(products, `${net}.conv2`, x, 1, 0);
  return { ...y, data: y.data.map((value) => value / OUTPUT_DIVISOR) };
}

function convolution(products: IntegerProducts, name: string, x: Planes, stride: number, pad: number): Planes {
  const [outputs = 0, inputs = 0, side = 0] = products.shape(name);
  const weights = products.weights(name);
  const values = products.inputs(name, x.data);
  const at = (c: number, row: number, column: number) =>
    row < 0 || row >= x.height || column < 0 || column >= x.width
      ? 0
      : values[(c * x.height + row) * x.width + column]!;
  const height = Math.floor((x.height + 2 * pad - side) / stride) + 1;
  const width = Math.floor((x.width + 2 * pad - side) / stride) + 1;
  const data = new Float64Array(outputs * height * width);
  let next = 0;
  for (let o = 0; o < outputs; o++) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        let sum = 0;
        for (let c = 0; c < inputs; c++)
          for (let dy = 0; dy < side; dy++)
            for (let dx = 0; dx < side; dx++)
              sum +=
                weights[((o * inputs + c) * side + dy) * side + dx]! *
                at(c, row * stride - pad + dy, column * stride - pad + dx);
        data[next++] = products.result(name, o, sum);
      }
    }
  }
  return { channels: outputs, height, width, data };
}

function instanceNorm(x: Planes): Planes {
  const size = x.height * x.width;
  const data = x.data.slice();
  for (let c = 0; c < x.channels; c++) {
    const plane = data.subarray(c * size, (c + 1) * size);
    const mean = plane.reduce((sum, value) => sum + value, 0) / size;
    const variance = plane.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
    for (let n = 0; n < size; n++) plane[n] = (plane[n]! - mean) / Math.sqrt(variance + 1e-5);
  }
  return { ...x, data };
}

function relu(x: Planes): Planes {
  return { ...x, data: x.data.map((value) => Math.max(value, 0)) };
}
