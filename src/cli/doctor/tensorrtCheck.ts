// SPDX-License-Identifier: MIT
import { tensorrtObstacle } from '../../config/gpuOffer.ts';
import { messageOf } from '../../error.ts';
import { probeTensorrt, type TensorrtReport } from '../../tensorrt/builderProcess.ts';
import type { Check } from './Check.ts';

/** TensorRT as this machine has it: what it says of itself, or why it cannot be used. */
export type TensorrtState = { report: TensorrtReport } | { obstacle: string };

/** Asks TensorRT for its version, in a process of its own: that its modules were built does not mean that its library is still there. */
export async function tensorrtState(): Promise<TensorrtState> {
  const obstacle = tensorrtObstacle();
  if (obstacle !== '') return { obstacle };
  try {
    return { report: await probeTensorrt() };
  } catch (error) {
    return { obstacle: messageOf(error) };
  }
}

export function tensorrtCheck(state: TensorrtState): Check {
  const name = 'TensorRT';
  if ('obstacle' in state) return { name, status: 'unavailable', detail: state.obstacle };
  const { tensorrt, dlaCores } = state.report;
  return { name, status: 'ok', detail: `${tensorrt}, ${dlaCores} DLA cores; ${NOT_RUN}` };
}

/** True of this version until somebody has run it with one. */
const NOT_RUN = 'compiled against its headers: this version of qpvo has not yet been run with it';
