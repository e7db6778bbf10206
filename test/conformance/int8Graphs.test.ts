// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import * as ort from 'onnxruntime-node';
import { readManifest, readModelFile } from '../../src/network/manifest.ts';
import { findModelFolder, listModels } from '../../src/network/modelFolder.ts';
import { contextGraph, featureGraph } from '../../src/network/onnx/encoderGraph.ts';
import type { QuantizedTarget } from '../../src/network/onnx/QuantizedProducts.ts';
import { updateGraph } from '../../src/network/onnx/updateGraph.ts';
import { ENCODER_LAYERS, UPDATE_LAYERS } from '../../src/network/quantization/quantizedLayers.ts';
import type { LayerScales, Scales } from '../../src/network/quantization/readScales.ts';
import { openSession } from '../../src/network/session.ts';
import { nearestHalf } from '../../src/network/weights/elements.ts';
import type { Weights } from '../../src/network/weights/Weights.ts';
import { type Edge, edgeListUpdate } from './edgeListUpdate.ts';
import { type Grid, IntegerProducts } from './integerProducts.ts';
import { madeUpScales } from './madeUpScales.ts';
import { narrowed } from './narrowed.ts';
import { optimisedOperators } from './onnxOperators.ts';
import { type Planes, plainEncoder } from './plainEncoder.ts';
import { randomNumbers, randomWeights, TINY } from './randomNetwork.ts';
import { temporaryFolder } from './temporaryFolder.ts';

const HEIGHT = 32;
const WIDTH = 48;
const TARGETS = 4;
const PATCHES = 3;

/** Groups that stay in floating point in a network of mixed precision: a first and a second layer of a pair, shared inputs, a whole block, a head. */
const FLOAT_GROUPS = [
  'patchify.fnet.layer1.0.conv1',
  'patchify.fnet.layer2.0.conv1',
  'patchify.fnet.conv2',
  'patchify.inet.layer1.0.conv2',
  'patchify.inet.layer1.1.conv1',
  'patchify.inet.layer2.1.conv2',
  'update.corr.0',
  'update.c1.2',
  'update.c2.0',
  'update.agg_kk.f',
  'update.agg_ij.h',
  'update.gru.1.gate.0',
  'update.gru.3.res.2',
];

const full = randomWeights(TINY, 5);
const narrow = narrowed(randomWeights(TINY, 6));
const NETWORKS: { name: string; weights: Weights; scales: Scales }[] = [
  { name: 'every layer', weights: full, scales: madeUpScales(full, 1) },
  { name: 'mixed precision', weights: full, scales: madeUpScales(full, 12, FLOAT_GROUPS) },
  { name: 'pruned', weights: narrow, scales: madeUpScales(narrow, 3) },
  { name: 'pruned, mixed precision', weights: narrow, scales: madeUpScales(narrow, 4, FLOAT_GROUPS) },
];

/**
 * A value next to a tie may be rounded to the other integer where two forms differ in the last bit, and the exchanges between edges spread that. So the mean is
 * held far below half a step of the integers (about 0.01), which any other rounding, scale or order would exceed, and the worst to a few steps.
 */
interface Tolerance {
  mean: number;
  worst: number;
}

/** fp32 against doubles, and biases in units of the accumulators; measured 1e-5 and 4e-5, and with one integer rounded the other way 1.8e-3 and 7e-3. */
const SINGLE: Tolerance = { mean: 2e-3, worst: 0.05 };
/** fp16 between the integers, and steps twice as wide where they are unsigned; measured 7e-3 and 0.04. */
const HALF: Tolerance = { mean: 0.015, worst: 0.15 };

const FORMS: [QuantizedTarget, Tolerance][] = [
  ['onnxruntime', SINGLE],
  ['tensorrt', HALF],
];

