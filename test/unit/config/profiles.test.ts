// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseProfile } from '../../../src/config/chooseProfile.ts';
import { listProfiles, PROFILE_FOLDER, readProfile } from '../../../src/config/readProfile.ts';
import { resolveParameters } from '../../../src/config/resolveParameters.ts';

describe('profiles', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-profile-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('all of the package can be read, and their parameters are allowed', async () => {
    const names = await listProfiles();
    assert.deepEqual(names, ['cpu_fp32', 'cpu_fp32_default', 'cpu_fp32_half']);
    for (const name of names) {
      const profile = await readProfile(name);
      assert.equal(profile.name, name);
      resolveParameters([{ origin: `profile ${name}`, values: profile.parameters }]);
    }
  });

  it('hold the windows of the publication', async () => {
    const { values } = resolveParameters([
      { origin: 'profile', values: (await readProfile('cpu_fp32_default')).parameters },
    ]);
    assert.deepEqual(
      [values.patchesPerFrame, values.removalWindow, values.optimizationWindow, values.patchLifetime],
      [96, 22, 10, 13],
    );
  });

  it('can be given by path', async () => {
    const path = join(folder, 'mine.yaml');
    await writeFile(path, await readFile(join(PROFILE_FOLDER, 'cpu_fp32_half.yaml'), 'utf8'));
    const profile = await readProfile(path);
    assert.equal(profile.name, 'mine');
    assert.deepEqual(profile.parameters, { networkScale: 0.5 });
  });

  it('refuses an unknown name, listing those present', async () => {
    await assert.rejects(readProfile('cpu_fp23'), {
      code: 'QPVO_USAGE',
      message:
        /unknown profile "cpu_fp23": expected auto, cpu_fp32, cpu_fp32_default, cpu_fp32_half,.*Did you mean cpu_fp32\?/,
    });
  });

  it('refuses a path without a file', async () => {
    await assert.rejects(readProfile(join(folder, 'nothing.yaml')), { code: 'QPVO_PROFILE', message: /ENOENT/ });
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
    ['an unknown device', { ...good, device: 'tpu' }, /device.*expected cpu, but received "tpu"/],
    ['an unknown precision', { ...good, precision: { encoder: 'int4', update: 'fp32' } }, /encoder.*expected fp32/],
    ['a missing key', { ...good, model: undefined }, /model.*expected text, but received nothing/],
    ['parameters as a list', { ...good, parameters: [1] }, /parameters.*expected a mapping/],
    ['no mapping', 'cpu', /profile.*expected a mapping, but received "cpu"/],
  ] as const) {
    it(`refuses ${name}`, async () => {
      const path = join(folder, 'bad.yaml');
      await writeFile(path, JSON.stringify(document));
      await assert.rejects(readProfile(path), { code: 'QPVO_PROFILE', message });
    });
  }

  it('auto: full resolution for recordings, half for live runs on few cores', () => {
    assert.equal(chooseProfile({ cores: 2 }, false).name, 'cpu_fp32');
    assert.equal(chooseProfile({ cores: 2 }, true).name, 'cpu_fp32_half');
    assert.match(chooseProfile({ cores: 2 }, true).reason, /2 cores/);
    assert.equal(chooseProfile({ cores: 8 }, true).name, 'cpu_fp32');
  });
});
