// SPDX-License-Identifier: MIT
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearestName } from '../config/nearestName.ts';
import { messageOf, QpvoError } from '../error.ts';

type Options = NonNullable<ParseArgsConfig['options']>;
type Parsed<O extends Options> = ReturnType<typeof parseArgs<{ options: O; allowPositionals: true; strict: true }>>;

/**
 * Parses the arguments of a subcommand.
 *
 * @param positionals names of the arguments without dashes; those in brackets may be absent, and the last one, when it ends in "...]", repeated
 * @throws QpvoError QPVO_USAGE for an unknown option, a missing value, too few or too many arguments
 */
export function parseOptions<const O extends Options>(
  command: string,
  args: string[],
  positionals: readonly string[],
  options: O,
): { values: Parsed<O>['values']; positionals: string[] } {
  const advice = `See qpvo ${command} --help.`;
  let parsed: Parsed<O>;
  try {
    parsed = parseArgs({ args: joinNegativeNumbers(args, options), options, allowPositionals: true, strict: true });
  } catch (error) {
    throw unusable(error, Object.keys(options), advice);
  }
  const required = positionals.filter((name) => !name.startsWith('['));
  const count = parsed.positionals.length;
  const most = positionals.at(-1)?.endsWith('...]') ? Number.POSITIVE_INFINITY : positionals.length;
  if (count < required.length || count > most) {
    throw new QpvoError('QPVO_USAGE', {
      what: `arguments of ${command}`,
      expected: positionals.map((name) => (name.startsWith('[') ? name : `<${name}>`)).join(' ') || 'no arguments',
      received: count === 0 ? 'none' : parsed.positionals.join(' '),
      advice,
    });
  }
  return { values: parsed.values, positionals: parsed.positionals };
}

/** "--end -1" as "--end=-1": parseArgs takes the dash for that of another option, and the number could not be refused by its own rule. */
function joinNegativeNumbers(args: readonly string[], options: Options): string[] {
  const joined: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--') return [...joined, ...args.slice(i)];
    const next = args[i + 1] ?? '';
    const takesNext = arg.startsWith('--') && options[arg.slice(2)]?.type === 'string' && /^-\.?\d/.test(next);
    joined.push(takesNext ? `${arg}=${next}` : arg);
    if (takesNext) i++;
  }
  return joined;
}

function unusable(error: unknown, names: string[], advice: string): QpvoError {
  // The message of parseArgs may go on with advice about "--" or "=", which does not fit here.
  const what = messageOf(error)
    .split(/\. |\n/)[0]!
    .replace('argument is ambiguous', 'argument missing');
  const unknown = /^Unknown option '-*([^']+)'/.exec(what)?.[1];
  const nearest = unknown === undefined ? undefined : nearestName(unknown, names);
  return new QpvoError('QPVO_USAGE', {
    what: what.replace(/[.\s]+$/, '').replace(/^./, (letter) => letter.toLowerCase()),
    advice: nearest === undefined ? advice : `Did you mean --${nearest}? ${advice}`,
    cause: error,
  });
}

/**
 * The number in an option.
 *
 * @throws QpvoError QPVO_USAGE when it is none, or below the least one allowed
 */
export function numberOption(
  name: string,
  text: string | undefined,
  rule: { least: number; integer?: boolean },
): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const isKind = rule.integer ? Number.isInteger(value) : Number.isFinite(value);
  if (isKind && value >= rule.least) return value;
  throw new QpvoError('QPVO_USAGE', {
    what: `option --${name}`,
    expected: `a ${rule.integer ? 'whole ' : ''}number of at least ${rule.least}`,
    received: `"${text}"`,
  });
}
