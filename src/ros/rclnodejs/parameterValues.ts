// SPDX-License-Identifier: MIT
// Parameters as this program and as rclnodejs have them.
import { nearestName } from '../../config/nearestName.ts';
import type { RosParameter, RosParameterValue } from '../RosNode.ts';
import { PARAMETER_TYPE, type Rclnodejs, type RclParameter, type RclParameterDescriptor } from './rclnodejsTypes.ts';

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [PARAMETER_TYPE.bool]: 'a boolean',
  [PARAMETER_TYPE.integer]: 'an integer',
  [PARAMETER_TYPE.double]: 'a number',
  [PARAMETER_TYPE.string]: 'a text',
  [PARAMETER_TYPE.byteArray]: 'a list of bytes',
  [PARAMETER_TYPE.boolArray]: 'a list of booleans',
  [PARAMETER_TYPE.integerArray]: 'a list of integers',
  [PARAMETER_TYPE.doubleArray]: 'a list of numbers',
  [PARAMETER_TYPE.stringArray]: 'a list of texts',
};

export function typeOf({ value, integer }: Pick<RosParameter, 'value' | 'integer'>): number {
  if (typeof value === 'boolean') return PARAMETER_TYPE.bool;
  if (typeof value === 'string') return PARAMETER_TYPE.string;
  if (typeof value === 'number') return integer ? PARAMETER_TYPE.integer : PARAMETER_TYPE.double;
  return integer ? PARAMETER_TYPE.integerArray : PARAMETER_TYPE.doubleArray;
}

export function toRclParameter(
  rcl: Rclnodejs,
  parameter: Pick<RosParameter, 'name' | 'value' | 'integer'>,
): RclParameter {
  const { name, value, integer } = parameter;
  // A single integer is made a bigint by the class itself, those of a list are not.
  const given = Array.isArray(value) ? (integer ? value.map(BigInt) : [...value]) : value;
  return new rcl.Parameter(name, typeOf(parameter), given);
}

export function toDescriptor(rcl: Rclnodejs, parameter: RosParameter): RclParameterDescriptor {
  const { name, integer, description, readOnly, range } = parameter;
  const type = typeOf(parameter);
  const descriptor = new rcl.ParameterDescriptor(name, type, description, readOnly, null);
  if (range === undefined) return descriptor;
  // The range is told here and judged in refusalOf: rclnodejs 2.2.0 leaves it out of the message, and its refusals give no reason.
  const [from, to] = range.map((limit) => (integer ? toInt64(limit) : limit));
  const told = {
    [integer ? 'integer_range' : 'floating_point_range']: [{ from_value: from, to_value: to, step: integer ? 1n : 0 }],
  };
  const plain = descriptor.toMessage.bind(descriptor);
  descriptor.toMessage = () => ({ ...plain(), ...told });
  return descriptor;
}

/** Limits may be infinite. */
function toInt64(limit: number): bigint {
  if (Number.isFinite(limit)) return BigInt(Math.round(limit));
  return limit < 0 ? -(2n ** 63n) : 2n ** 63n - 1n;
}

/** The value of a parameter that another program set. */
export function rosValueOf(parameter: RclParameter): RosParameterValue {
  const { value } = parameter;
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(Number);
  return value as RosParameterValue;
}

/** Whole numbers as such where numbers are wanted (`ros2 param set /qpvo scale 2`), and the empty list of whatever type; everything else as it came. */
export function fitted(rcl: Rclnodejs, parameter: RclParameter, declared: RosParameter): RclParameter {
  const wanted = typeOf(declared);
  const { name, type, value } = parameter;
  const { integer, double, integerArray, doubleArray } = PARAMETER_TYPE;
  if (type === integer && wanted === double) return new rcl.Parameter(name, double, Number(value));
  const isList = wanted === integerArray || wanted === doubleArray;
  if (isList && Array.isArray(value) && value.length === 0) return new rcl.Parameter(name, wanted, []);
  if (type === integerArray && wanted === doubleArray) {
    return new rcl.Parameter(name, doubleArray, (value as unknown[]).map(Number));
  }
  return parameter;
}

/**
 * Why a parameter cannot be set to this value by its declaration; empty when it can.
 *
 * @param declared all of the node, by name
 */
export function refusalOf(parameter: RclParameter, declared: ReadonlyMap<string, RosParameter>): string {
  const { name, type } = parameter;
  const own = declared.get(name);
  if (own === undefined) {
    const nearest = nearestName(name, [...declared.keys()]);
    return `there is no parameter ${name}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
  }
  if (own.readOnly) return `${name} cannot change while the node runs: set it at the start`;
  if (type === PARAMETER_TYPE.notSet) return `${name} cannot be removed`;
  const wanted = typeOf(own);
  if (type !== wanted) return `${name} is ${TYPE_NAMES[wanted]}, not ${TYPE_NAMES[type] ?? `of type ${type}`}`;
  return own.range === undefined ? '' : rangeRefusal(name, rosValueOf(parameter), own.range);
}

function rangeRefusal(name: string, value: RosParameterValue, [least, greatest]: readonly [number, number]): string {
  const numbers = Array.isArray(value) ? value : [value];
  const bad = numbers.find((number) => !(number >= least && number <= greatest));
  return bad === undefined ? '' : `${name} must be in ${least} to ${greatest}, not ${bad}`;
}
