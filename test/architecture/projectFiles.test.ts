// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { isOurs } from './projectFiles.ts';

describe('the files of the project', () => {
  it('are not those that Python tools leave in it', () => {
    assert.deepEqual(['qpvo_train', 'qpvo_train.egg-info', '.pytest_cache', '__pycache__', '.venv'].filter(isOurs), [
      'qpvo_train',
    ]);
  });
});
