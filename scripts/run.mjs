// SPDX-License-Identifier: MIT
// `node scripts/run.mjs <job> [arguments]`: brings the clone into the state a job needs, then does the job. Only node: modules may be imported from
// here, since npm packages need not be installed yet. Imports come after the version check, so that an old Node reads the message and not a stack trace.
import { explainOldNode } from './setup/nodeVersion.mjs';

const complaint = explainOldNode(process.versions.node);
if (complaint) {
  console.error(complaint);
  process.exit(1);
}

const { runJob } = await import('./jobs/runJob.mjs');
process.exitCode = await runJob(process.argv[2], process.argv.slice(3));
