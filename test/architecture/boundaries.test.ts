// SPDX-License-Identifier: MIT
import type { ProjectFile } from './projectFiles.ts';
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
/** Values, not types alone, imported from a folder of this project. */
const importUnder = (folder: string) => {
  const statement = new RegExp(
    `^(import|export) (?!type\\b).*from '(\\.\\.?/)+${folder}|import\\('(\\.\\.?/)+${folder}`,
  );
  return (file: ProjectFile) => {
    const joined = file.text.replace(/^(import|export) (type )?\{[^}]*\}/gm, (clause) => clause.replace(/\s+/g, ' '));
    return linesMatching(statement)({ ...file, text: joined });
  };
};

const RULES: Rule[] = [
  {
    name: 'rclnodejs is imported only in src/ros/rclnodejs',
    applies: outside('src/ros/rclnodejs/', 'test/ros/'),
    violations: importOf('rclnodejs'),
    bad: { path: 'src/ros/OdometryNode.ts', text: "const ros = await import('rclnodejs');" },
    good: { path: 'src/ros/rclnodejs/load.ts', text: "const ros = await import('rclnodejs');" },
  },
  {
    name: 'the logic of the node does not know rclnodejs',
    applies: (path) =>
      path.startsWith('src/ros/') && isCode(path) && !/^src\/ros\/(rclnodejs|publish)\/|\/main\.ts$/.test(path),
    violations: importUnder('rclnodejs/'),
    bad: { path: 'src/ros/OdometryNode.ts', text: "import { RclNode } from './rclnodejs/RclNode.ts';" },
    good: { path: 'src/ros/OdometryNode.ts', text: "import type { RosNode } from './RosNode.ts';" },
  },
  {
    name: 'only src/cli/publish.ts uses src/ros from outside; types of its interface may be named',
    applies: (path) =>
      path.startsWith('src/') && isCode(path) && !path.startsWith('src/ros/') && path !== 'src/cli/publish.ts',
    violations: importUnder('ros/'),
    bad: { path: 'src/cli/run.ts', text: "import { OdometryNode } from '../ros/OdometryNode.ts';" },
    good: { path: 'src/config/settleNode.ts', text: "import type { RosParameter } from '../ros/RosNode.ts';" },
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
    name: 'CUDA headers are included only under native/cuda and native/tensorrt, and by what checks and emulates them',
    applies: outside('native/cuda/', 'native/tensorrt/', 'native/gpu/', 'native/emulation/'),
    violations: linesMatching(
      /#\s*include\s*[<"](cuda|cublas|cudnn|cub\/|thrust\/|cooperative_groups|mma\.h|NvInfer|NvOnnx)/,
    ),
    bad: { path: 'native/addon/CudaPipelineObject.cpp', text: '#include <cuda_runtime.h>' },
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
