// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import { checkText } from './checkValue.ts';
import { nearestName } from './nearestName.ts';
import {
  defaultParameters,
  type OdometryParameters,
  PARAMETER_NAMES,
  PARAMETERS,
  type ParameterName,
} from './parameters.ts';

/** Values from one place. Text (from a command line) is converted by the type of the parameter. */
export interface ParameterLayer {
  /** Where the values come from, for messages: "--set", "profile cpu_fp32". */
  origin: string;
  values: Readonly<Record<string, unknown>>;
}

export interface ResolvedParameters {
  values: OdometryParameters;
  /** Where each value comes from: "default", or the origin of the last layer that set it. */
  origins: Record<ParameterName, string>;
}

/**
 * Lays the layers over the defaults, later ones winning.
 *
 * @throws QpvoError QPVO_PARAMETER for an unknown name, a wrong type, a value out of range, or values that contradict each other
 */
export function resolveParameters(layers: readonly ParameterLayer[]): ResolvedParameters {
  const values: Record<string, unknown> = { ...defaultParameters() };
  const origins = Object.fromEntries(PARAMETER_NAMES.map((name) => [name, 'default'])) as ResolvedParameters['origins'];
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer.values)) {
      if (!isParameterName(name)) throw unknownParameter(name, layer.origin);
      values[name] = checkText(PARAMETERS[name], name, value, layer.origin);
      origins[name] = layer.origin;
    }
  }
  const resolved = { values: values as unknown as OdometryParameters, origins };
  checkRelations(resolved);
  return resolved;
}

function isParameterName(name: string): name is ParameterName {
  return Object.hasOwn(PARAMETERS, name);
}

function unknownParameter(name: string, origin: string): QpvoError {
  const nearest = nearestName(name, PARAMETER_NAMES);
  return new QpvoError('QPVO_PARAMETER', {
    what: `unknown parameter "${name}" from ${origin}`,
    advice: `${nearest === undefined ? '' : `Did you mean ${nearest}? `}All parameters are in docs/parameters.md.`,
  });
}

/** Pairs of which the first may not exceed the second, and why. */
const AT_MOST: readonly (readonly [ParameterName, ParameterName, string])[] = [
  ['optimizationWindow', 'removalWindow', 'only poses that still have edges can be moved'],
  ['patchLifetime', 'removalWindow', 'a patch cannot be matched after it is retired'],
  ['keyframeIndex', 'optimizationWindow', 'a frame is tested for removal while its neighbours are still optimised'],
  ['lostInlierShare', 'degradedInlierShare', 'LOST is worse than DEGRADED'],
];

function checkRelations({ values, origins }: ResolvedParameters): void {
  for (const [lesser, greater, why] of AT_MOST) {
    if (values[lesser] <= values[greater]) continue;
    throw new QpvoError('QPVO_PARAMETER', {
      what: `parameters ${lesser} and ${greater} contradict each other`,
      expected: `${lesser} to be at most ${greater}, since ${why}`,
      received: `${values[lesser]} (${origins[lesser]}) and ${values[greater]} (${origins[greater]})`,
      advice: 'Change one of them.',
    });
  }
}