describe('int8 graphs against whole numbers in plain loops', function () {
  this.timeout(60000);
  for (const [target, tolerance] of FORMS) {
    for (const { name, weights, scales } of NETWORKS) {
      const products = new IntegerProducts(weights, gridsOf(scales, target));
      const quantization = { scales, target };

      it(`${target}, ${name}: features and context`, async () => {
        const image = randomImage();
        const cells = Int32Array.of(0, 5, 40, 95);
        const tensors = {
          image: imageTensor(image),
          cells: new ort.Tensor('int32', cells, [cells.length]),
        };
        const features = await run(featureGraph(weights, TINY, quantization), { image: tensors.image }, target);
        closeTo(features.features!, plainEncoder(products, 'patchify.fnet', image).data, tolerance, 'features');
        const context = await run(contextGraph(weights, TINY, quantization), tensors, target);
        const grid = plainEncoder(products, 'patchify.inet', image);
        closeTo(context.context!, atCells(grid, cells), tolerance, 'context');
      });

      it(`${target}, ${name}: update operator`, async () => {
        const { inputs, expected } = updateProblem(weights, products);
        const outputs = await run(updateGraph(weights, TINY, quantization), inputs, target);
        closeTo(
          outputs.hiddenOut!,
          expected.hidden.flatMap((row) => [...row]),
          tolerance,
          'hidden state',
        );
        closeTo(
          outputs.delta!,
          expected.delta.flatMap((row) => [...row]),
          tolerance,
          'delta',
        );
        closeTo(
          outputs.weight!,
          expected.weight.flatMap((row) => [...row]),
          tolerance,
          'weight',
        );
      });
    }
  }

  it('sums of the largest integers do not overflow', async () => {
    const weights = randomWeights(TINY, 9);
    weights.get('update.corr.0.weight')!.data.fill(1);
    weights.get('update.corr.0.bias')!.data.fill(-882 * 127 + 5);
    const { weight } = madeUpScales(weights, 9).get('update.corr.0')!;
    const only = new Map([['update.corr.0', { input: 1, weight }]]);
    const products = new IntegerProducts(weights, gridsOf(only, 'onnxruntime'));
    const { inputs, expected } = updateProblem(weights, products, () => 127);
    const outputs = await run(
      updateGraph(weights, TINY, { scales: only, target: 'onnxruntime' }),
      inputs,
      'onnxruntime',
    );
    closeTo(
      outputs.hiddenOut!,
      expected.hidden.flatMap((row) => [...row]),
      { mean: 1e-4, worst: 1e-4 },
      'hidden state',
    );
  });

  for (const [target, tolerance] of FORMS) {
    it(`${target}: an output with next to no weights keeps its bias`, async () => {
      const weights = randomWeights(TINY, 10);
      for (const layer of ['update.c1.0', 'patchify.inet.layer1.0.conv1']) {
        const { shape, data } = weights.get(`${layer}.weight`)!;
        for (let n = 0; n < data.length / shape[0]!; n++) data[n]! *= 1e-12;
        weights.get(`${layer}.bias`)!.data[0] = 0.5;
      }
      const scales = madeUpScales(weights, 10);
      const products = new IntegerProducts(weights, gridsOf(scales, target));
      const { inputs, expected } = updateProblem(weights, products);
      const outputs = await run(updateGraph(weights, TINY, { scales, target }), inputs, target);
      closeTo(
        outputs.hiddenOut!,
        expected.hidden.flatMap((row) => [...row]),
        tolerance,
        'hidden state',
      );
      const image = randomImage();
      const cells = Int32Array.of(17);
      const tensors = { image: imageTensor(image), cells: new ort.Tensor('int32', cells, [1]) };
      const { context } = await run(contextGraph(weights, TINY, { scales, target }), tensors, target);
      closeTo(context!, atCells(plainEncoder(products, 'patchify.inet', image), cells), tolerance, 'context');
    });
  }
});

