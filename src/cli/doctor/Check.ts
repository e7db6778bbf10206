// SPDX-License-Identifier: MIT
import { messageOf } from '../../error.ts';

/** `unavailable`: not for this machine or version; `warning`: something optional is missing; `broken`: the odometry cannot run. */
export type CheckStatus = 'ok' | 'unavailable' | 'warning' | 'broken';

/** One finding about the installation. */
export interface Check {
  name: string;
  status: CheckStatus;
  /** What was found, and what to do about it when it is not ok. */
  detail: string;
}

/** The finding of an action that throws when something is broken; its result is the detail. */
export async function checkOf(name: string, action: () => string | Promise<string>): Promise<Check> {
  try {
    return { name, status: 'ok', detail: await action() };
  } catch (error) {
    return { name, status: 'broken', detail: messageOf(error) };
  }
}
