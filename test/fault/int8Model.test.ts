// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QpvoError } from '../../src/error.ts';
import { checksum, readManifest } from '../../src/network/manifest.ts';
import type { NetworkForms } from '../../src/network/neededParts.ts';
import { openNetwork } from '../../src/network/openNetwork.ts';
import { encodeSafetensors, readMixedSafetensors } from '../../src/network/weights/safetensors.ts';
import { writeInt8Model } from '../conformance/int8Model.ts';
import { temporaryFolder } from '../conformance/temporaryFolder.ts';
import { runCli } from './runCli.ts';

// biome-ignore lint/suspicious/noExplicitAny: a manifest that is to be damaged
type Json = any;

const inInt8 = (runtime: 'onnxruntime' | 'native'): NetworkForms => ({
  runtime: { encoder: runtime, update: runtime },
  precision: { encoder: 'int8', update: 'int8' },
});

describe('int8 models that cannot be used', function () {
  this.timeout(60000);
  const folder = temporaryFolder();
  const whole = join(folder, 'whole');
  const model = join(folder, 'model');
  before(() => writeInt8Model(folder, 'whole'));
  beforeEach(() => {
    rmSync(model, { recursive: true, force: true });
    cpSync(whole, model, { recursive: true });
  });

  const edit = (change: (manifest: Json) => void) => {
    const path = join(model, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Json;
    change(manifest);
    writeFileSync(path, JSON.stringify(manifest));
  };
  /** Changes the int8 weights, and their checksum with them. */
  const editWeights = (change: (tensors: ReturnType<typeof readMixedSafetensors>) => void) => {
    const path = join(model, 'weights_int8.safetensors');
    const tensors = readMixedSafetensors(readFileSync(path), path);
    change(tensors);
    const bytes = encodeSafetensors(tensors);
    writeFileSync(path, bytes);
    edit((m) => Object.assign(m.files.weightsInt8, { bytes: bytes.length, sha256: checksum(bytes) }));
  };

  const LAYER = 'update.c1.0';
  const faults: [string, 'onnxruntime' | 'native', () => void, RegExp][] = [
    ['no scales in the manifest', 'onnxruntime', () => edit((m) => delete m.quantization), /does not say the scales/],
    ['no scales in the manifest', 'native', () => edit((m) => delete m.quantization), /does not say the scales/],
    [
      'no scale of any layer of the update operator',
      'onnxruntime',
      () =>
        edit((m) => {
          for (const layer of Object.keys(m.quantization.inputScales))
            if (layer.startsWith('update.')) delete m.quantization.inputScales[layer];
        }),
      /no scales for a layer of the update operator/,
    ],
    [
      'NaN, which JSON has as null',
      'onnxruntime',
      () => edit((m) => Object.assign(m.quantization.inputScales, { [LAYER]: Number.NaN })),
      /a finite number above 0 at "quantization\.inputScales\.update\.c1\.0", but received null/,
    ],
    [
      'a scale of zero',
      'onnxruntime',
      () => edit((m) => Object.assign(m.quantization.inputScales, { [LAYER]: 0 })),
      /received 0/,
    ],
    [
      'a negative scale',
      'native',
      () => edit((m) => Object.assign(m.quantization.inputScales, { [LAYER]: -1 })),
      /received -1/,
    ],
    [
      'an unknown layer',
      'native',
      () => edit((m) => Object.assign(m.quantization.inputScales, { tail: 1 })),
      /layer that can be/,
    ],
    [
      'no scale at all',
      'native',
      () => edit((m) => Object.assign(m.quantization, { inputScales: {} })),
      /at least one layer/,
    ],
    ...(['native', 'onnxruntime'] as const).flatMap((runtime): typeof faults => [
      [
        'no scale of one layer',
        runtime,
        () => edit((m) => delete m.quantization.inputScales[LAYER]),
        /disagree about update\.c1\.0: expected quantization\.inputScales\.update\.c1\.0 = .*, but received none/,
      ],
      [
        'another scale than the weights were made with',
        runtime,
        () => edit((m) => Object.assign(m.quantization.inputScales, { [LAYER]: 7 })),
        /disagree about update\.c1\.0: .* but received 7/,
      ],
      [
        'a scale of a layer that is not in int8',
        runtime,
        () =>
          editWeights((t) => {
            const { shape, data } = t.get(`${LAYER}.weight`)!;
            t.set(`${LAYER}.weight`, { shape, data: Float32Array.from(data) });
          }),
        /disagree about update\.c1\.0: expected no scale/,
      ],
    ]),
    [
      'another scheme',
      'native',
      () => edit((m) => Object.assign(m.quantization, { scheme: 'w4' })),
      /"quantization\.scheme"/,
    ],
    [
      'no graph for onnxruntime',
      'onnxruntime',
      () => edit((m) => delete m.files.updateInt8),
      /no part "updateInt8" for the update operator in int8.*qpvo import --scales/,
    ],
    [
      'no int8 weights',
      'native',
      () => edit((m) => delete m.files.weightsInt8),
      /no part "weightsInt8" for the encoders in int8.*qpvo import --scales/,
    ],
    [
      'int8 weights without a scale',
      'native',
      () => editWeights((t) => t.delete(`${LAYER}.input_scale`)),
      /update\.c1\.0\.input_scale in fp32, but received none/,
    ],
    [
      'int8 weights with a scale of NaN',
      'native',
      () => editWeights((t) => t.get(`${LAYER}.weight_scale`)!.data.set([Number.NaN], 0)),
      /finite numbers above 0, but received NaN at 0/,
    ],
    [
      'int8 weights with a scale of zero',
      'native',
      () => editWeights((t) => t.get(`${LAYER}.weight_scale`)!.data.set([0], 0)),
      /finite numbers above 0, but received 0 at 0/,
    ],
  ];
  for (const [name, runtime, damage, message] of faults) {
    it(`${name}: ${runtime} refuses`, async () => {
      damage();
      await assert.rejects(openNetwork(model, { threads: 1, ...inInt8(runtime) }), (error) => {
        assert.ok(error instanceof QpvoError, `${error}`);
        assert.equal(error.code, 'QPVO_MODEL');
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('one without scales in the manifest still runs in fp32', async () => {
    edit((m) => delete m.quantization);
    await (await openNetwork(model, { threads: 1 })).close();
    const unsaid = { runtime: undefined, precision: undefined } as unknown as Partial<NetworkForms>;
    await (await openNetwork(model, { threads: 1, ...unsaid })).close();
  });

  it('fp16 and runtimes of GPUs are refused', async () => {
    for (const forms of [
      { runtime: { encoder: 'tensorrt', update: 'onnxruntime' }, precision: { encoder: 'int8', update: 'fp32' } },
      { runtime: { encoder: 'onnxruntime', update: 'native' }, precision: { encoder: 'fp32', update: 'fp16' } },
      { runtime: { encoder: 'native', update: 'onnxruntime' }, precision: { encoder: 'fp32', update: 'fp16' } },
      { runtime: { encoder: 'onnxruntime', update: 'native' }, precision: { encoder: 'fp16', update: 'fp32' } },
    ] as const) {
      await assert.rejects(openNetwork(model, { threads: 1, ...forms }), { code: 'QPVO_PROFILE_UNAVAILABLE' });
    }
  });
});

describe('qpvo with int8 models', function () {
  this.timeout(60000);
  const folder = temporaryFolder();
  const weights = join(folder, 'tiny.safetensors');
  const scales = join(folder, 'scales.safetensors');
  before(() => writeInt8Model(folder, 'whole'));

  it('import adds int8 forms with --scales, and says how many layers', async () => {
    const out = join(folder, 'imported');
    const { code, stdout, stderr } = await runCli(['import', weights, '--out', out, '--scales', scales]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /model tiny .*39 layers in int8/);
    assert.ok(readManifest(out).files.updateTensorrt !== undefined);
  });

  it('import refuses scales of another network, and writes nothing', async () => {
    const tensors = readMixedSafetensors(readFileSync(scales), scales);
    tensors.delete('update.gru.3.res.2.input_scale');
    const damaged = join(folder, 'damaged.safetensors');
    writeFileSync(damaged, encodeSafetensors(tensors, { scheme: 'w_s8_channel_a_u8s8_tensor' }));
    const out = join(folder, 'refused');
    const { code, stderr } = await runCli(['import', weights, '--out', out, '--scales', damaged]);
    assert.equal(code, 1);
    assert.match(stderr, /damaged\.safetensors.*gru\.3\.res\.2\.input_scale, but received no such tensor.*QPVO_MODEL/);
    assert.throws(() => readManifest(out));
  });

  it('import refuses golden tensors of an int8 network without its scales', async () => {
    const { code, stderr } = await runCli(['import', weights, '--out', join(folder, 'none'), '--golden-int8', scales]);
    assert.notEqual(code, 0);
    assert.match(stderr, /expected the scales of its layers too.*QPVO_USAGE/);
  });

  it('info lists precisions and runtimes of a model', async () => {
    const { code, stdout } = await runCli(['info', join(folder, 'whole')]);
    assert.equal(code, 0);
    assert.match(stdout, /^int8 layers +39$/m);
    assert.match(stdout, /^encoders +int8 with onnxruntime, .* MB, runs here$/m);
    assert.match(stdout, /^update +int8 with tensorrt, .* MB, not on this computer$/m);
    const { stdout: json } = await runCli(['info', join(folder, 'whole'), '--json']);
    assert.equal((JSON.parse(json) as Json).manifest.name, 'whole');
  });

  it('run refuses a profile whose parts the model lacks, with the profiles that can run', async () => {
    const plain = join(folder, 'plain');
    assert.equal((await runCli(['import', weights, '--out', plain])).code, 0);
    const { code, stderr } = await runCli(['run', 'demo/sequence', '--profile', 'cpu_int8', '--model', plain]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /cpu_int8 cannot run here: the model tiny has no part "weightsInt8".*can run here: cpu_fp32, .*QPVO_PROFILE_UNAVAILABLE/,
    );
  });
});
