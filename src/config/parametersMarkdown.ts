// SPDX-License-Identifier: MIT

import { LIVE_PARAMETERS, NODE_PARAMETERS } from './nodeParameters.ts';
import { allowedText, type ParameterSpec, valueText } from './parameterSpec.ts';
import { PARAMETER_NAMES, PARAMETERS } from './parameters.ts';
import { rosNameOf } from './rosNames.ts';

const HEAD = `# Parameters

Generated from \`src/config/parameters.ts\` and \`src/config/nodeParameters.ts\` by \`npm run docs\`; do not edit.

A value comes from, in rising order: the default below, the windows that the model was made for, the profile (\`config/profiles/*.yaml\`, section
\`parameters\`), and the command line (\`qpvo run ... --set name=value\`, or \`--seed\`) or, in the ROS 2 node, the parameters of the node. Thresholds in
"px at 640 px width" are pixels of the network image when it is 640 px wide; they grow with its width.

The ROS 2 node has every parameter of the odometry under the name in the column "in ROS", and [those of its own](#parameters-of-the-ros-2-node).
`;

const NODE_HEAD = `
# Parameters of the ROS 2 node

They are set by parameter file, launch file or command line (\`--ros-args -p name:=value\`); for a node in a namespace, sections such as \`/front/qpvo\`,
\`qpvo\` and \`/**\` all count. Those marked *live* may change while the node runs (\`ros2 param set\`); the others, and those of the odometry, may change while
it is unconfigured and take effect when it is configured.
`;

/** The text of docs/parameters.md. */
export function parametersMarkdown(): string {
  return [
    HEAD,
    ...tables(
      PARAMETER_NAMES.map((name) => [name, PARAMETERS[name]]),
      'in ROS',
      (name) => `\`${rosNameOf(name)}\``,
    ),
    NODE_HEAD,
    ...tables(Object.entries(NODE_PARAMETERS), 'live', (name) => (LIVE_PARAMETERS.has(name) ? 'live' : '')),
  ].join('');
}

/** A table for each group; `mark` fills the column of its own. */
function tables<N extends string>(
  entries: readonly (readonly [N, ParameterSpec])[],
  column: string,
  mark: (name: N) => string,
): string[] {
  const groups = new Map<string, string[]>();
  for (const [name, spec] of entries) {
    const rows = groups.get(spec.group) ?? [];
    const value = spec.kind === 'choice' ? spec.default : valueText(spec.default);
    rows.push(`| \`${name}\` | ${mark(name)} | ${value} | ${spec.unit} | ${allowedText(spec)} | ${spec.text} |`);
    groups.set(spec.group, rows);
  }
  return [...groups].map(
    ([group, rows]) =>
      `\n## ${group}\n\n| name | ${column} | default | unit | allowed | meaning |\n| --- | --- | --- | --- | --- | --- |\n${rows.join('\n')}\n`,
  );
}
