// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseProfile } from '../../../src/config/chooseProfile.ts';
import { type Machine, profileObstacle, runnableProfiles, thisMachine } from '../../../src/config/profileObstacle.ts';
import { listProfiles, PROFILE_FOLDER, readProfile } from '../../../src/config/readProfile.ts';
import { resolveParameters } from '../../../src/config/resolveParameters.ts';
import { selectProfile } from '../../../src/config/selectProfile.ts';
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
      'cpu_int8',
      'cpu_realtime',
      'desktop_fp16',
      'desktop_int8',
      'orin_fp16',
      'orin_int8',
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

  it('auto: full resolution for recordings, less for live runs on few cores', () => {
    assert.equal(chooseProfile({ cores: 2 }, false).name, 'cpu_fp32');
    assert.equal(chooseProfile({ cores: 2 }, true).name, 'cpu_realtime');
    assert.match(chooseProfile({ cores: 2 }, true).reason, /2 cores/);
    assert.equal(chooseProfile({ cores: 4 }, true).name, 'cpu_fp32_half');
    assert.equal(chooseProfile({ cores: 8 }, true).name, 'cpu_fp32');
  });
});

describe('profiles and machines', () => {
  const plain: Machine = { cores: 2, support: [{ device: 'cpu', runtime: 'onnxruntime', precisions: ['fp32'] }] };
  const jetson: Machine = {
    cores: 8,
    support: [
      ...plain.support,
      { device: 'cuda', runtime: 'tensorrt', precisions: ['fp16', 'int8'] },
      { device: 'cuda', runtime: 'cuda', precisions: ['fp16'] },
    ],
  };
  const obstacle = (name: string, machine: Machine) => profileObstacle(readProfile(name), machine);

  it('everything in fp32 on the CPU can run anywhere, nothing else can', () => {
    assert.deepEqual(runnableProfiles(plain), [
      'cpu_fp32',
      'cpu_fp32_default',
      'cpu_fp32_half',
      'cpu_realtime',
      'reference_fp32',
    ]);
    assert.deepEqual(runnableProfiles(thisMachine()), runnableProfiles(plain));
  });

  it('says what is missing: a device, a runtime, a precision', () => {
    assert.match(obstacle('orin_int8', plain)!, /needs an NVIDIA GPU with CUDA, which this version of qpvo does not/);
    assert.match(obstacle('cpu_int8', plain)!, /encoders with onnxruntime in fp32 only, not in int8/);
    const int8: Machine = { cores: 2, support: [{ device: 'cpu', runtime: 'onnxruntime', precisions: ['int8'] }] };
    assert.match(obstacle('cpu_int8', int8)!, /no runtime "native" for the update operator on cpu/);
    assert.equal(obstacle('cpu_fp32', plain), undefined);
  });

  it('judges both networks on a machine that can do part of it', () => {
    assert.equal(obstacle('orin_fp16', jetson), undefined);
    assert.match(obstacle('orin_int8', jetson)!, /update operator with cuda in fp16 only, not in int8/);
    assert.match(obstacle('desktop_int8', jetson)!, /encoders with cuda in fp16 only/);
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

  it('cpu_realtime asks less of the machine than cpu_fp32_half', () => {
    const values = (name: string) => resolveParameters([{ origin: name, values: readProfile(name).parameters }]).values;
    const [fast, half] = [values('cpu_realtime'), values('cpu_fp32_half')];
    assert.equal(fast.networkScale, 0.5);
    assert.ok(maxPairs(fast) * fast.patchesPerFrame < 0.5 * maxPairs(half) * half.patchesPerFrame);
  });
});
