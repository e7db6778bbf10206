// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';
import { compile, nativePath } from './compiled.ts';
import { compileDoubleModule } from './doubleModule.ts';

/** Loads the module that is named, and opens an encoder with it. */
const LOADER = `
#include <cstdio>
#include "qpvo/error.hpp"
#include "tensorrt/module.hpp"
int main(int, char** values) {
  try {
    const auto module = qpvo::tensorrt::Module::load(values[1]);
    std::printf("%s, %zu bytes on the GPU\\n", module.version().c_str(), qpvo::cuda::tally().now.device);
    module.openEncoder({}, *reinterpret_cast<const qpvo::cuda::Context*>(values));
  } catch (const qpvo::Error& error) {
    std::printf("%s %s\\n", error.code().c_str(), error.what());
  }
}`;

describe('the TensorRT module, as the addon loads it', function () {
  this.timeout(60000);
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  const load = (path: string) => spawnSync(at('loader'), [path], { encoding: 'utf8' }).stdout;

  before(() => {
    writeFileSync(at('loader.cpp'), LOADER);
    writeFileSync(at('other.cpp'), 'int nothing() { return 0; }\n');
    compile([
      at('loader.cpp'),
      nativePath('tensorrt/module.cpp'),
      nativePath('cuda/runtime/tally.cpp'),
      '-ldl',
      '-o',
      at('loader'),
    ]);
    compileDoubleModule(folder, 'good.so');
    compileDoubleModule(folder, 'stale.so', 'tensorrt::kModuleSurface+1');
    compile(['-shared', at('other.cpp'), '-o', at('other.so')]);
  });

  it('tells its version, counts where the process does, and its errors keep their codes across the border', () => {
    assert.equal(
      load(at('good.so')),
      '10.3.0.26, 7 bytes on the GPU\nQPVO_ENGINE not this plan: 0 bytes for core -1 and 0 bytes for core -1\n',
    );
  });

  for (const [name, received] of [
    ['absent.so', /cannot open shared object file/],
    ['other.so', /received another library/],
    ['stale.so', /one of another version of qpvo/],
    ['loader.cpp', /invalid ELF header|file too short/],
  ] as const) {
    it(`refuses ${name} with what to do`, () => {
      const text = load(at(name));
      assert.match(text, /^QPVO_ENGINE TensorRT cannot be used: expected the module .* build qpvo \(npm run build\)/);
      assert.match(text, received);
    });
  }
});
