// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';
import { nativePath, run } from './compiled.ts';

const VERSION = '#define NV_TENSORRT_MAJOR 10\n#define NV_TENSORRT_MINOR 3\n#define NV_TENSORRT_PATCH 0\n';

/** What is linked and how is that of the project; the sources, which need TensorRT's headers, are left out. */
const PROJECT = `cmake_minimum_required(VERSION 3.22)
project(link LANGUAGES CXX)
add_library(qpvo_cuda INTERFACE)
add_subdirectory("${nativePath('tensorrt')}" tensorrt)
set_target_properties(qpvo_engine PROPERTIES SOURCES \${CMAKE_SOURCE_DIR}/main.cpp)
`;

// As while the image of a container is built on a Jetson: TensorRT is there, libraries of the driver that it needs are not.
describe('qpvo_engine, linked where a library that TensorRT needs is absent', function () {
  this.timeout(60000);
  const folder = temporaryFolder();
  const at = (...names: string[]) => join(folder, ...names);
  const shared = (name: string, source: string, ...libraries: string[]) => {
    writeFileSync(at(`${name}.cpp`), source);
    run('g++', [
      '-shared',
      '-fPIC',
      at(`${name}.cpp`),
      '-o',
      at('lib', `lib${name}.so`),
      '-L',
      at('lib'),
      ...libraries,
    ]);
  };

  before(() => {
    for (const name of ['include', 'lib']) mkdirSync(at(name));
    for (const name of ['NvInfer.h', 'NvOnnxParser.h']) writeFileSync(at('include', name), '');
    writeFileSync(at('include', 'NvInferVersion.h'), VERSION);
    shared('nvdla_compiler', 'int network() { return 1; }\n');
    shared('nvinfer', 'int network();\nint builder() { return network(); }\n', '-lnvdla_compiler');
    shared('nvonnxparser', 'int parser() { return 1; }\n');
    rmSync(at('lib', 'libnvdla_compiler.so'));
    writeFileSync(at('main.cpp'), 'int builder();\nint main() { return builder(); }\n');
    writeFileSync(at('CMakeLists.txt'), PROJECT);
  });

  it('the linker would not have it by itself', () => {
    const { status, stderr } = spawnSync('g++', [at('main.cpp'), at('lib', 'libnvinfer.so'), '-o', at('plain')], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    });
    assert.notEqual(status, 0);
    assert.match(stderr, /libnvinfer\.so: undefined reference to `network\(\)'/);
  });

  it('links all the same', () => {
    const said = run('cmake', ['-S', folder, '-B', at('build'), `-DTensorRT_ROOT=${folder}`]);
    assert.match(said, /with TensorRT 10\.3\.0/);
    run('cmake', ['--build', at('build'), '--target', 'qpvo_engine']);
    assert.match(run('readelf', ['--dynamic', at('build', 'tensorrt', 'qpvo_engine')]), /NEEDED.*libnvinfer\.so/);
  });
});
