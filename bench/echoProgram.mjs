// SPDX-License-Identifier: MIT
// Stands for the process of an odometry and does nothing with what it is asked: what is left is the way there and back. The answer is as large as that of a frame.
const result = {
  sequence: 0,
  stampNs: 0n,
  state: 'TRACKING',
  skipped: false,
  reason: '',
  segment: 0,
  T_world_camera: { t: [0, 0, 0], q: [0, 0, 0, 1] },
  poseCovariance: new Float64Array(36),
  isKeyframe: true,
  init: undefined,
  health: { medianConfidence: 0.5, residualPx: 1, inlierShare: 0.9 },
  finalPoses: [],
  finalPoints: Array.from({ length: 96 }, (_, i) => ({ x: i, y: i, z: i, r: 1, g: 2, b: 3, segment: 0 })),
  pairs: 500,
  stagesMs: { prepare: 1, encode: 1, insert: 1, correlate: 1, update: 1, bundleAdjust: 1, readBack: 1, commit: 1 },
  latencyMs: 9,
};

process.on('disconnect', () => process.exit());
process.on('message', ({ id, call }) => {
  process.send({ id, residentBytes: 0, value: call === 'track' ? result : undefined });
});
