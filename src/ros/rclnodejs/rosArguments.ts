// SPDX-License-Identifier: MIT

const WITH_VALUE = new Set(['--params-file', '-p', '--param']);

/**
 * The arguments that rcl is to see: all but those that set parameters, which are read by this program itself, since rclnodejs leaves out the sections of nodes that
 * have a namespace.
 */
export function withoutParameters(argv: readonly string[]): string[] {
  const kept: string[] = [];
  let isRos = false;
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i]!;
    if (arg === '--ros-args') isRos = true;
    else if (arg === '--') isRos = false;
    if (isRos && WITH_VALUE.has(arg)) i++;
    else kept.push(arg);
  }
  return kept;
}
