// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { type ProjectFile, projectFiles } from './projectFiles.ts';

/** A rule that reading files can check. */
export interface Rule {
  name: string;
  /** The files it speaks about. */
  applies: (path: string) => boolean;
  /** What is wrong with one file: one clause for each violation. */
  violations: (file: ProjectFile) => string[];
  /** A made-up file that breaks the rule, and one that keeps it. */
  bad: ProjectFile;
  good: ProjectFile;
}

const breaches = (rule: Rule, files: readonly ProjectFile[]): string[] =>
  files
    .filter(({ path }) => rule.applies(path))
    .flatMap((file) => rule.violations(file).map((what) => `${file.path}: ${what}`));

/** One test per rule: it finds the made-up violation, lets the made-up good file pass, and finds nothing in the project. */
export function testRule(rule: Rule): void {
  it(rule.name, () => {
    assert.notDeepEqual(breaches(rule, [rule.bad]), [], 'the rule does not see a violation');
    assert.deepEqual(breaches(rule, [rule.good]), [], 'the rule complains about a good file');
    assert.deepEqual(breaches(rule, projectFiles), []);
  });
}

/** One clause for each line that matches, with its number. */
export function linesMatching(pattern: RegExp): (file: ProjectFile) => string[] {
  return ({ text }) =>
    text
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`line ${index + 1}: ${line.trim().slice(0, 100)}`] : []));
}
