// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/packageRoot.ts';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';

const PLAIN =
  '#define NV_TENSORRT_MAJOR 10 //!< major\n#define NV_TENSORRT_MINOR 3 //!< minor\n#define NV_TENSORRT_PATCH 0 //!< patch\n';
const ENTERPRISE = `#define TRT_MAJOR_ENTERPRISE 11
#define TRT_MINOR_ENTERPRISE 1
#define TRT_PATCH_ENTERPRISE 0
#define NV_TENSORRT_MAJOR TRT_MAJOR_ENTERPRISE //!< major
#define NV_TENSORRT_MINOR TRT_MINOR_ENTERPRISE //!< minor
#define NV_TENSORRT_PATCH TRT_PATCH_ENTERPRISE //!< patch
`;

describe('FindTensorRT.cmake', function () {
  this.timeout(60000);
  const folder = temporaryFolder();
  const project = join(folder, 'project');
  const root = join(folder, 'tensorrt');

  before(() => {
    mkdirSync(project);
    writeFileSync(
      join(project, 'CMakeLists.txt'),
      `cmake_minimum_required(VERSION 3.22)
project(find LANGUAGES NONE)
list(APPEND CMAKE_MODULE_PATH "${join(packageRoot(), 'cmake')}")
set(CMAKE_FIND_LIBRARY_PREFIXES lib)
set(CMAKE_FIND_LIBRARY_SUFFIXES .so)
find_package(TensorRT 10.3 QUIET)
message(STATUS "found=\${TensorRT_FOUND} version=\${TensorRT_VERSION}")
if(TARGET TensorRT::nvonnxparser)
  get_target_property(location TensorRT::nvonnxparser IMPORTED_LOCATION)
  message(STATUS "parser=\${location}")
endif()
`,
    );
  });

  /** What CMake says with such a TensorRT. */
  function find(version: string, files: readonly string[]): string {
    rmSync(root, { recursive: true, force: true });
    rmSync(join(folder, 'build'), { recursive: true, force: true });
    for (const name of ['include', 'lib']) mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, 'include', 'NvInferVersion.h'), version);
    for (const name of files) writeFileSync(join(root, name), '');
    return execFileSync('cmake', ['-S', project, '-B', join(folder, 'build'), `-DTensorRT_ROOT=${root}`], {
      encoding: 'utf8',
    });
  }

  const ALL = ['include/NvInfer.h', 'include/NvOnnxParser.h', 'lib/libnvinfer.so', 'lib/libnvonnxparser.so'];

  for (const [version, text] of [
    ['10.3.0', PLAIN],
    ['11.1.0', ENTERPRISE],
  ] as const) {
    it(`finds ${version}`, () => {
      const said = find(text, ALL);
      assert.match(said, new RegExp(`found=(1|TRUE) version=${version.replaceAll('.', '\\.')}\n`));
      assert.match(said, /parser=.*libnvonnxparser\.so/);
    });
  }

  it('does not take an older version, or one without the reader of ONNX', () => {
    assert.match(find(PLAIN.replace('MINOR 3', 'MINOR 2'), ALL), /found=(0|FALSE) version=10\.2\.0/);
    assert.match(find(PLAIN, ALL.slice(0, 3)), /found=(0|FALSE) version=10\.3\.0/);
  });
});
