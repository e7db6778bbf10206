// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nearestName } from '../../../src/config/nearestName.ts';
import type { ParameterSpec } from '../../../src/config/parameterSpec.ts';
import { PARAMETER_NAMES, PARAMETERS } from '../../../src/config/parameters.ts';
import { parametersMarkdown } from '../../../src/config/parametersMarkdown.ts';
import { resolveParameters } from '../../../src/config/resolveParameters.ts';
import { packageRoot } from '../../../src/packageRoot.ts';

const set = (values: Record<string, unknown>) => resolveParameters([{ origin: '--set', values }]);

describe('parameter table', () => {
  it('has defaults that are allowed and do not contradict each other', () => {
    const all = Object.fromEntries(PARAMETER_NAMES.map((name) => [name, PARAMETERS[name].default]));
    assert.deepEqual(set(all).values, all);
  });

  for (const name of PARAMETER_NAMES) {
    const spec: ParameterSpec = PARAMETERS[name];
    if (spec.kind !== 'integer' && spec.kind !== 'number') continue;
    it(`${name} refuses values just outside its range, NaN and text`, () => {
      const step = spec.kind === 'integer' ? 1 : 1e-6;
      for (const value of [spec.range[0] - step, spec.range[1] + step, Number.NaN, 'many', '', null]) {
        assert.throws(() => set({ [name]: value }), {
          code: 'QPVO_PARAMETER',
          message: new RegExp(`${name} from --set: expected .* from .* to .*but received`),
        });
      }
    });
  }

  it('is documented: docs/parameters.md is what npm run docs writes', async () => {
    assert.equal(await readFile(join(packageRoot(), 'docs', 'parameters.md'), 'utf8'), parametersMarkdown());
  });
});

describe('parameter layers', () => {
  it('later layers win, and every value knows where it comes from', () => {
    const { values, origins } = resolveParameters([
      { origin: 'profile cpu_fp32_half', values: { networkScale: 0.5, patchesPerFrame: 96 } },
      { origin: '--set', values: { patchesPerFrame: '64' } },
      { origin: '--seed', values: { seed: 7 } },
    ]);
    assert.equal(values.networkScale, 0.5);
    assert.equal(values.patchesPerFrame, 64);
    assert.equal(values.seed, 7);
    assert.equal(origins.networkScale, 'profile cpu_fp32_half');
    assert.equal(origins.patchesPerFrame, '--set');
    assert.equal(origins.seed, '--seed');
    assert.equal(origins.motionDamping, 'default');
  });

  it('converts text by the type of the parameter', () => {
    const { values } = set({ motionDamping: '0.25', motionModel: 'constant_position', autoReinitialize: 'false' });
    assert.equal(values.motionDamping, 0.25);
    assert.equal(values.motionModel, 'constant_position');
    assert.equal(values.autoReinitialize, false);
  });

  it('suggests the nearest name for an unknown one', () => {
    assert.throws(() => set({ patchPerFrame: 48 }), {
      code: 'QPVO_PARAMETER',
      message: /unknown parameter "patchPerFrame" from --set.*Did you mean patchesPerFrame\?/,
    });
    assert.throws(() => set({ toString: 1 }), { code: 'QPVO_PARAMETER' });
  });

  for (const [typed, meant] of [
    ['rnu', 'run'],
    ['evl', 'eval'],
    ['INFO', 'info'],
    ['doctr', 'doctor'],
    ['xyz', undefined],
  ] as const) {
    it(`takes "${typed}" for ${meant}`, () => {
      assert.equal(nearestName(typed, ['run', 'eval', 'info', 'doctor']), meant);
    });
  }

  it('suggests nothing for a word that resembles no parameter', () => {
    assert.equal(nearestName('colour', PARAMETER_NAMES), undefined);
  });

  for (const [name, value, expected] of [
    ['motionModel', 'linear', /expected damped_linear or constant_position, but received "linear"/],
    ['autoReinitialize', 'yes', /expected true or false, but received "yes"/],
    ['autoReinitialize', 1, /expected true or false, but received 1/],
    ['patchesPerFrame', 48.5, /expected a whole number from 8 to 256, but received 48.5/],
    ['seed', '-1', /received "-1"/],
  ] as const) {
    it(`refuses ${name} = ${value}`, () => {
      assert.throws(() => set({ [name]: value }), { code: 'QPVO_PARAMETER', message: expected });
    });
  }

  it('refuses values that contradict each other, naming their origins', () => {
    assert.throws(() => set({ optimizationWindow: 20 }), {
      code: 'QPVO_PARAMETER',
      message: /optimizationWindow and removalWindow contradict.*received 20 \(--set\) and 16 \(default\)/,
    });
    assert.throws(() => set({ lostInlierShare: 0.9 }), { code: 'QPVO_PARAMETER' });
  });
});
