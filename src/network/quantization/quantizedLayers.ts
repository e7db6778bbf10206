// SPDX-License-Identifier: MIT

/** A layer that may be computed in int8. */
export interface QuantizedLayer {
  /** Its name in the weights file, without `.weight`. */
  name: string;
  /** Whether its input has values below zero; the others come out of a ReLU. */
  signed: boolean;
  /** Layers with the same input share its scale, and are quantized together or not at all: name of the first of them. */
  group: string;
}

const UNSIGNED_ENCODER_LAYERS = [
  'layer1.0.conv1',
  'layer1.0.conv2',
  'layer1.1.conv1',
  'layer1.1.conv2',
  'layer2.0.conv1',
  'layer2.0.conv2',
  'layer2.0.downsample.0',
  'layer2.1.conv1',
  'layer2.1.conv2',
  'conv2',
] as const;

/** The 7x7 convolution over the image stays in floating point. */
export const ENCODER_LAYERS: readonly QuantizedLayer[] = ['patchify.fnet', 'patchify.inet'].flatMap((net) =>
  UNSIGNED_ENCODER_LAYERS.map((layer) => ({
    name: `${net}.${layer}`,
    signed: false,
    group: `${net}.${layer === 'layer2.0.downsample.0' ? 'layer2.0.conv1' : layer}`,
  })),
);

const s = (name: string, group = name): QuantizedLayer => layer(name, group, true);
const u = (name: string): QuantizedLayer => layer(name, name, false);

function layer(name: string, group: string, signed: boolean): QuantizedLayer {
  return { name: `update.${name}`, signed, group: `update.${group}` };
}

/** The two heads stay in floating point. */
export const UPDATE_LAYERS: readonly QuantizedLayer[] = [
  s('corr.0'),
  u('corr.2'),
  u('corr.5'),
  ...['c1', 'c2'].flatMap((block) => [s(`${block}.0`), u(`${block}.2`)]),
  ...['agg_kk', 'agg_ij'].flatMap((block) => [s(`${block}.f`), s(`${block}.g`, `${block}.f`), s(`${block}.h`)]),
  ...['gru.1', 'gru.3'].flatMap((block) => [
    s(`${block}.gate.0`),
    s(`${block}.res.0`, `${block}.gate.0`),
    u(`${block}.res.2`),
  ]),
];

const LAYERS: ReadonlyMap<string, QuantizedLayer> = new Map(
  [...ENCODER_LAYERS, ...UPDATE_LAYERS].map((entry) => [entry.name, entry]),
);

/** The layer of that name; undefined when there is none, or none that may be quantized. */
export function quantizedLayer(name: string): QuantizedLayer | undefined {
  return LAYERS.get(name);
}
