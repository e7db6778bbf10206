// SPDX-License-Identifier: MIT
import { type ErrorCode, QpvoError } from '../error.ts';
import { forgetGpuProbe } from './gpuProbe.ts';

/** Failures of the machine, of weights and of engines: people are told of them without a stack. */
const EXPECTED: readonly ErrorCode[] = [
  'QPVO_NO_DEVICE',
  'QPVO_OUT_OF_MEMORY',
  'QPVO_DEVICE_LOST',
  'QPVO_ENGINE',
  'QPVO_MODEL',
];

/** What the addon threw about a GPU, as an error of ours where it is none of the program. After a loss, whoever opens a GPU looks again at what there is. */
export function gpuFailure(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const code = EXPECTED.find((expected) => expected === error.code);
  if (code === 'QPVO_DEVICE_LOST') forgetGpuProbe();
  return code === undefined ? error : new QpvoError(code, { what: error.message, cause: error });
}
