// SPDX-License-Identifier: MIT
import type { RosParameter } from '../ros/RosNode.ts';
import { LIVE_PARAMETERS, NODE_PARAMETER_NAMES, NODE_PARAMETERS, type NodeParameters } from './nodeParameters.ts';
import { allowedText, type ParameterSpec, type ParameterValue } from './parameterSpec.ts';
import { type OdometryParameters, PARAMETER_NAMES, PARAMETERS } from './parameters.ts';
import { rosNameOf } from './rosNames.ts';

/** Parameters that only matter before the first transition. */
const AT_START: ReadonlySet<string> = new Set(['autostart']);

/** Every parameter of the node as ROS shows it, those of the odometry included. */
export function declareParameters(values: NodeParameters, odometry: OdometryParameters): RosParameter[] {
  return [
    ...NODE_PARAMETER_NAMES.map((name) => declaration(name, NODE_PARAMETERS[name], values[name])),
    ...PARAMETER_NAMES.map((name) => declaration(rosNameOf(name), PARAMETERS[name], odometry[name])),
  ];
}

function declaration(name: string, spec: ParameterSpec, value: ParameterValue): RosParameter {
  return {
    name,
    value,
    integer: spec.kind === 'integer',
    description: descriptionOf(name, spec),
    range: spec.kind === 'integer' || spec.kind === 'number' ? spec.range : undefined,
    readOnly: AT_START.has(name),
  };
}

function descriptionOf(name: string, spec: ParameterSpec): string {
  const unit = spec.unit === '' ? '' : ` Unit: ${spec.unit}.`;
  const when = AT_START.has(name) || LIVE_PARAMETERS.has(name) ? '' : ' Takes effect at configure.';
  return `${spec.text}${unit} Allowed: ${allowedText(spec)}.${when}`;
}
