// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseProfile } from '../../../src/config/chooseProfile.ts';
import { type GpuOffer, gpuOffer } from '../../../src/config/gpuOffer.ts';
import type { Precision } from '../../../src/config/Profile.ts';
import {
  type Machine,
  type ModelParts,
  modelOf,
  profileObstacle,
  runnableProfiles,
  thisMachine,
} from '../../../src/config/profileObstacle.ts';
import { listProfiles, PROFILE_FOLDER, readProfile } from '../../../src/config/readProfile.ts';
import { resolveParameters } from '../../../src/config/resolveParameters.ts';
import { selectProfile } from '../../../src/config/selectProfile.ts';
import type { GpuReport } from '../../../src/native/addon.ts';
import type { GpuProbe } from '../../../src/native/gpuProbe.ts';
import { PARTS, type Part } from '../../../src/network/modelParts.ts';
import { maxPairs } from '../../../src/odometry/windows.ts';

describe('profiles', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-profile-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('all of the package can be read, and their parameters are allowed', () => {
    const names = listProfiles();
    assert.deepEqual(names, [
      'cpu_fp32',
      'cpu_fp32_default',
      'cpu_fp32_half',
      'cpu_fp32_onnxruntime',
      'cpu_int8',
      'cpu_int8_onnxruntime',
      'cpu_realtime',
      'cpu_realtime_fp32',
      'desktop_fp16',
      'desktop_int8',
      'orin_fp16',
      'orin_fp16_tensorrt',
      'orin_int8',
      'orin_int8_tensorrt',
      'reference_fp32',
    ]);
    for (const name of names) {
      const profile = readProfile(name);
      assert.equal(profile.name, name);
      resolveParameters([{ origin: `profile ${name}`, values: profile.parameters }]);
    }
  });

  it('hold the windows of the publication', () => {
    const { values } = resolveParameters([{ origin: 'profile', values: readProfile('cpu_fp32_default').parameters }]);
    assert.deepEqual(
      [values.patchesPerFrame, values.removalWindow, values.optimizationWindow, values.patchLifetime],
      [96, 22, 10, 13],
    );
  });

  it('can be given by path', async () => {
    const path = join(folder, 'mine.yaml');
    await writeFile(path, await readFile(join(PROFILE_FOLDER, 'cpu_fp32_half.yaml'), 'utf8'));
    const profile = readProfile(path);
    assert.equal(profile.name, 'mine');
    assert.deepEqual(profile.parameters, { networkScale: 0.5 });
  });

  it('refuses an unknown name, listing those present', () => {
    assert.throws(() => readProfile('cpu_fp23'), {
      code: 'QPVO_USAGE',
      message:
        /unknown profile "cpu_fp23": expected auto, cpu_fp32, cpu_fp32_default, cpu_fp32_half,.*Did you mean cpu_fp32\?/,
    });
  });

  it('refuses a path without a file', () => {
    assert.throws(() => readProfile(join(folder, 'nothing.yaml')), { code: 'QPVO_PROFILE', message: /ENOENT/ });
  });

  const good = {
    description: 'test',
    device: 'cpu',
    model: 'small',
    runtime: { encoder: 'onnxruntime', update: 'onnxruntime' },
    precision: { encoder: 'fp32', update: 'fp32' },
    parameters: {},
  };
  for (const [name, document, message] of [
    ['an unknown key', { ...good, backend: 'cpu' }, /only the keys description, .*\(not backend\)/],
    ['an unknown inner key', { ...good, runtime: { ...good.runtime, decoder: 'x' } }, /runtime.*not decoder/],
    ['an unknown device', { ...good, device: 'tpu' }, /device.*expected cpu or cuda, but received "tpu"/],
    [
      'an unknown precision',
      { ...good, precision: { encoder: 'int4', update: 'fp32' } },
      /encoder.*expected fp32 or fp16 or int8/,
    ],
    ['an unknown runtime', { ...good, runtime: { encoder: 'torch', update: 'cuda' } }, /encoder.*received "torch"/],
    ['a missing key', { ...good, model: undefined }, /model.*expected text, but received nothing/],
    ['parameters as a list', { ...good, parameters: [1] }, /parameters.*expected a mapping/],
    ['no mapping', 'cpu', /profile.*expected a mapping, but received "cpu"/],
  ] as const) {
    it(`refuses ${name}`, async () => {
      const path = join(folder, 'bad.yaml');
      await writeFile(path, JSON.stringify(document));
      assert.throws(() => readProfile(path), { code: 'QPVO_PROFILE', message });
    });
  }

  it('auto: fp32 at full resolution for recordings, int8 or less for live runs on few cores', () => {
    const choose = (cores: number, realtime: boolean, canRun = true, int8Pays = true) =>
      chooseProfile({ cores, int8Pays, gpu: () => noGpu }, realtime, () => canRun);
    assert.equal(choose(2, false).name, 'cpu_fp32');
    assert.equal(choose(2, true).name, 'cpu_realtime');
    assert.match(choose(2, true).reason, /2 cores/);
    assert.equal(choose(2, true, false).name, 'cpu_realtime_fp32');
    assert.match(choose(2, true, false).reason, /2 cores.*no int8 parts/);
    assert.equal(choose(2, true, true, false).name, 'cpu_realtime_fp32');
    assert.match(
      choose(2, true, true, false).reason,
      /2 cores.*no instructions for products of int8 are known of this processor$/,
    );
    assert.equal(choose(4, true).name, 'cpu_int8');
    assert.equal(choose(4, true, false).name, 'cpu_fp32_half');
    assert.equal(choose(4, true, true, false).name, 'cpu_fp32_half');
    assert.equal(choose(8, true).name, 'cpu_fp32');
  });
});

