// SPDX-License-Identifier: MIT
import { linesMatching, type Rule, testRule } from './Rule.ts';

const LONGEST = 400;
const isSource = (path: string) => /\.(ts|mjs|cjs|js|cpp|hpp|h|cu|cuh|py)$/.test(path);
/** This folder holds samples that break the rules on purpose. */
const isElsewhere = (path: string) => !path.startsWith('test/architecture/');

const SPDX = /^(\/\/|#) SPDX-License-Identifier: MIT$/;
const UNFINISHED = /\b(TODO|FIXME|XXX|HACK)\b/;
const MACHINE_PATH = /(^|[\s'"`(=:])(\/work\/|\/home\/\w|\/Users\/\w|\/root\/|[A-Z]:\\Users)/;
const REGISTRY_HOST =
  /\bregistry\.[\w-]+\.\w+|\bartifactory\b|\bpkgs?\.dev\b|\bdeb\.debian\.org\b|\bfiles\.pythonhosted\.org\b/i;
const VAGUE_WORDS = new Set(['util', 'utils', 'helper', 'helpers', 'manager', 'common']);

/** A comment line that reads as a statement: an assignment or call that ends in a semicolon, a declaration, an include, or a lone brace. An example in a
 * comment is indented by more than one space and is let pass. */
const COMMENTED_OUT = new RegExp(
  [
    /^\s*\/\/ ?[\w.[\]>-]+\s*(=|\+=|-=|\().*;\s*$/,
    /^\s*\/\/ ?(const|let|var|auto|float|double|int|size_t|std::\w+|return|import|export|await)\b.*[;{]\s*$/,
    /^\s*\/\/ ?(if|for|while|switch)\s*\(.*\)\s*\{?\s*$/,
    /^\s*\/\/ ?#\s*include\b/,
    /^\s*\/\/ ?[{}]\)?;?\s*$/,
  ]
    .map((pattern) => pattern.source)
    .join('|'),
);

const wordsOf = (path: string) => path.split(/[^A-Za-z]|(?<=[a-z])(?=[A-Z])/).map((word) => word.toLowerCase());

const RULES: Rule[] = [
  {
    name: 'every source file names its licence in the first line (after a #! line)',
    applies: isSource,
    violations: ({ text }) => {
      const [first = '', second = ''] = text.split('\n');
      return SPDX.test(first.startsWith('#!') ? second : first) ? [] : ['no SPDX line'];
    },
    bad: { path: 'src/a.ts', text: 'export const a = 1;\n' },
    good: { path: 'bin/a.js', text: '#!/usr/bin/env node\n// SPDX-License-Identifier: MIT\n' },
  },
  {
    name: `no source file is longer than ${LONGEST} lines`,
    applies: isSource,
    violations: ({ text }) => {
      const lines = text.trimEnd().split('\n').length;
      return lines > LONGEST ? [`${lines} lines`] : [];
    },
    bad: { path: 'src/a.ts', text: 'a\n'.repeat(LONGEST + 1) },
    good: { path: 'src/a.ts', text: 'a\n'.repeat(LONGEST) },
  },
  {
    name: 'nothing is left unfinished',
    applies: isElsewhere,
    violations: linesMatching(UNFINISHED),
    bad: { path: 'native/cpu/a.cpp', text: '// TODO: the last row' },
    good: { path: 'native/cpu/a.cpp', text: '// All rows.' },
  },
  {
    name: 'no path of one machine is written down',
    applies: isElsewhere,
    violations: linesMatching(MACHINE_PATH),
    bad: { path: 'docs/a.md', text: 'Put the data into /home/anna/data.' },
    good: { path: 'docs/a.md', text: 'Put the data into ../shared/data or ~/data.' },
  },
  {
    name: 'no package registry or mirror is written down',
    applies: isElsewhere,
    violations: linesMatching(REGISTRY_HOST),
    bad: { path: '.npmrc', text: 'registry=https://registry.example.com/npm' },
    good: { path: '.npmrc', text: 'omit-lockfile-registry-resolved=true' },
  },
  {
    name: 'files and folders are named for an idea',
    applies: () => true,
    violations: ({ path }) => wordsOf(path).flatMap((word) => (VAGUE_WORDS.has(word) ? [`named "${word}"`] : [])),
    bad: { path: 'src/outputs/svgHelpers.ts', text: '' },
    good: { path: 'src/outputs/svgAxes.ts', text: '' },
  },
  {
    name: 'no code is commented out',
    applies: (path) => isSource(path) && isElsewhere(path),
    violations: linesMatching(COMMENTED_OUT),
    bad: { path: 'src/a.ts', text: '  // graph.addFrame(stampNs);' },
    good: { path: 'src/a.ts', text: '  // A frame without parallax adds nothing; it is dropped (section 4).' },
  },
];

describe('architecture: source style', () => RULES.forEach(testRule));
