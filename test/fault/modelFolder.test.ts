// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QpvoError } from '../../src/error.ts';
import { openNetwork } from '../../src/network/openNetwork.ts';
import { temporaryFolder } from '../conformance/temporaryFolder.ts';

type Json = Record<string, unknown>;

describe('damaged model folder', () => {
  const folder = temporaryFolder();
  let model = '';
  beforeEach(() => {
    model = join(folder, 'model');
    rmSync(model, { recursive: true, force: true });
    cpSync('models/small', model, { recursive: true });
  });

  const edit = (change: (manifest: Json) => void) => {
    const path = join(model, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Json;
    change(manifest);
    writeFileSync(path, JSON.stringify(manifest));
  };
  const flip = (name: string) => {
    const path = join(model, name);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
  };

  const faults: [string, () => void, RegExp][] = [
    [
      'no folder',
      () => rmSync(model, { recursive: true }),
      /cannot read the model manifest.*model folder made by qpvo import/,
    ],
    ['no manifest', () => rmSync(join(model, 'manifest.json')), /cannot read the model manifest/],
    [
      'a manifest that is no JSON',
      () => truncateSync(join(model, 'manifest.json'), 100),
      /is no JSON.*import the model again/i,
    ],
    [
      'a manifest that is a list',
      () => writeFileSync(join(model, 'manifest.json'), '[1]'),
      /unknown version|an object/,
    ],
    [
      'a manifest of a later version',
      () => edit((m) => Object.assign(m, { version: 2 })),
      /expected version 1, but received 2.*update qpvo/,
    ],
    ['a manifest without sizes', () => edit((m) => delete m.sizes), /"sizes\.width"/],
    [
      'a manifest with another patch size',
      () => edit((m) => Object.assign(m.sizes as Json, { patchSize: 5 })),
      /expected 3 at "sizes\.patchSize", but received 5/,
    ],
    [
      'a manifest with another correlation order',
      () => edit((m) => Object.assign(m, { correlation: '[dx][dy]' })),
      /"correlation"/,
    ],
    [
      'a file outside the folder',
      () => edit((m) => Object.assign((m.files as Record<string, Json>).update!, { name: '../x' })),
      /without folders/,
    ],
    [
      'a missing network',
      () => rmSync(join(model, 'update.onnx')),
      /cannot read the update of model small.*update\.onnx.*import the model again/i,
    ],
    [
      'a truncated network',
      () => truncateSync(join(model, 'features.onnx'), 1000),
      /features\.onnx is truncated.*expected \d+ bytes, but received 1000/,
    ],
    [
      'one wrong bit',
      () => flip('context.onnx'),
      /context\.onnx is damaged: expected sha256 [0-9a-f]{64}, but received [0-9a-f]{64}\. Copy or import/,
    ],
    ['encoders only', () => edit((m) => delete (m.files as Json).update), /has no part "update".*holds encoders only/],
  ];
  for (const [name, damage, message] of faults) {
    it(name, async () => {
      damage();
      await assert.rejects(openNetwork(model, { threads: 1 }), (error) => {
        assert.ok(error instanceof QpvoError, `${error}`);
        assert.equal(error.code, 'QPVO_MODEL');
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('a file that is no network, with a right checksum', async () => {
    writeFileSync(join(model, 'update.onnx'), 'no network');
    const { checksum } = await import('../../src/network/manifest.ts');
    edit((m) =>
      Object.assign((m.files as Record<string, Json>).update!, {
        bytes: 10,
        sha256: checksum(Buffer.from('no network')),
      }),
    );
    await assert.rejects(
      openNetwork(model, { threads: 2 }),
      (error) =>
        error instanceof QpvoError && error.code === 'QPVO_MODEL' && /onnxruntime cannot load/.test(error.message),
    );
  });
});
