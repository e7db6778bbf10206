// SPDX-License-Identifier: MIT

/** What every parameter says about itself. */
interface Described {
  /** Heading under which it is documented. */
  group: string;
  /** One or two sentences for people. */
  text: string;
  /** Unit of the value; empty for counts and names. */
  unit: string;
}

export interface NumberSpec extends Described {
  kind: 'integer' | 'number';
  default: number;
  /** Least and greatest value, both allowed. */
  range: readonly [number, number];
}

export interface ChoiceSpec<T extends string> extends Described {
  kind: 'choice';
  default: T;
  choices: readonly T[];
}

export interface FlagSpec extends Described {
  kind: 'flag';
  default: boolean;
}

export interface TextSpec extends Described {
  kind: 'text';
  default: string;
  /** Whether it may be empty. */
  optional: boolean;
}

export interface NumbersSpec extends Described {
  kind: 'numbers';
  default: readonly number[];
  /** How many there may be. */
  lengths: readonly number[];
}

export type ParameterSpec = NumberSpec | ChoiceSpec<string> | FlagSpec | TextSpec | NumbersSpec;

export type ParameterValue = boolean | number | string | readonly number[];

/** Type of the values that a specification allows. */
export type ValueOf<S extends ParameterSpec> =
  S extends ChoiceSpec<infer T>
    ? T
    : S extends FlagSpec
      ? boolean
      : S extends NumberSpec
        ? number
        : S extends TextSpec
          ? string
          : S extends NumbersSpec
            ? readonly number[]
            : never;

type About = { group: string; unit?: string; text: string };

export function integer(value: number, range: readonly [number, number], about: About): NumberSpec {
  return { kind: 'integer', default: value, range, unit: '', ...about };
}

export function number(value: number, range: readonly [number, number], about: About): NumberSpec {
  return { kind: 'number', default: value, range, unit: '', ...about };
}

export function choice<const T extends string>(value: NoInfer<T>, choices: readonly T[], about: About): ChoiceSpec<T> {
  return { kind: 'choice', default: value, choices, unit: '', ...about };
}

export function flag(value: boolean, about: About): FlagSpec {
  return { kind: 'flag', default: value, unit: '', ...about };
}

/** May be empty when its default is. */
export function text(value: string, about: About): TextSpec {
  return { kind: 'text', default: value, optional: value === '', unit: '', ...about };
}

export function numbers(value: readonly number[], lengths: readonly number[], about: About): NumbersSpec {
  return { kind: 'numbers', default: value, lengths, unit: '', ...about };
}

/** The allowed values in words, for messages and documentation. */
export function allowedText(spec: ParameterSpec): string {
  switch (spec.kind) {
    case 'integer':
      return `a whole number from ${spec.range[0]} to ${spec.range[1]}`;
    case 'number':
      return `a number from ${spec.range[0]} to ${spec.range[1]}`;
    case 'choice':
      return spec.choices.join(' or ');
    case 'flag':
      return 'true or false';
    case 'text':
      return spec.optional ? 'text, may be empty' : 'text';
    case 'numbers':
      return `${spec.lengths.join(' or ')} numbers`;
  }
}

/** A value as it is written in a parameter file. */
export function valueText(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : (JSON.stringify(value) ?? 'nothing');
}
