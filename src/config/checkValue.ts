// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import { allowedText, type ParameterSpec, type ParameterValue, valueText } from './parameterSpec.ts';

/**
 * The value, when its specification allows it.
 *
 * @param origin where the value comes from, for the message: "--set", "profile cpu_fp32"
 * @throws QpvoError QPVO_PARAMETER for a wrong type or a value out of range
 */
export function checkValue(spec: ParameterSpec, name: string, value: unknown, origin: string): ParameterValue {
  if (isAllowed(spec, value)) return value;
  throw refusedValue(spec, name, value, origin);
}

/** As checkValue; text from a command line is converted by the kind of the parameter first. */
export function checkText(spec: ParameterSpec, name: string, value: unknown, origin: string): ParameterValue {
  const typed = typeof value === 'string' ? fromText(spec, value) : value;
  if (isAllowed(spec, typed)) return typed;
  throw refusedValue(spec, name, value, origin);
}

function refusedValue(spec: ParameterSpec, name: string, value: unknown, origin: string): QpvoError {
  return new QpvoError('QPVO_PARAMETER', {
    what: `parameter ${name} from ${origin}`,
    expected: allowedText(spec),
    received: valueText(value),
    advice: `The default is ${valueText(spec.default)}.`,
  });
}

function fromText(spec: ParameterSpec, text: string): unknown {
  switch (spec.kind) {
    case 'integer':
    case 'number':
      return toNumber(text);
    case 'flag':
      return { true: true, false: false }[text];
    case 'numbers':
      return text.trim() === '' ? [] : text.split(/[\s,]+/).map(toNumber);
    case 'choice':
    case 'text':
      return text;
  }
}

function toNumber(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

function isAllowed(spec: ParameterSpec, value: unknown): value is ParameterValue {
  switch (spec.kind) {
    case 'integer':
      return Number.isInteger(value) && inRange(spec.range, value as number);
    case 'number':
      return typeof value === 'number' && inRange(spec.range, value);
    case 'choice':
      return typeof value === 'string' && spec.choices.includes(value);
    case 'flag':
      return typeof value === 'boolean';
    case 'text':
      return typeof value === 'string' && (spec.optional || value !== '');
    case 'numbers':
      return Array.isArray(value) && spec.lengths.includes(value.length) && value.every(Number.isFinite);
  }
}

/** False for NaN. */
function inRange([least, greatest]: readonly [number, number], value: number): boolean {
  return value >= least && value <= greatest;
}
