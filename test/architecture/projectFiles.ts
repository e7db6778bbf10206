// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const NOT_OURS = new Set([
  'node_modules',
  'dist',
  'build',
  'qpvo-out',
  '.git',
  '.qpvo',
  '__pycache__',
  '.venv',
  '.pytest_cache',
  '.idea',
  '.vscode',
]);
const TEXT =
  /\.(ts|mts|cts|js|mjs|cjs|json|md|yaml|yml|txt|cpp|hpp|h|cu|cuh|cmake|py|toml|html|css|xml|msg|srv|rviz)$|(^|\/)(\.npmrc|\.gitignore|LICENSE|\.ci\/run|bin\/qpvo_node)$/;

export interface ProjectFile {
  /** Relative to the project, with forward slashes. */
  path: string;
  text: string;
}

/** Whether a file or folder of this name belongs to the project, not to what tools make in it. */
export function isOurs(name: string): boolean {
  return !NOT_OURS.has(name) && !name.endsWith('.egg-info');
}

function walk(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => isOurs(entry.name))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? walk(path) : [path];
    });
}

/** Paths of all files of the project, whatever they hold. */
export const projectPaths: readonly string[] = walk('').sort();

/** The text files of the project. */
export const projectFiles: readonly ProjectFile[] = projectPaths
  .filter((path) => TEXT.test(path))
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
