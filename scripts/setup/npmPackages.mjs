// SPDX-License-Identifier: MIT
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loggedStep } from './loggedStep.mjs';
import { ROOT } from './root.mjs';

/** Runs `npm ci` when what is installed is not what package-lock.json asks for. */
export async function ensureNpmPackages() {
  if (packagesMatchLock()) return;
  const npm = process.env.npm_execpath?.endsWith('npm-cli.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  await loggedStep({
    name: 'npm-ci',
    title: 'installing npm packages',
    command: [...npm, 'ci', '--include=dev', '--no-audit', '--no-fund'],
    advice:
      'Is the npm registry reachable ("npm ping"), and is there room on the disk? Then run the same command again: it starts over by itself.',
  });
}

/**
 * Compares package-lock.json with npm's own record of the installed tree, node_modules/.package-lock.json, which npm writes last: an interrupted
 * installation has none. Optional packages may be missing (other platforms), but rclnodejs only where ROS 2 is not sourced.
 */
function packagesMatchLock() {
  const record = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    if (found === undefined) {
      const isNeededByRos = path === 'node_modules/rclnodejs' && process.env.ROS_DISTRO && !process.env.QPVO_RCLNODEJS;
      return Boolean(entry.optional || entry.devOptional || entry.peer) && !isNeededByRos;
    }
    return found.version === entry.version && found.integrity === entry.integrity && existsSync(join(ROOT, path));
  });
}
