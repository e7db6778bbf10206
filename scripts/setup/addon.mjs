// SPDX-License-Identifier: MIT
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ensureCompilers } from './compilers.mjs';
import { contentHash, isFresh, writeStamp } from './contentHash.mjs';
import { gpuOptions, gpuTools } from './gpuTools.mjs';
import { loggedStep } from './loggedStep.mjs';
import { ROOT } from './root.mjs';

const PRODUCT = 'build/Release/qpvo.node';
const STAMP = 'build/.qpvo-stamp';

/** Builds the native addon when its sources, or what there is to build it for GPUs with, changed since it was last built here. */
export async function ensureAddon() {
  const platform = `${process.platform} ${process.arch} ${ROOT} ${gpuTools()}`;
  const hash = contentHash(['native', 'cmake', 'CMakeLists.txt', 'package.json'], platform);
  if (isFresh(STAMP, hash, PRODUCT)) return;
  await ensureCompilers();
  dropForeignBuild();
  // With a cache cmake-js does not configure again, and what was found or asked for then would stand.
  rmSync(join(ROOT, 'build', 'CMakeCache.txt'), { force: true });
  const cmakeJs = join(ROOT, 'node_modules', 'cmake-js', 'bin', 'cmake-js');
  const output = await loggedStep({
    name: 'addon',
    title: 'building the native addon',
    command: [
      process.execPath,
      cmakeJs,
      'compile',
      '--CDCMAKE_BUILD_TYPE=Release',
      ...gpuOptions(),
      '-p',
      String(availableParallelism()),
    ],
    advice: 'If the sources are as released, remove the folder "build" and run the same command again.',
  });
  for (const line of output.split('\n')) if (line.startsWith('-- qpvo: ')) console.log(line.slice(3));
  writeStamp(STAMP, hash);
}

/** CMake refuses a build folder that was made for another path, as after moving or copying the project. */
function dropForeignBuild() {
  const cache = join(ROOT, 'build', 'CMakeCache.txt');
  if (existsSync(cache) && !readFileSync(cache, 'utf8').includes(`CMAKE_HOME_DIRECTORY:INTERNAL=${ROOT}\n`)) {
    rmSync(join(ROOT, 'build'), { recursive: true });
  }
}
