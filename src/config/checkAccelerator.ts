// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import type { NetworkForms } from '../network/neededParts.ts';
import { tensorrtParts } from './Profile.ts';

/**
 * The deep learning accelerator computes engines of TensorRT in fp16, and nothing else.
 *
 * @param name of the parameter, as people wrote it
 * @throws QpvoError QPVO_PARAMETER when a core is asked for and the networks are none that it can compute
 */
export function checkAccelerator(dlaCore: number, { runtime, precision }: NetworkForms, name = 'dlaCore'): void {
  if (dlaCore < 0) return;
  const networks = tensorrtParts({ runtime });
  if (networks.length > 0 && networks.every((network) => precision[network] === 'fp16')) return;
  throw new QpvoError('QPVO_PARAMETER', {
    what: `parameter ${name}`,
    expected: '-1, or a profile whose networks by TensorRT are all in fp16, and at least one is',
    received: `${dlaCore}, with encoders in ${precision.encoder} by ${runtime.encoder} and the update operator in ${precision.update} by ${runtime.update}`,
    advice: `Set ${name} to -1, or choose a profile such as orin_fp16_tensorrt.`,
  });
}
