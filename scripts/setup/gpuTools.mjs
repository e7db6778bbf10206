// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where CMake looks for TensorRT's headers too (cmake/FindTensorRT.cmake), and variables that name its folder. */
const TENSORRT_FOLDERS = [
  '/usr/local/tensorrt/include',
  '/usr/include/aarch64-linux-gnu',
  '/usr/include/x86_64-linux-gnu',
  '/usr/include',
];
const TENSORRT_ROOTS = ['TensorRT_ROOT', 'TENSORRT_ROOT', 'TENSORRT_DIR', 'TRT_LIBPATH'];

/** Any of these is there when a GPU can be reached; as in native/cuda.cmake. */
const GPU_FILES = ['/dev/nvidia0', '/dev/nvidiactl', '/dev/nvgpu', '/dev/nvhost-gpu', '/dev/dxg'];

/** What the environment says about the build for GPUs, as options of cmake-js: QPVO_CUDA (AUTO, ON, OFF) and QPVO_CUDA_ARCHITECTURES ("87;89"). */
export function gpuOptions() {
  const { QPVO_CUDA: cuda = 'AUTO', QPVO_CUDA_ARCHITECTURES: architectures = '' } = process.env;
  return [`--CDQPVO_CUDA=${cuda}`, `--CDQPVO_CUDA_ARCHITECTURES=${architectures}`];
}

/** The options, CUDA, TensorRT and GPU as CMake would find them, in one line: when they come, go or change, the addon is another one. */
export function gpuTools() {
  const { CUDACXX, CUDA_PATH, CUDA_HOME } = process.env;
  const inFolders = (folders) => folders.filter(Boolean).map((folder) => join(folder, 'bin', 'nvcc'));
  const found = [...inFolders([CUDA_PATH, CUDA_HOME]), 'nvcc', ...inFolders(['/usr/local/cuda'])];
  const compilers = CUDACXX ? [CUDACXX] : found;
  const answers = compilers.map((nvcc) => spawnSync(nvcc, ['--version'], { encoding: 'utf8' }));
  const cuda = answers.map(({ stdout }) => /release ([\d.]+)/.exec(stdout ?? '')?.[1]).find(Boolean) ?? 'none';
  const roots = TENSORRT_ROOTS.flatMap((name) => process.env[name] ?? []).flatMap((root) => [
    join(root, 'include'),
    root,
    join(root, '..', 'include'),
  ]);
  const tensorrt = [...roots, ...TENSORRT_FOLDERS].find((folder) => existsSync(join(folder, 'NvInfer.h')));
  const gpu = GPU_FILES.find((file) => existsSync(file)) ?? 'none';
  return `${gpuOptions().join(' ')} CUDA ${cuda} TensorRT ${tensorrtText(tensorrt)} GPU ${gpu}`;
}

/** Folder of the headers, and a digest of the one that states their version. */
function tensorrtText(folder) {
  if (folder === undefined) return 'none';
  const header = join(folder, 'NvInferVersion.h');
  if (!existsSync(header)) return folder;
  return `${folder} ${createHash('sha256').update(readFileSync(header)).digest('hex').slice(0, 12)}`;
}
