// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { errorOf, errorsOf, readGolden, STAGES, stageOutputs } from '../../bench/numerics/stageErrors.ts';
import { findModelFolder } from '../../src/network/modelFolder.ts';
import { PORTABLE_FORMS } from '../../src/network/openNetwork.ts';

describe('errors of the stages', () => {
  it('are the relative root mean square and the greatest difference', () => {
    const { rmsPercent, worst } = errorOf(Float32Array.of(3, 4.5), Float32Array.of(3, 4));
    assert.ok(Math.abs(rmsPercent - 10) < 1e-6);
    assert.equal(worst, 0.5);
  });

  it('of onnxruntime in fp32 are those of single precision, and a wrong output is seen', async function () {
    this.timeout(60_000);
    const folder = findModelFolder('small');
    const golden = readGolden(folder, 'golden')!;
    const outputs = await stageOutputs(folder, PORTABLE_FORMS, golden);
    const errors = errorsOf(outputs, golden);
    assert.deepEqual(
      errors.map(({ stage }) => stage),
      STAGES,
    );
    for (const { stage, rmsPercent, worst } of errors) {
      assert.ok(rmsPercent < 0.01 && worst < 1e-4, `${stage}: ${rmsPercent} %, ${worst}`);
    }
    outputs.delta.reverse();
    assert.ok(errorsOf(outputs, golden)[STAGES.indexOf('delta')]!.rmsPercent > 10);
  });
});
