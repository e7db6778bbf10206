// SPDX-License-Identifier: MIT
import { ensureAddon } from '../setup/addon.mjs';
import { attachedCommand } from '../setup/attachedCommand.mjs';
import { ensureNpmPackages } from '../setup/npmPackages.mjs';
import { ensureRclnodejs } from '../setup/rclnodejs.mjs';
import { StepError } from '../setup/StepError.mjs';
import { ensureTypeScript } from '../setup/typescript.mjs';
import { bench } from './bench.mjs';
import { test } from './test.mjs';

const node = process.execPath;

/** What each job needs, in order, and what it does then (resolves with an exit code). */
const JOBS = {
  build: {
    needs: [ensureNpmPackages, ensureAddon, ensureTypeScript, ensureRclnodejs],
    run: () => report('Built: build/Release/qpvo.node and dist/.'),
  },
  demo: {
    needs: [ensureNpmPackages, ensureAddon, ensureTypeScript],
    run: (rest) => attachedCommand([node, 'bin/qpvo.js', 'run', 'demo/sequence', '--out', 'qpvo-out/demo', ...rest]),
  },
  test: { needs: [ensureNpmPackages, ensureAddon, ensureTypeScript], run: test },
  bench: {
    needs: [ensureNpmPackages, ensureAddon, ensureTypeScript],
    run: bench,
  },
  docs: {
    needs: [ensureNpmPackages],
    run: (rest) => attachedCommand([node, '--import', 'tsx', 'src/config/writeParametersDoc.ts', ...rest]),
  },
};

/** Sets up what the job needs, does it, and resolves with the exit code: that of the job, 1 when the set-up failed, 2 for an unknown job. */
export async function runJob(name, rest) {
  const job = Object.hasOwn(JOBS, name ?? '') ? JOBS[name] : undefined;
  if (job === undefined) {
    console.error(`Unknown job: expected one of ${Object.keys(JOBS).join(', ')}, but received ${name ?? 'nothing'}.`);
    return 2;
  }
  try {
    for (const ensure of job.needs) await ensure();
    return await job.run(rest);
  } catch (error) {
    console.error(error instanceof StepError ? `\nqpvo: ${error.message}` : error);
    return 1;
  }
}

function report(line) {
  console.log(line);
  return 0;
}