describe('int8 graphs as onnxruntime computes them', function () {
  this.timeout(60000);
  const folder = temporaryFolder();
  const quantization = { scales: NETWORKS[0]!.scales, target: 'onnxruntime' } as const;

  it('has the same numbers where the processor has no products of int8', async () => {
    const graphs = [featureGraph, contextGraph, updateGraph].map((graph) => graph(full, TINY, quantization));
    const { inputs } = updateProblem(full, new IntegerProducts(full, new Map()));
    const feeds = {
      ...inputs,
      image: imageTensor(randomImage()),
      cells: new ort.Tensor('int32', Int32Array.of(9), [1]),
    };
    for (const graph of graphs) {
      const results: ort.Tensor[][] = [];
      for (const x64quantprecision of ['0', '1']) {
        const session = await ort.InferenceSession.create(graph, { extra: { session: { x64quantprecision } } });
        const own = session.inputNames.map((name) => [name, feeds[name as keyof typeof feeds]]);
        results.push(Object.values(await session.run(Object.fromEntries(own))));
        await session.release();
      }
      const [plain, wide] = results.map((tensors) => tensors.flatMap(({ data }) => [...(data as Float32Array)]));
      closeTo(Float32Array.from(wide!), plain!, { mean: 1e-6, worst: 1e-5 }, 'every output');
    }
  });

  it('feature encoder: the first convolution is the only one in floating point', async () => {
    const { Conv, FusedConv, MatMul, Gemm, ConvInteger } = await optimisedOperators(
      featureGraph(full, TINY, quantization),
      folder,
    );
    assert.deepEqual([Conv, FusedConv, MatMul, Gemm], [1, undefined, undefined, undefined]);
    assert.equal(ConvInteger, ENCODER_LAYERS.length / 2);
  });

  it('context encoder: the first convolution is the only one in floating point', async () => {
    const { Conv, FusedConv, MatMul, Gemm, FusedGemm, ConvInteger, QLinearConv, QGemm } = await optimisedOperators(
      contextGraph(full, TINY, quantization),
      folder,
    );
    assert.deepEqual([Conv ?? FusedConv, MatMul, Gemm, FusedGemm], [1, undefined, undefined, undefined]);
    assert.deepEqual([ConvInteger, QLinearConv, QGemm], [5, 4, 1]);
  });

  it('update operator: the two heads are the only products in floating point', async () => {
    const {
      MatMul,
      Gemm = 0,
      FusedGemm = 0,
      QGemm,
    } = await optimisedOperators(updateGraph(full, TINY, quantization), folder);
    assert.equal(MatMul, undefined);
    assert.equal(Gemm + FusedGemm, 2);
    assert.equal(QGemm, UPDATE_LAYERS.length);
  });

  for (const name of listModels()) {
    const model = findModelFolder(name);
    const manifest = readManifest(model);
    if (manifest.quantization === undefined) continue;
    it(`${name}: no product is in floating point that the manifest has in int8`, async () => {
      const inFloat = (layers: readonly { name: string }[], prefix: string) =>
        layers.filter((layer) => layer.name.startsWith(prefix) && !(layer.name in manifest.quantization!.inputScales))
          .length;
      // Besides: the stem of an encoder; the two heads of the update operator.
      const expected = {
        featuresInt8: 1 + inFloat(ENCODER_LAYERS, 'patchify.fnet'),
        contextInt8: 1 + inFloat(ENCODER_LAYERS, 'patchify.inet'),
        updateInt8: 2 + inFloat(UPDATE_LAYERS, 'update'),
      };
      for (const [part, count] of Object.entries(expected) as [keyof typeof expected, number][]) {
        const operators = await optimisedOperators(await readModelFile(model, manifest, part), folder);
        const float = ['Conv', 'FusedConv', 'MatMul', 'FusedMatMul', 'Gemm', 'FusedGemm'].map(
          (type) => operators[type] ?? 0,
        );
        assert.equal(
          float.reduce((sum, number) => sum + number),
          count,
          `${part}: ${JSON.stringify(operators)}`,
        );
      }
    });
  }
});

/** What the integers of a form mean. TensorRT has no unsigned type, and scales in half precision. */
function gridsOf(scales: Scales, target: QuantizedTarget): Map<string, Grid> {
  const isSigned = new Map([...ENCODER_LAYERS, ...UPDATE_LAYERS].map(({ name, signed }) => [name, signed]));
  const grid = (name: string, { input, weight }: LayerScales): Grid => {
    const low = isSigned.get(name) ? -128 : 0;
    if (target === 'onnxruntime') return { input, weight, low, high: low + 255 };
    // The last layer of an encoder has a quarter of its scale in the graph: still one of half precision.
    return {
      input: nearestHalf(low === 0 ? (input * 255) / 127 : input),
      weight: weight.map(nearestHalf),
      low,
      high: 127,
    };
  };
  return new Map([...scales].map(([name, layer]) => [name, grid(name, layer)]));
}

