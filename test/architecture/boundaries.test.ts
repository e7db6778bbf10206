// SPDX-License-Identifier: MIT
import { linesMatching, type Rule, testRule } from './Rule.ts';

/** Code outside this folder, whose samples break the rules on purpose. */
const isCode = (path: string) =>
  /\.(ts|mjs|cjs|js|cpp|hpp|h|cu|cuh)$/.test(path) && !path.startsWith('test/architecture/');
const outside =
  (...homes: string[]) =>
  (path: string) =>
    isCode(path) && !homes.some((home) => path.startsWith(home));
const importOf = (name: string) =>
  linesMatching(new RegExp(`(\\bfrom|\\bimport|\\brequire|\\bresolve)\\s*\\(?\\s*['"]${name}(/[^'"]*)?['"]`));

const RULES: Rule[] = [
  {
    name: 'rclnodejs is imported only under src/ros',
    applies: outside('src/ros/', 'test/ros/'),
    violations: importOf('rclnodejs'),
    bad: { path: 'src/cli/live.ts', text: "const ros = await import('rclnodejs');" },
    good: { path: 'src/ros/loadRos.ts', text: "const ros = await import('rclnodejs');" },
  },
  {
    name: 'onnxruntime-node is imported only in src/network',
    applies: outside('src/network/', 'test/'),
    violations: importOf('onnxruntime-node'),
    bad: { path: 'src/odometry/encode.ts', text: "import { InferenceSession } from 'onnxruntime-node';" },
    good: { path: 'src/network/session.ts', text: "import { InferenceSession } from 'onnxruntime-node';" },
  },
  {
    name: 'the addon is loaded only in src/native/loadAddon.ts',
    applies: (path) => path.startsWith('src/') && isCode(path) && path !== 'src/native/loadAddon.ts',
    violations: linesMatching(
      /\bprocess\.dlopen\b|\brequire\([^)]*\.node\b|\bnode-gyp-build\b|import\([^)]*\.node['"`]/,
    ),
    bad: { path: 'src/odometry/ops.ts', text: "const addon = require('../../build/Release/qpvo.node');" },
    good: { path: 'src/native/loadAddon.ts', text: "const addon = require('../../build/Release/qpvo.node');" },
  },
  {
    name: 'napi.h is included only under native/addon',
    applies: outside('native/addon/'),
    violations: linesMatching(/#\s*include\s*[<"](napi|node_api|js_native_api)\.h[>"]/),
    bad: { path: 'native/cpu/correlate.cpp', text: '#include <napi.h>' },
    good: { path: 'native/addon/addon.cpp', text: '#include <napi.h>' },
  },
  {
    name: 'CUDA headers are included only under native/cuda and native/tensorrt',
    applies: outside('native/cuda/', 'native/tensorrt/'),
    violations: linesMatching(
      /#\s*include\s*[<"](cuda|cublas|cudnn|cub\/|thrust\/|cooperative_groups|mma\.h|NvInfer|NvOnnx)/,
    ),
    bad: { path: 'native/include/qpvo/state.hpp', text: '#include <cuda_runtime.h>' },
    good: { path: 'native/cuda/correlate.cu', text: '#include <cuda_runtime.h>' },
  },
  {
    name: 'the algorithm does not know where frames come from or where poses go',
    applies: (path) =>
      path.startsWith('src/odometry/') || path.startsWith('src/native/') || path.startsWith('src/network/'),
    violations: linesMatching(/^import (?!type\b).*from '\.\.\/(\.\.\/)?(cli|sources|outputs|evaluation|ros|view)\//),
    bad: { path: 'src/odometry/PatchOdometry.ts', text: "import { openSource } from '../sources/openSource.ts';" },
    good: { path: 'src/odometry/PatchOdometry.ts', text: "import type { ImageFrame } from '../sources/Source.ts';" },
  },
];

describe('architecture: boundaries', () => RULES.forEach(testRule));
