// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const WHERE = join('share', 'qpvo');

/**
 * Makes JavaScript of all messages that ROS knows, those just installed to `prefix` included, in the rclnodejs of `program`: now, because later the folder may not
 * be writable. Does nothing when it was done for the same messages. A failure is told and leaves the rest of the installation as it is.
 */
export async function generateMessages(program, prefix) {
  const rclnodejs = join(program, 'node_modules', 'rclnodejs');
  if (!existsSync(rclnodejs)) {
    console.warn(
      'qpvo: the npm package rclnodejs is missing, so the node cannot start: run `npm ci`, then build again',
    );
    return;
  }
  const wanted = messagesHash(prefix);
  const stamp = join(rclnodejs, 'generated', '.qpvo-stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const prefixes = [prefix, ...(process.env.AMENT_PREFIX_PATH ?? '').split(':')].filter(Boolean);
  const output = await run(join(rclnodejs, 'scripts', 'generate_messages.cjs'), rclnodejs, [...new Set(prefixes)]);
  if (!existsSync(join(rclnodejs, 'generated', 'std_msgs'))) {
    console.warn(
      `qpvo: rclnodejs could not generate JavaScript for the messages; it tries again when the node starts.\n${output}`,
    );
    return;
  }
  writeFileSync(stamp, wanted);
}

/** Changes when messages of qpvo do, or when other packages are in reach. */
function messagesHash(prefix) {
  const hash = createHash('sha256').update(`${process.env.ROS_DISTRO} ${process.env.AMENT_PREFIX_PATH} ${prefix}`);
  for (const kind of ['msg', 'srv']) {
    const folder = join(prefix, WHERE, kind);
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex');
}

/** Resolves with what the generator said; its exit code says nothing. */
function run(script, cwd, prefixes) {
  const env = { ...process.env, AMENT_PREFIX_PATH: prefixes.join(':') };
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
    child.on('error', (error) => resolve(error.message));
    child.on('close', () => resolve(text));
  });
}
