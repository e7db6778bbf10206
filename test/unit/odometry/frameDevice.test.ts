// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { Device } from '../../../src/config/Profile.ts';
import { defaultParameters } from '../../../src/config/parameters.ts';
import type { NetworkForms } from '../../../src/network/neededParts.ts';
import { CpuDevice } from '../../../src/odometry/CpuDevice.ts';
import { PatchOdometry } from '../../../src/odometry/PatchOdometry.ts';
import { MODEL_DIR, sceneCamera } from '../../fixtures/texturedScene.ts';

describe('device of the odometry', () => {
  const open = (device: Device, runtime: NetworkForms['runtime'], precision: NetworkForms['precision']) =>
    PatchOdometry.create({
      calibration: sceneCamera(),
      modelDir: MODEL_DIR,
      parameters: { ...defaultParameters(), networkScale: 0.5 },
      device,
      runtime,
      precision,
    });
  const both = <T>(value: T) => ({ encoder: value, update: value });

  for (const [runtime, precision, held] of [
    ['native', 'int8', 'in int8'],
    ['native', 'fp32', 'in fp32'],
    ['onnxruntime', 'int8', 'in fp32'],
  ] as const) {
    it(`holds the features of encoders by ${runtime} in ${precision} ${held}`, async () => {
      const parameters = { ...defaultParameters(), networkScale: 0.5, patchesPerFrame: 8, threads: 1 };
      const device = await CpuDevice.open({
        calibration: sceneCamera(),
        modelDir: MODEL_DIR,
        parameters,
        runtime: both(runtime),
        precision: both(precision),
      });
      const { features, correlation } = device.buffers;
      await device.samplePatches(0, 0, 0, 'random', 0.5);
      // Beside a feature of 1,000, one of 1 is less than half a step of 1,000 / 127.
      features.fill(1);
      features[0] = 1000;
      await device.insertFrame(0);
      await device.correlate(1);
      const isSeen = correlation.subarray(0, 882).some((value) => value > 0 && value < 1000);
      assert.equal(isSeen, held === 'in fp32');
      await device.close();
    });
  }

  it('refuses runtimes that are not of it, and takes nothing else in their place', async () => {
    await assert.rejects(open('cuda', both('native'), both('fp32')), {
      code: 'QPVO_PROFILE_UNAVAILABLE',
      message: /no such form of a network on a GPU: expected cuda or tensorrt.*received native in fp32/,
    });
    await assert.rejects(open('cpu', both('cuda'), both('fp16')), {
      code: 'QPVO_PROFILE_UNAVAILABLE',
      message: /on the CPU: expected onnxruntime or native.*received cuda in fp16/,
    });
  });

  it('refuses a deep learning accelerator for networks that it cannot compute', async () => {
    const accelerated = (device: Device, runtime: NetworkForms['runtime'], precision: NetworkForms['precision']) =>
      PatchOdometry.create({
        calibration: sceneCamera(),
        modelDir: MODEL_DIR,
        parameters: { ...defaultParameters(), dlaCore: 0 },
        device,
        runtime,
        precision,
      });
    for (const [device, name, precision] of [
      ['cpu', 'native', 'fp32'],
      ['cuda', 'cuda', 'fp16'],
      ['cuda', 'tensorrt', 'int8'],
    ] as const) {
      await assert.rejects(accelerated(device, both(name), both(precision)), {
        code: 'QPVO_PARAMETER',
        message: new RegExp(
          `dlaCore: expected -1, or a profile .* received 0, with encoders in ${precision} by ${name}`,
        ),
      });
    }
  });
});
