// SPDX-License-Identifier: MIT
import { readManifest } from '../network/manifest.ts';
import { findModelFolder } from '../network/modelFolder.ts';
import type { RosParameter } from '../ros/RosNode.ts';
import { checkAccelerator } from './checkAccelerator.ts';
import { checkValue } from './checkValue.ts';
import { nearestName } from './nearestName.ts';
import { declareParameters } from './nodeDeclarations.ts';
import {
  defaultNodeParameters,
  NODE_PARAMETER_NAMES,
  NODE_PARAMETERS,
  type NodeParameterName,
  type NodeParameters,
} from './nodeParameters.ts';
import type { Profile } from './Profile.ts';
import { defaultParameters, type OdometryParameters, PARAMETER_NAMES, PARAMETERS } from './parameters.ts';
import { type Machine, thisMachine } from './profileObstacle.ts';
import { resolveParameters } from './resolveParameters.ts';
import { odometryParameterName, rosNameOf } from './rosNames.ts';
import { selectProfile } from './selectProfile.ts';

/** The node's own parameters, and what was set besides. */
export interface NodeValues {
  values: NodeParameters;
  /** Overrides of the odometry by their names in its table. */
  odometry: Partial<OdometryParameters>;
  /** A line for each override that nothing here knows. */
  unknown: string[];
}

export interface SettledNode {
  values: NodeParameters;
  profile: Profile;
  /** Why `auto` took this profile; empty when it was named. */
  profileReason: string;
  /** Name or folder of the model, as given. */
  model: string;
  /** Its folder. */
  modelDir: string;
  odometry: OdometryParameters;
  /** All parameters with the values that are in force. */
  declarations: RosParameter[];
  unknown: string[];
}

/** Where values of parameter files, command line and launch come from, in messages. */
const ORIGIN = 'the ROS parameters';

/** What ROS itself declares for every node. */
const OF_ROS = /^(use_sim_time$|start_type_description_service$|qos_overrides\.)/;

/**
 * Reads the overrides alone: no file is opened, so that parameters can be declared before anything can fail.
 *
 * @throws QpvoError QPVO_PARAMETER for a wrong type or a value out of range; an unknown name is no error in ROS and gets a line in `unknown`
 */
export function readOverrides(overrides: ReadonlyMap<string, unknown>): NodeValues {
  const values: Record<string, unknown> = defaultNodeParameters();
  const odometry: Record<string, unknown> = {};
  const unknown: string[] = [];
  for (const [name, given] of overrides) {
    const value = typeof given === 'bigint' ? Number(given) : given;
    const inner = odometryParameterName(name);
    if (isNodeParameter(name)) values[name] = checkValue(NODE_PARAMETERS[name], name, value, ORIGIN);
    else if (inner !== undefined) odometry[inner] = checkValue(PARAMETERS[inner], name, value, ORIGIN);
    else if (!OF_ROS.test(name)) unknown.push(unknownText(name));
  }
  return { values: values as unknown as NodeParameters, odometry: odometry as Partial<OdometryParameters>, unknown };
}

/**
 * What the node works with: defaults, then the windows the model was made for, then the profile, then the overrides.
 *
 * @throws QpvoError QPVO_PARAMETER for a bad value or values that contradict each other; QPVO_USAGE for an unknown profile or model; QPVO_PROFILE and QPVO_MODEL when they
 * cannot be read; QPVO_PROFILE_UNAVAILABLE when the profile cannot run here
 */
export function settleNode(overrides: ReadonlyMap<string, unknown>, machine: Machine = thisMachine()): SettledNode {
  const { values, odometry: set, unknown } = readOverrides(overrides);
  const named = values.model === '' ? undefined : values.model;
  const { profile, reason } = selectProfile(values.precision, true, machine, named);
  const model = named ?? profile.model;
  const modelDir = findModelFolder(model);
  const odometry = resolveParameters([
    { origin: `model ${model}`, values: { ...readManifest(modelDir).windows } },
    { origin: `profile ${profile.name}`, values: profile.parameters },
    { origin: ORIGIN, values: set },
  ]).values;
  checkAccelerator(odometry.dlaCore, profile, rosNameOf('dlaCore'));
  const declarations = declareParameters(values, odometry);
  return { values, profile, profileReason: reason, model, modelDir, odometry, declarations, unknown };
}

/**
 * The parameters to declare at start. When the profile or the model cannot be had (which configuring tells), those of the odometry are declared with their defaults.
 *
 * @throws QpvoError QPVO_PARAMETER for a wrong type or a value out of range
 */
export function startDeclarations(
  overrides: ReadonlyMap<string, unknown>,
  machine: Machine = thisMachine(),
): { values: NodeParameters; declarations: RosParameter[]; unknown: string[] } {
  const { values, odometry, unknown } = readOverrides(overrides);
  try {
    return { values, declarations: settleNode(overrides, machine).declarations, unknown };
  } catch {
    return { values, declarations: declareParameters(values, { ...defaultParameters(), ...odometry }), unknown };
  }
}

function isNodeParameter(name: string): name is NodeParameterName {
  return Object.hasOwn(NODE_PARAMETERS, name);
}

function unknownText(name: string): string {
  const nearest = nearestName(name, [...NODE_PARAMETER_NAMES, ...PARAMETER_NAMES.map(rosNameOf)]);
  return `unknown parameter "${name}" is ignored${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}
