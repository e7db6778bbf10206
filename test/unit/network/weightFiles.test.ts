// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QpvoError } from '../../../src/error.ts';
import { readWeights } from '../../../src/network/weights/readWeights.ts';
import { encodeSafetensors, readSafetensors } from '../../../src/network/weights/safetensors.ts';
import type { Weights } from '../../../src/network/weights/Weights.ts';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';

// The fixtures were written by torch 2.13, numpy 2 and safetensors.
const FIXTURES = 'test/fixtures/weights';
const fixture = (name: string) => readWeights(join(FIXTURES, name));

const A = { shape: [2, 3], data: Float32Array.of(-0.5, -0.25, 0, 0.25, 0.5, 0.75) };

describe('weights files', () => {
  for (const name of ['tiny.pt', 'tiny.pth']) {
    it(`torch ${name}: nested or plain state dict, every element type, names without module.`, () => {
      const weights = fixture(name);
      assert.deepEqual(Object.fromEntries(weights), {
        a: A,
        half: { shape: [4], data: Float32Array.of(1.5, -0.25, 65504, 2 ** -24) },
        brain: { shape: [2], data: Float32Array.of(1.5, -3) },
        count: { shape: [2], data: Float32Array.of(7, -7) },
        slice: { shape: [4], data: Float32Array.of(4, 5, 6, 7) },
        scalar: { shape: [], data: Float32Array.of(2.5) },
        double: { shape: [1], data: Float32Array.of(1e-3) },
        parameter: { shape: [2], data: Float32Array.of(1, 1) },
      });
    });
  }

  it('a torch file that calls a function is refused and calls nothing', () => {
    assert.throws(() => fixture('evil.pt'), refusal(/posix\.system|os\.system/, /nothing in the file is executed/));
    assert.ok(!existsSync('executed.txt'));
  });

  it('a torch tensor that is not contiguous is refused', () => {
    assert.throws(() => fixture('transposed.pt'), refusal(/contiguous tensor of shape \[3,2\]/));
  });

  it('npz, stored', () => {
    assert.deepEqual(Object.fromEntries(fixture('stored.npz')), {
      a: A,
      half: { shape: [2], data: Float32Array.of(1.5, -0.25) },
      count: { shape: [2], data: Float32Array.of(7, -7) },
      scalar: { shape: [], data: Float32Array.of(2.5) },
    });
  });

  it('npz, deflated', () => {
    const weights = fixture('deflated.npz');
    const { shape, data } = weights.get('a')!;
    assert.deepEqual(shape, [40, 60]);
    assert.ok(data.every((value, n) => value === A.data[(Math.floor(n / 60) % 2) * 3 + (n % 3)]));
    assert.deepEqual(weights.get('double')?.data, Float32Array.of(1e-3));
  });

  it('npz in Fortran order is refused', () => {
    assert.throws(() => fixture('fortran.npz'), refusal(/C-ordered/));
  });

  it('safetensors', () => {
    assert.deepEqual(Object.fromEntries(fixture('tiny.safetensors')), {
      a: A,
      half: { shape: [4], data: Float32Array.of(1.5, -0.25, 65504, 2 ** -24) },
      brain: { shape: [2], data: Float32Array.of(1.5, -3) },
      count: { shape: [2], data: Float32Array.of(7, -7) },
    });
  });

  it('safetensors written and read again', () => {
    const weights: Weights = new Map([
      ['a', A],
      ['größe', { shape: [1], data: Float32Array.of(Math.PI) }],
      ['scalar', { shape: [], data: Float32Array.of(-1) }],
    ]);
    const bytes = encodeSafetensors(weights, { made: 'here' });
    assert.equal(Number(bytes.readBigUInt64LE(0)) % 8, 0);
    assert.deepEqual(readSafetensors(bytes, 'memory'), weights);
  });
});

describe('damaged weights files', () => {
  const folder = temporaryFolder();

  for (const name of ['tiny.pt', 'stored.npz', 'deflated.npz', 'tiny.safetensors']) {
    it(`${name}, cut at every length, is refused with advice`, () => {
      const whole = readFileSync(join(FIXTURES, name));
      const path = join(folder, name);
      for (let length = 0; length < whole.length; length += 7) {
        writeFileSync(path, whole.subarray(0, length));
        assert.throws(
          () => readWeights(path),
          refusal(/(copy or download|Save an old torch)/i),
          `${length} of ${whole.length} bytes`,
        );
      }
    });
  }

  it('tiny.pt with any byte of its pickle changed gives tensors or a refusal, nothing else', () => {
    const whole = readFileSync(join(FIXTURES, 'tiny.pt'));
    const path = join(folder, 'changed.pt');
    const start = whole.indexOf('data.pkl');
    for (let at = start; at < start + 1500; at += 3) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 0x55;
      writeFileSync(path, changed);
      try {
        assert.ok(readWeights(path) instanceof Map);
      } catch (error) {
        assert.ok(error instanceof QpvoError && error.code === 'QPVO_MODEL', `byte ${at}: ${error}`);
      }
    }
  });

  it('another kind of file', () => {
    assert.throws(() => readWeights('package.json'), refusal(/torch \.pt \/ \.pth/));
  });

  it('no file', () => {
    assert.throws(
      () => readWeights(join(folder, 'absent.pt')),
      (error) => error instanceof QpvoError && error.code === 'QPVO_NOT_FOUND',
    );
  });
});

function refusal(...patterns: RegExp[]): (error: unknown) => boolean {
  return (error) =>
    error instanceof QpvoError &&
    error.code === 'QPVO_MODEL' &&
    patterns.every((pattern) => pattern.test(error.message));
}
