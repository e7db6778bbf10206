// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { Device } from '../../../src/config/Profile.ts';
import { defaultParameters } from '../../../src/config/parameters.ts';
import type { NetworkForms } from '../../../src/network/neededParts.ts';
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
});
