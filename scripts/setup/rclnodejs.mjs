// SPDX-License-Identifier: MIT
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { loggedStep } from './loggedStep.mjs';
import { ROOT } from './root.mjs';

const FOLDER = join('node_modules', 'rclnodejs');

/**
 * Compiles rclnodejs where ROS 2 is sourced and the package holds no binary for it. Those of the distributions in long-term support on their own Ubuntu come with
 * it, and QPVO_RCLNODEJS names one elsewhere. All but the ROS node works without, so a failure is told and stops nothing.
 */
export async function ensureRclnodejs(env = process.env, folder = join(ROOT, FOLDER)) {
  const isSourced = env.ROS_DISTRO && env.AMENT_PREFIX_PATH;
  if (!isSourced || env.QPVO_RCLNODEJS || !existsSync(folder) || hasBinary(folder, env.ROS_DISTRO)) return;
  const nodeGyp = join(ROOT, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  try {
    await loggedStep({
      name: 'rclnodejs',
      title: `compiling rclnodejs for ROS 2 ${env.ROS_DISTRO}`,
      command: [
        process.execPath,
        nodeGyp,
        'rebuild',
        '-C',
        folder,
        '-j',
        String(availableParallelism()),
        ...ownHeaders(),
      ],
      advice: 'The ROS node cannot start before this works; all else does.',
    });
  } catch (error) {
    console.log(`qpvo: ${error.message}`);
  }
}

/** Headers that came with this Node, where there are any: node-gyp would fetch them. */
function ownHeaders() {
  const home = join(process.execPath, '..', '..');
  return existsSync(join(home, 'include', 'node', 'node.h')) ? ['--nodedir', home] : [];
}

/**
 * Whether there is a binary that rclnodejs takes by itself: the one that came with it for this distribution, Ubuntu and architecture, or one compiled here.
 * @param {string} osRelease text of /etc/os-release
 */
export function hasBinary(folder, distribution, osRelease = readOsRelease()) {
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(osRelease)?.[1]?.trim();
  const { platform, arch } = process;
  const ready = join('prebuilds', `${platform}-${arch}`, `${distribution}-${codename}-${arch}-node-rclnodejs.node`);
  return [ready, join('build', 'Release', 'rclnodejs.node')].some((file) => existsSync(join(folder, file)));
}

function readOsRelease() {
  return existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
}
