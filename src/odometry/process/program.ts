// SPDX-License-Identifier: MIT
// The process of an odometry: does what ProcessOdometry asks for, in order, and ends when the asking process is gone.
import { Worker } from 'node:worker_threads';
import { messageOf, QpvoError } from '../../error.ts';
import { PatchOdometry } from '../PatchOdometry.ts';
import type { Call, Failure, Reply, Request } from './requests.ts';

let odometry: PatchOdometry | undefined;
let work = Promise.resolve();

process.title = 'qpvo_odometry';
// Whoever hangs in a driver sees neither this nor the end of a pipe: a thread beside it looks for the asking process.
const end = `process.kill(${process.pid}, 'SIGKILL')`;
new Worker(`setInterval(() => { if (process.ppid !== ${process.ppid}) ${end}; }, 500)`, {
  eval: true,
  execArgv: [],
}).unref();
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// A terminal sends these to all its processes: the asking one decides when this one ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.on('message', (request: Request) => {
  work = work.then(() => answer(request));
});

async function answer(request: Request): Promise<void> {
  const { id } = request;
  const reply = await perform(request).then(
    (value) => ({ value }),
    (error: unknown) => ({ failure: failureOf(error) }),
  );
  const whole: Reply = { id, residentBytes: process.memoryUsage.rss(), ...reply };
  if (process.connected) process.send!(whole);
}

async function perform(request: Call): Promise<unknown> {
  if (request.call === 'open') {
    odometry = await PatchOdometry.create(request.options);
    return undefined;
  }
  return request.call === 'track' ? odometry!.track(request.frame) : odometry![request.call]();
}

function failureOf(error: unknown): Failure {
  return {
    code: error instanceof QpvoError ? error.code : undefined,
    message: messageOf(error),
    stack: error instanceof Error ? error.stack : undefined,
  };
}
