// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { projectPaths, ROOT } from './projectFiles.ts';
import { linesMatching, type Rule, testRule } from './Rule.ts';

const known = new Set(projectPaths.flatMap((path) => [path, ...foldersOf(path)]));

function foldersOf(path: string): string[] {
  const folder = dirname(path);
  return folder === '.' ? ['.'] : [folder, ...foldersOf(folder)];
}

/** Targets of inline links and images that point into the project, relative to it. Fenced code is not searched. */
function localLinks(path: string, text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)|<(?:img|a)\s[^>]*(?:src|href)="([^"]+)"/g)]
    .map((match) => match[1] ?? match[2] ?? '')
    .filter((target) => !/^([a-z]+:|#)/i.test(target))
    .map((target) => posix.normalize(posix.join(dirname(path), target.replace(/#.*$/, ''))).replace(/\/$/, ''));
}

const RULES: Rule[] = [
  {
    name: 'package-lock.json names no place to fetch from',
    applies: (path) => path === 'package-lock.json',
    violations: linesMatching(/"resolved"\s*:|https?:\/\/[^"]*\.tgz/),
    bad: { path: 'package-lock.json', text: '      "resolved": "https://example.com/a-1.0.0.tgz",' },
    good: { path: 'package-lock.json', text: '      "version": "1.0.0",\n      "integrity": "sha512-AAAA",' },
  },
  {
    name: 'every local link in the documentation leads to a file',
    applies: (path) => path.endsWith('.md'),
    violations: ({ path, text }) =>
      localLinks(path, text).flatMap((target) =>
        known.has(target) ? [] : [`link to ${target}, which does not exist`],
      ),
    bad: { path: 'docs/a.md', text: 'See [the table](missing/table.md#rows).' },
    good: { path: 'docs/a.md', text: 'See [the licence](../LICENSE), [above](#top) and [Node](https://nodejs.org).' },
  },
];

describe('architecture: packaging', () => {
  RULES.forEach(testRule);

  it('the package holds what its messages and its build refer to', () => {
    const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] };
    for (const path of [
      'docs/parameters.md',
      'scripts/run.mjs',
      'tsconfig.json',
      'tsconfig.build.json',
      'CMakeLists.txt',
      'package.xml',
      'bin/qpvo_node',
      'launch/odometry.launch.py',
      'config/rviz/qpvo.rviz',
      'scripts/ros/installProgram.mjs',
    ]) {
      assert.ok(known.has(path), `${path} is there`);
      assert.ok(
        files.some((entry) => path === entry || path.startsWith(`${entry}/`)),
        `${path} is packed`,
      );
    }
  });
});
