// SPDX-License-Identifier: MIT

const NEEDED = [20, 20];

/** Why this Node cannot run the project, with what to do; undefined when it can. Takes a version such as "20.20.2". */
export function explainOldNode(version) {
  const [major, minor] = version.split('.').map(Number);
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return undefined;
  return [
    `qpvo needs Node ${NEEDED.join('.')} or newer, but this is Node ${version}.`,
    'Install a newer one (https://nodejs.org, or your version manager: "nvm install 20", "fnm install 20") and run the command again.',
  ].join('\n');
}
