// SPDX-License-Identifier: MIT
import { messageOf } from '../error.ts';
import { LIVE_PARAMETERS, NODE_PARAMETERS, type NodeParameters } from './nodeParameters.ts';
import { odometryParameterName } from './rosNames.ts';
import { readOverrides } from './settleNode.ts';

export type NodeChange =
  | { refusal: string }
  | {
      refusal: '';
      /** What holds from now on, for the next settleNode. */
      overrides: Map<string, unknown>;
      /** The node's own parameters after the change. */
      values: NodeParameters;
    };

/**
 * Judges a change of parameters as a whole. While the node is unconfigured every parameter may change; afterwards those of LIVE_PARAMETERS only. Parameters that are none of
 * the node's pass.
 *
 * @param overrides all that was set so far
 * @returns the reason why it is refused, or what holds from now on
 */
export function changeNode(
  overrides: ReadonlyMap<string, unknown>,
  changes: ReadonlyMap<string, unknown>,
  configured: boolean,
): NodeChange {
  try {
    readOverrides(changes);
  } catch (error) {
    return { refusal: messageOf(error) };
  }
  const held = configured ? [...changes.keys()].filter(isHeld) : [];
  if (held.length > 0) return { refusal: heldText(held) };
  const next = new Map([...overrides, ...changes]);
  return { refusal: '', overrides: next, values: readOverrides(soundPart(next)).values };
}

/** A bad value from the start stays to be told at configure; until then it must not keep others from being set. */
function soundPart(overrides: ReadonlyMap<string, unknown>): Map<string, unknown> {
  return new Map(
    [...overrides].filter(([name, value]) => {
      try {
        readOverrides(new Map([[name, value]]));
        return true;
      } catch {
        return false;
      }
    }),
  );
}

function isHeld(name: string): boolean {
  return (
    !LIVE_PARAMETERS.has(name) && (Object.hasOwn(NODE_PARAMETERS, name) || odometryParameterName(name) !== undefined)
  );
}

function heldText(names: readonly string[]): string {
  const many = names.length > 1;
  return `${names.join(', ')} cannot change while the node is configured; clean the node up, set ${many ? 'them' : 'it'}, and configure it again`;
}
