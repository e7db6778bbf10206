// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import { PARTS } from './modelParts.ts';
import { CORRELATION_LAYOUT } from './onnx/correlationColumns.ts';
import { provenanceFault } from './provenance.ts';
import { quantizedLayer } from './quantization/quantizedLayers.ts';
import { SCHEME } from './quantization/readScales.ts';
import { checkRunnable } from './weights/networkSizes.ts';

/**
 * Checks type and range of every field of a manifest of this version.
 * @throws QPVO_MODEL naming the first field that is wrong, or a width that cannot be run
 */
export function checkManifestFields(value: Record<string, unknown>, path: string): void {
  const text = (key: string) => check(typeof value[key] === 'string', key, 'text', value[key]);
  const check = (good: boolean, key: string, expected: string, received: unknown) => {
    if (!good) throw invalidManifest(path, `${expected} at "${key}"`, JSON.stringify(received) ?? 'nothing');
  };
  for (const key of ['name', 'description', 'licence', 'training']) text(key);
  const fault = value.provenance === undefined ? undefined : provenanceFault(value.provenance);
  if (fault !== undefined) check(false, `provenance.${fault.key}`.replace(/\.$/, ''), fault.expected, fault.received);
  check(isCount(value.parameters), 'parameters', 'a count', value.parameters);
  const sizes = record(value.sizes);
  for (const key of ['width', 'featureDim', 'hiddenDim']) {
    check(isCount(sizes[key]), `sizes.${key}`, 'a positive whole number', sizes[key]);
  }
  check(sizes.inputChannels === 1 || sizes.inputChannels === 3, 'sizes.inputChannels', '1 or 3', sizes.inputChannels);
  check(sizes.patchSize === 3, 'sizes.patchSize', '3', sizes.patchSize);
  check(sizes.radius === 3, 'sizes.radius', '3', sizes.radius);
  check(String(sizes.levels) === '1,4', 'sizes.levels', '[1,4]', sizes.levels);
  checkRunnable({ featureDim: sizes.featureDim as number, hiddenDim: sizes.hiddenDim as number }, path);
  const { scale, offset, channels } = record(value.normalisation);
  check(
    Number.isFinite(scale) && (scale as number) > 0 && Number.isFinite(offset),
    'normalisation',
    'a positive scale and an offset',
    value.normalisation,
  );
  const kind = sizes.inputChannels === 1 ? 'grey' : 'bgr';
  check(channels === kind, 'normalisation.channels', `"${kind}", as sizes.inputChannels says`, channels);
  check(value.correlation === CORRELATION_LAYOUT, 'correlation', `"${CORRELATION_LAYOUT}"`, value.correlation);
  const windows = record(value.windows);
  for (const key of ['patchesPerFrame', 'removalWindow', 'patchLifetime', 'optimizationWindow']) {
    check(isCount(windows[key]), `windows.${key}`, 'a positive whole number', windows[key]);
  }
  if (value.quantization !== undefined) {
    const { scheme, inputScales } = record(value.quantization);
    check(scheme === SCHEME, 'quantization.scheme', `"${SCHEME}"`, scheme);
    const scales = Object.entries(record(inputScales));
    check(scales.length > 0, 'quantization.inputScales', 'a scale of at least one layer', inputScales);
    for (const [layer, scale] of scales) {
      const key = `quantization.inputScales.${layer}`;
      check(quantizedLayer(layer) !== undefined, key, 'a layer that can be quantized', layer);
      check(Number.isFinite(scale) && (scale as number) > 0, key, 'a finite number above 0', scale);
    }
  }
  for (const [part, file] of Object.entries(record(value.files))) {
    check((PARTS as readonly string[]).includes(part), `files.${part}`, `one of ${PARTS.join(' ')}`, part);
    const { name, bytes, sha256 } = record(file);
    check(
      typeof name === 'string' && /^[\w.-]+$/.test(name),
      `files.${part}.name`,
      'a file name without folders',
      name,
    );
    check(isCount(bytes) && /^[0-9a-f]{64}$/.test(String(sha256)), `files.${part}`, 'a length and a sha256', file);
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

export function invalidManifest(path: string, expected: string, received: string): QpvoError {
  return new QpvoError('QPVO_MODEL', {
    what: `${path} is no model manifest`,
    expected,
    received,
    advice: 'Import the model again with qpvo import.',
  });
}
