// SPDX-License-Identifier: MIT

import { allowedText, type ParameterSpec } from './parameterSpec.ts';
import { PARAMETER_NAMES, PARAMETERS } from './parameters.ts';

const HEAD = `# Parameters

Generated from \`src/config/parameters.ts\` by \`npm run docs\`; do not edit.

A value comes from, in rising order: the default below, the profile (\`config/profiles/*.yaml\`, section \`parameters\`), and the command line
(\`qpvo run ... --set name=value\`, or \`--seed\`). Thresholds in "px at 640 px width" are pixels of the network image when it is 640 px wide; they
grow with its width.
`;

/** The text of docs/parameters.md. */
export function parametersMarkdown(): string {
  const groups = new Map<string, string[]>();
  for (const name of PARAMETER_NAMES) {
    const spec: ParameterSpec = PARAMETERS[name];
    const rows = groups.get(spec.group) ?? [];
    rows.push(`| \`${name}\` | ${spec.default} | ${spec.unit} | ${allowedText(spec)} | ${spec.text} |`);
    groups.set(spec.group, rows);
  }
  const tables = [...groups].map(
    ([group, rows]) =>
      `\n## ${group}\n\n| name | default | unit | allowed | meaning |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}\n`,
  );
  return HEAD + tables.join('');
}
