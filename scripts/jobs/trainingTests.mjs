// SPDX-License-Identifier: MIT
import { findTrainingPython } from '../setup/trainingPython.mjs';
import { talliedCommand } from './talliedCommand.mjs';

const PYTEST = ['-m', 'pytest', '-q', '-rs', '--durations=5', 'training/tests'];

/** Runs pytest over training/tests and resolves with its tally. Without a Python that can, all of it counts as one skipped test, with the reason. */
export async function trainingTests(find = findTrainingPython) {
  const { python, reason } = await find();
  if (python === undefined) {
    console.log(`  SKIPPED 1:\n    - all tests of training/\n      ${reason}\n`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  console.log(`qpvo: tests of training/ with ${python}`);
  return talliedCommand([python, ...PYTEST], 'training-tests');
}
