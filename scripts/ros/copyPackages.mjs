// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../setup/root.mjs';

const STAMP = '.qpvo-stamp';

/**
 * Folders of the npm packages that the program needs when it runs, relative to the project: those of package-lock.json that are not for development only.
 * Packages inside packages go with the outer one.
 */
export function productionPackages(lock) {
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !dev)
    .map(([path]) => path);
}

/** Whether a file belongs to the programs of another system: onnxruntime-node holds the binaries of all in bin/napi-v6/<platform>/<architecture>/. */
export function isForeign(path, { platform, arch } = process) {
  const [, itsPlatform, itsArch] = /onnxruntime-node\/bin\/napi-v\d+\/([^/]+)(?:\/([^/]+))?/.exec(path) ?? [];
  return (itsPlatform !== undefined && itsPlatform !== platform) || (itsArch !== undefined && itsArch !== arch);
}

/** Copies them to <share>/node_modules, unless they are there already. */
export function copyPackages(share) {
  const lockText = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');
  const packages = productionPackages(JSON.parse(lockText)).filter((path) => existsSync(join(ROOT, path)));
  const wanted = createHash('sha256').update(lockText).update(packages.join('\n')).update(compiledHere()).digest('hex');
  const folder = join(share, 'node_modules');
  const stamp = join(folder, STAMP);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const path of packages) {
    cpSync(join(ROOT, path), join(share, path), { recursive: true, filter: (file) => !isForeign(file) });
  }
  writeFileSync(stamp, wanted);
  console.log(`qpvo: ${packages.length} npm packages copied to ${folder}`);
}

/** Changes when `npm run build` compiles rclnodejs. */
function compiledHere() {
  const binary = join(ROOT, 'node_modules', 'rclnodejs', 'build', 'Release', 'rclnodejs.node');
  return existsSync(binary) ? String(statSync(binary).mtimeMs) : '';
}
