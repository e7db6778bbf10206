// SPDX-License-Identifier: MIT
import { nearestName } from '../../config/nearestName.ts';
import { QpvoError } from '../../error.ts';
import { type FileValue, parseValue } from './parameterValues.ts';

export interface CommandLineParameter {
  /** Pattern of the nodes that are meant; undefined: all. */
  node: string | undefined;
  name: string;
  value: FileValue;
}

/** A rule "from:=to" of -r; `__node`, `__name` and `__ns` as `from` rename the node. */
export interface Remap {
  /** The node that is meant, by the name it has in the program; undefined: all. */
  node: string | undefined;
  from: string;
  to: string;
}

export interface RosArguments {
  /** Paths, in the order given. */
  parameterFiles: string[];
  parameters: CommandLineParameter[];
  remaps: Remap[];
  /** What is not for ROS. */
  rest: string[];
}

const WITH_VALUE: Readonly<Record<string, (found: RosArguments, value: string) => void>> = {
  '-p': addParameter,
  '--param': addParameter,
  '-r': addRemap,
  '--remap': addRemap,
  '--params-file': (found, path) => found.parameterFiles.push(path),
  '--log-level': ignore,
  '--log-config-file': ignore,
  '--log-file-name': ignore,
  '-e': ignore,
  '--enclave': ignore,
};

const FLAG = /^--(enable|disable)-(rosout-logs|stdout-logs|external-lib-logs)$/;

/**
 * The arguments between --ros-args and -- (or the end), as rcl reads them (docs.ros.org, "Passing ROS arguments to nodes via the command-line"). Logging and security options
 * are let pass: ROS itself obeys them.
 *
 * @param argv without the program and its script
 * @throws QpvoError QPVO_USAGE for an unknown or incomplete argument, QPVO_PARAMETER for a value that is no YAML
 */
export function parseRosArguments(argv: readonly string[]): RosArguments {
  const found: RosArguments = { parameterFiles: [], parameters: [], remaps: [], rest: [] };
  let ours = false;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--ros-args') ours = true;
    else if (!ours) found.rest.push(word);
    else if (word === '--') ours = false;
    else if (!FLAG.test(word)) takeOption(found, word, argv[++i]);
  }
  return found;
}

const NAMESPACE_RULE = /^__ns$/;

function takeOption(found: RosArguments, option: string, value: string | undefined): void {
  const take = Object.hasOwn(WITH_VALUE, option) ? WITH_VALUE[option] : undefined;
  if (take === undefined) {
    const nearest = nearestName(option, Object.keys(WITH_VALUE));
    throw new QpvoError('QPVO_USAGE', {
      what: `unknown ROS argument "${option}"`,
      advice: `${nearest === undefined ? '' : `Did you mean ${nearest}? `}Arguments that are not for ROS stand before --ros-args or after --.`,
    });
  }
  if (value === undefined) {
    throw new QpvoError('QPVO_USAGE', { what: `ROS argument ${option}`, expected: 'a value', received: 'nothing' });
  }
  take(found, value);
}

function addParameter(found: RosArguments, rule: string): void {
  const [left, text] = assignment(rule, 'name:=value or node:name:=value');
  const colon = left.lastIndexOf(':');
  const name = left.slice(colon + 1);
  if (name === '' || colon === 0) throw badRule(rule, 'name:=value or node:name:=value');
  const node = colon < 0 ? undefined : left.slice(0, colon);
  found.parameters.push({ node, name, value: parseValue(text, `-p ${rule}`) });
}

function addRemap(found: RosArguments, rule: string): void {
  const [left, to] = assignment(rule, 'from:=to or node:from:=to');
  // A colon that opens "://" belongs to rostopic:// and rosservice://, not to a node prefix.
  const [, node, from] = /^(?:([^:]+):(?!\/\/))?(.+)$/.exec(left) ?? [];
  if (from === undefined || from.startsWith(':') || to === '') throw badRule(rule, 'from:=to or node:from:=to');
  if (NAMESPACE_RULE.test(from) && !to.startsWith('/')) throw badRule(rule, '__ns:=/absolute/namespace');
  found.remaps.push({ node, from, to });
}

function assignment(rule: string, form: string): [string, string] {
  const at = rule.indexOf(':=');
  if (at <= 0) throw badRule(rule, form);
  return [rule.slice(0, at), rule.slice(at + 2)];
}

function badRule(rule: string, expected: string): QpvoError {
  return new QpvoError('QPVO_USAGE', { what: 'ROS argument', expected, received: `"${rule}"` });
}

function ignore(): void {}
