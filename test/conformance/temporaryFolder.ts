// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder that is removed after the tests of the block. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'qpvo-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
