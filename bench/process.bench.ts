// SPDX-License-Identifier: MIT
// Milliseconds that an image takes to the process of an odometry and its result back, as in the node on a GPU. Needs no recording.
import { defaultParameters } from '../src/config/parameters.ts';
import { ProcessOdometry } from '../src/odometry/process/ProcessOdometry.ts';
import type { ImageFrame } from '../src/sources/Source.ts';
import { benchmark } from './benchmark.ts';
import { eurocLikeCamera } from './eurocLikeCamera.ts';
import { quantileOf } from './statistics.ts';

const REPETITIONS = 500;
const WARM_UP = 50;
const ECHO = new URL('./echoProgram.mjs', import.meta.url);

const IMAGES = [
  { name: '752x480 mono8', width: 752, height: 480, encoding: 'mono8', channels: 1 },
  { name: '752x480 bgr8', width: 752, height: 480, encoding: 'bgr8', channels: 3 },
  { name: '1280x720 bgr8', width: 1280, height: 720, encoding: 'bgr8', channels: 3 },
] as const;

await benchmark('process', async ({ frames = REPETITIONS }) => {
  const options = { calibration: eurocLikeCamera(752, 480), modelDir: '', parameters: defaultParameters() };
  const odometry = await ProcessOdometry.open(options, { program: ECHO });
  const images = [];
  try {
    for (const { name, width, height, encoding, channels } of IMAGES) {
      const step = width * channels;
      const data = new Uint8Array(step * height).fill(100);
      const frame: ImageFrame = { stampNs: 0n, width, height, encoding, step, isBigEndian: false, data };
      const timesMs = await thereAndBackMs(odometry, frame, frames);
      const [p50, p99] = [quantileOf(timesMs, 0.5), quantileOf(timesMs, 0.99)];
      console.log(`${name}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`);
      images.push({ name, bytes: data.length, p50Ms: p50, p99Ms: p99 });
    }
  } finally {
    await odometry.close();
  }
  return { repetitions: frames, images };
});

async function thereAndBackMs(odometry: ProcessOdometry, frame: ImageFrame, repetitions: number): Promise<number[]> {
  const times: number[] = [];
  for (let k = -WARM_UP; k < repetitions; k++) {
    const startMs = performance.now();
    await odometry.track(frame);
    if (k >= 0) times.push(performance.now() - startMs);
  }
  return times;
}