function randomImage(): Planes {
  const random = randomNumbers(3);
  const data = Float64Array.from({ length: HEIGHT * WIDTH }, () => Math.fround(2 * random() - 0.5));
  return { channels: 1, height: HEIGHT, width: WIDTH, data };
}

function imageTensor({ data }: Planes): ort.Tensor {
  return new ort.Tensor('float32', Float32Array.from(data), [1, 1, HEIGHT, WIDTH]);
}

function atCells({ channels, height, width, data }: Planes, cells: Int32Array): number[] {
  return [...cells].flatMap((cell) => Array.from({ length: channels }, (_, c) => data[c * height * width + cell]!));
}

/** The pairs of one source frame, and what they should give. */
function updateProblem(weights: Weights, products: IntegerProducts, correlate?: () => number) {
  const random = randomNumbers(8);
  const dim = TINY.hiddenDim;
  const edges: Edge[] = Array.from({ length: TARGETS * PATCHES }, (_, e) => ({
    i: 0,
    j: Math.floor(e / PATCHES),
    k: e % PATCHES,
  }));
  const rows = (count: number, length: number, value: () => number) =>
    Array.from({ length: count }, () => Float64Array.from({ length }, () => Math.fround(value())));
  const hidden = rows(edges.length, dim, () => 2 * random() - 1);
  const context = rows(PATCHES, dim, () => 2 * random() - 1);
  const correlation = rows(edges.length, 882, correlate ?? (() => 4 * random() - 2));
  const flat = (table: Float64Array[], shape: number[]) =>
    new ort.Tensor('float32', Float32Array.from(table.flatMap((row) => [...row])), shape);
  return {
    inputs: {
      hidden: flat(hidden, [TARGETS, PATCHES, dim]),
      context: flat(context, [1, PATCHES, dim]),
      correlation: flat(correlation, [edges.length, 882]),
    },
    expected: edgeListUpdate(
      weights,
      edges,
      hidden,
      edges.map(({ k }) => context[k]!),
      correlation.map(publishedOrder),
      (name) => products.linear(name),
    ),
  };
}

/** [level][py][px][dy][dx] to [dx][dy][py][px][level]. */
function publishedOrder(ours: Float64Array): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: 882 }, (_, n) => {
    const [level, px, py] = [n % 2, Math.floor(n / 2) % 3, Math.floor(n / 6) % 3];
    const [dy, dx] = [Math.floor(n / 18) % 7, Math.floor(n / 126)];
    return ours[level * 441 + py * 147 + px * 49 + dy * 7 + dx]!;
  });
}

async function run(
  model: Uint8Array,
  inputs: Record<string, ort.Tensor>,
  target: QuantizedTarget,
): Promise<Record<string, Float32Array>> {
  // Without optimisations: onnxruntime would change the biases to integers of a scale that half precision cannot hold.
  const session =
    target === 'tensorrt'
      ? await ort.InferenceSession.create(model, { graphOptimizationLevel: 'disabled' })
      : await openSession(model, 'graph', 1);
  const outputs = await session.run(inputs);
  await session.release();
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]));
}

function closeTo(actual: Float32Array, expected: ArrayLike<number>, tolerance: Tolerance, what: string): void {
  assert.equal(actual.length, expected.length, what);
  const differences = Array.from(actual, (value, n) => Math.abs(value - expected[n]!));
  const worst = Math.max(...differences);
  const mean = differences.reduce((sum, d) => sum + d, 0) / differences.length;
  assert.ok(worst <= tolerance.worst, `${what} differs by ${worst}`);
  assert.ok(mean <= tolerance.mean, `${what} differs by ${mean} in the mean`);
}
