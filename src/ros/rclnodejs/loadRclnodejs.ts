// SPDX-License-Identifier: MIT
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, QpvoError } from '../../error.ts';
import type { Rclnodejs } from './rclnodejsTypes.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Loads rclnodejs, the only place that does. It is imported only where that can work: imported without ROS it would delete its own compiled part and try to
 * build it again for minutes.
 *
 * The package is looked for as usual, or in the folder that the environment variable QPVO_RCLNODEJS names: one that was compiled for this ROS and serves several
 * programs. Its handler of SIGINT is taken away; who loads it ends its nodes in their own order.
 *
 * @throws QpvoError QPVO_ROS when ROS 2 is not sourced, or rclnodejs is missing or not compiled for it
 */
export async function loadRclnodejs(env: Environment = process.env): Promise<Rclnodejs> {
  const folder = findUsablePackage(env);
  try {
    const loaded: { default: Rclnodejs } = await import(pathToFileURL(entryOf(folder)).href);
    loaded.default.removeSignalHandlers();
    return loaded.default;
  } catch (error) {
    throw new QpvoError('QPVO_ROS', {
      what: `cannot load rclnodejs from ${folder}`,
      received: messageOf(error),
      advice: 'Source the ROS 2 that it was compiled for, or compile it again: npm rebuild rclnodejs.',
      cause: error,
    });
  }
}

/**
 * The folder of a rclnodejs that can be loaded here; looks only.
 *
 * @throws QpvoError QPVO_ROS when ROS 2 is not sourced, or rclnodejs is missing or not compiled for it
 */
export function findUsablePackage(env: Environment): string {
  requireSourcedRos(env);
  const folder = findPackage(env);
  requireCompiledPart(folder, env);
  return folder;
}

/**
 * What setup.bash sets, all of it: sudo drops LD_LIBRARY_PATH alone.
 *
 * @throws QpvoError QPVO_ROS
 */
export function requireSourcedRos(env: Environment): void {
  const missing = ['ROS_DISTRO', 'AMENT_PREFIX_PATH'].filter((name) => !env[name]);
  const libraryFolders = (env.LD_LIBRARY_PATH ?? '').split(delimiter).filter(Boolean);
  const hasLibrary = [...libraryFolders, ...condaLibraries(env)].some((folder) =>
    existsSync(join(folder, 'librcl.so')),
  );
  if (missing.length === 0 && hasLibrary) return;
  throw new QpvoError('QPVO_ROS', {
    what: 'ROS 2 is not sourced in this shell',
    expected: 'ROS_DISTRO, AMENT_PREFIX_PATH and LD_LIBRARY_PATH as setup.bash sets them',
    received: missing.length > 0 ? `no ${missing.join(' and no ')}` : 'no librcl.so in the folders of LD_LIBRARY_PATH',
    advice:
      'Source it first, such as: source /opt/ros/jazzy/setup.bash. Without ROS, qpvo run works on recordings, bags included.',
  });
}

/** Environments of conda find their libraries by themselves. */
function condaLibraries(env: Environment): string[] {
  return env.CONDA_PREFIX ? [join(env.CONDA_PREFIX, 'lib')] : [];
}

function findPackage(env: Environment): string {
  const named = env.QPVO_RCLNODEJS;
  try {
    const manifest = named
      ? join(resolve(named), 'package.json')
      : createRequire(import.meta.url).resolve('rclnodejs/package.json');
    readFileSync(manifest);
    return dirname(manifest);
  } catch (error) {
    throw new QpvoError('QPVO_ROS', {
      what: 'the npm package rclnodejs is not there',
      expected: named
        ? `it in the folder ${named}, which QPVO_RCLNODEJS names`
        : 'it beside the other packages of qpvo',
      received: messageOf(error).split('\n')[0] ?? '',
      advice: 'With ROS 2 sourced: npm install rclnodejs@^2.2.0, in the folder of qpvo.',
      cause: error,
    });
  }
}

/**
 * That it comes compiled for this machine, or was compiled on it.
 *
 * @param folder of the package
 * @throws QpvoError QPVO_ROS
 */
export function requireCompiledPart(folder: string, env: Environment, osRelease = readOsRelease()): void {
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(osRelease)?.[1]?.trim() ?? 'unknown';
  const { platform, arch } = process;
  const ready = join('prebuilds', `${platform}-${arch}`, `${env.ROS_DISTRO}-${codename}-${arch}-node-rclnodejs.node`);
  const built = join('build', 'Release', 'rclnodejs.node');
  if ([ready, built].some((path) => existsSync(join(folder, path)))) return;
  throw new QpvoError('QPVO_ROS', {
    what: `rclnodejs in ${folder} is not compiled for ROS 2 ${env.ROS_DISTRO} on ${codename} (${arch})`,
    expected: `${ready} or ${built} in it`,
    received: 'neither',
    advice: `With ROS 2 sourced: cd ${dirname(folder)} && npm rebuild rclnodejs (some minutes; needs g++ and python3).`,
  });
}

function readOsRelease(): string {
  const path = '/etc/os-release';
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** The ES module that the package's manifest names. */
function entryOf(folder: string): string {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    exports?: { '.'?: { import?: string } };
  };
  return join(folder, exports?.['.']?.import ?? 'index.js');
}