const noGpu = {
  obstacle: 'no NVIDIA driver is loaded',
  name: '',
  integrated: false,
  support: [],
  tensorrtObstacle: '',
};

const goodReport: GpuReport = {
  runtimeVersion: 13000,
  driverVersion: 13010,
  devices: [{ name: 'GPU of 2026', computeCapability: 90, totalMb: 16000, freeMb: 15000, integrated: false }],
  fault: '',
};

describe('profiles and machines', () => {
  const both = (...precisions: Precision[]) => ({ encoder: precisions, update: precisions });
  const plain: Machine = {
    cores: 2,
    int8Pays: false,
    support: [
      { device: 'cpu', runtime: 'onnxruntime', precisions: both('fp32') },
      { device: 'cpu', runtime: 'native', precisions: both('fp32') },
    ],
    gpu: () => noGpu,
  };
  const jetson: Machine = {
    ...plain,
    cores: 8,
    int8Pays: true,
    gpu: () => ({
      obstacle: '',
      name: 'Orin',
      integrated: true,
      support: [
        { device: 'cuda', runtime: 'tensorrt', precisions: both('fp16', 'int8') },
        { device: 'cuda', runtime: 'cuda', precisions: both('fp16') },
      ],
      tensorrtObstacle: '',
    }),
  };
  const desktop: Machine = { ...plain, gpu: () => gpuOffer({ report: goodReport }, 'libnvinfer is gone') };
  const file = { name: 'file', bytes: 1, sha256: '0' };
  const inputScales = { 'patchify.fnet.conv2': 0.1, 'update.corr.0': 0.1 };
  const complete: ModelParts = {
    name: 'complete',
    files: Object.fromEntries(PARTS.map((part) => [part, file])),
    quantization: { scheme: 'w_s8_channel_a_u8s8_tensor', inputScales },
  };
  const without = (...parts: Part[]): ModelParts => ({
    ...complete,
    files: Object.fromEntries(PARTS.filter((part) => !parts.includes(part)).map((part) => [part, file])),
  });
  const obstacle = (name: string, machine: Machine, model = complete) =>
    profileObstacle(readProfile(name), machine, model);

  it('everything in fp32 on the CPU can run anywhere', () => {
    const names = runnableProfiles(plain);
    for (const name of ['cpu_fp32', 'cpu_fp32_default', 'cpu_fp32_half', 'cpu_realtime_fp32', 'reference_fp32']) {
      assert.ok(names.includes(name), name);
    }
    assert.ok(!names.includes('cpu_int8') && !names.includes('desktop_fp16'));
  });

  it('int8 on the CPU can run where the model has its parts', () => {
    for (const name of ['cpu_int8', 'cpu_int8_onnxruntime']) {
      assert.equal(obstacle(name, thisMachine()), undefined);
      const profile = readProfile(name);
      const isRunnable = profileObstacle(profile, thisMachine(), modelOf(profile)) === undefined;
      assert.equal(runnableProfiles().includes(name), isRunnable);
      assert.equal(isRunnable, modelOf(profile).files.weightsInt8 !== undefined);
    }
  });

  it('says what is missing: a device, a runtime, a precision, each with what there is', () => {
    assert.equal(obstacle('orin_int8', plain), 'it needs an NVIDIA GPU with CUDA: no NVIDIA driver is loaded');
    assert.match(
      obstacle('orin_int8_tensorrt', desktop)!,
      /^TensorRT for the encoders is missing: libnvinfer is gone$/,
    );
    assert.match(
      obstacle('cpu_int8', plain)!,
      /encoders on cpu with onnxruntime in fp32, native in fp32 only, not with native in int8$/,
    );
    assert.match(
      obstacle('cpu_int8_onnxruntime', plain)!,
      /encoders on cpu with onnxruntime in fp32, native in fp32 only, not with onnxruntime in int8/,
    );
    const half = { ...readProfile('cpu_int8'), precision: { encoder: 'int8', update: 'fp16' } } as const;
    assert.match(
      profileObstacle(half, thisMachine(), complete)!,
      /update operator on cpu with onnxruntime in fp32 or int8, native in fp32 or int8 only, not with native in fp16/,
    );
    assert.equal(obstacle('cpu_fp32', plain), undefined);
  });

  it('says which part of the model is missing', () => {
    const machine = thisMachine();
    assert.match(obstacle('cpu_int8', machine, without('weightsInt8'))!, /complete has no part "weightsInt8" for the/);
    assert.match(
      obstacle('cpu_int8_onnxruntime', machine, without('contextInt8', 'featuresInt8'))!,
      /no part "featuresInt8" and "contextInt8" for the encoders in int8/,
    );
    assert.match(
      obstacle('reference_fp32', machine, without('update'))!,
      /no part "update" for the update operator in fp32/,
    );
    const { quantization: _, ...unscaled } = complete;
    assert.match(obstacle('cpu_int8', machine, unscaled)!, /does not say the scales of its int8 layers/);
    const encoders = { ...complete.quantization!, inputScales: { 'patchify.fnet.conv2': 0.1 } };
    assert.match(
      obstacle('cpu_int8', machine, { ...complete, quantization: encoders })!,
      /no scales for a layer of the update operator/,
    );
  });

  it('judges both networks on a machine that can do part of it', () => {
    assert.equal(obstacle('orin_fp16', jetson), undefined);
    assert.equal(obstacle('orin_fp16_tensorrt', jetson), undefined);
    assert.match(
      obstacle('orin_int8_tensorrt', jetson)!,
      /update operator on cuda with tensorrt in .* cuda in fp16 only, not with/,
    );
    assert.match(obstacle('desktop_int8', jetson)!, /encoders on cuda with .*, not with cuda in int8/);
  });

  it('auto takes the GPU when there is one: int8 on a Jetson, fp16 elsewhere, where the model and the kernels can', () => {
    const choose = (gpu: GpuOffer, able: string[]) =>
      chooseProfile({ ...plain, gpu: () => gpu }, true, (name) => able.includes(name));
    const every = ['orin_int8', 'orin_fp16', 'desktop_int8', 'desktop_fp16'];
    assert.equal(choose(jetson.gpu(), every).name, 'orin_int8');
    assert.match(choose(jetson.gpu(), every).reason, /Orin/);
    assert.equal(choose(jetson.gpu(), ['orin_fp16']).name, 'orin_fp16');
    assert.equal(choose(desktop.gpu(), every).name, 'desktop_fp16');
    assert.equal(choose(desktop.gpu(), []).name, 'cpu_realtime_fp32');
    assert.equal(choose(noGpu, every).name, 'cpu_realtime_fp32');
  });

  it('a GPU that cannot be used is told with the reason', () => {
    const fault = (probe: GpuProbe) => gpuOffer(probe, '').obstacle;
    const [gpu] = goodReport.devices;
    assert.equal(fault({ report: goodReport }), '');
    assert.equal(fault({ obstacle: 'the driver seems broken' }), 'the driver seems broken');
    assert.equal(fault({ report: { ...goodReport, driverVersion: 0, devices: [] } }), 'no NVIDIA driver is loaded');
    const old = { ...goodReport, driverVersion: 11080, devices: [], fault: 'insufficient driver' };
    assert.match(fault({ report: old }), /driver for CUDA 11\.8 does not work with CUDA 13\.0 .*: insufficient driver/);
    assert.match(fault({ report: { ...goodReport, devices: [] } }), /CUDA 13\.1\) shows no GPU/);
    const turing = { ...goodReport, devices: [{ ...gpu!, computeCapability: 75 }] };
    assert.match(fault({ report: turing }), /GPU of 2026 has compute capability 7\.5, and 8\.0/);
    assert.match(fault({ report: { ...goodReport, fault: 'no kernel image' } }), /do not run on .*: no kernel image/);
  });

  it('one that cannot run is refused, with those that can, and never replaced', () => {
    for (const name of ['orin_fp16', 'desktop_int8', 'cpu_int8']) {
      assert.throws(() => selectProfile(name, true, plain), {
        code: 'QPVO_PROFILE_UNAVAILABLE',
        message: new RegExp(
          `profile ${name} cannot run here: .*Profiles that can run here: cpu_fp32, .*reference_fp32`,
        ),
      });
    }
  });

  it('auto tells its reason, a named profile needs none, and auto always takes one that can run', () => {
    assert.deepEqual(selectProfile('cpu_fp32', true, plain).reason, '');
    for (const cores of [1, 2, 3, 4, 7, 8, 64]) {
      for (const realtime of [false, true]) {
        const { profile, reason } = selectProfile('auto', realtime, { ...plain, cores });
        assert.ok(runnableProfiles(plain).includes(profile.name));
        assert.notEqual(reason, '');
      }
    }
  });

  it('the profiles for live cameras ask less of the machine than those for recordings', () => {
    const values = (name: string) => resolveParameters([{ origin: name, values: readProfile(name).parameters }]).values;
    const edges = (name: string) => maxPairs(values(name)) * values(name).patchesPerFrame;
    assert.ok(edges('cpu_realtime') < 0.5 * edges('cpu_int8'));
    assert.ok(edges('cpu_realtime_fp32') < 0.5 * edges('cpu_fp32_half'));
    assert.equal(values('cpu_realtime_fp32').networkScale, 0.5);
  });
});
