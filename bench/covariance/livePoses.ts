// SPDX-License-Identifier: MIT
import { QpvoError } from '../../src/error.ts';
import { ReferenceTrack } from '../../src/evaluation/ReferenceTrack.ts';
import { type OdometryOptions, PatchOdometry } from '../../src/odometry/PatchOdometry.ts';
import { openSource } from '../../src/sources/openSource.ts';
import type { RecordingPlace } from '../recordings.ts';
import type { LivePose } from './LivePose.ts';

/** Runs the odometry over the first images of a recording and gives every live pose that has a covariance and a true pose. */
export async function livePoses(
  recording: RecordingPlace,
  options: Omit<OdometryOptions, 'calibration'>,
  frames: number,
): Promise<LivePose[]> {
  const source = await openSource(recording.path);
  const { calibration, groundTruth } = source;
  if (calibration === undefined || groundTruth === undefined) {
    throw new QpvoError('QPVO_EVALUATION', { what: `${recording.name} has no calibration or no ground truth` });
  }
  const track = new ReferenceTrack(groundTruth);
  const odometry = await PatchOdometry.create({ calibration, ...options });
  const poses: LivePose[] = [];
  let index = 0;
  try {
    for await (const item of source.frames()) {
      if ('fault' in item) continue;
      if (index >= frames) break;
      const { T_world_camera: estimate, poseCovariance: raw, segment, stampNs } = await odometry.track(item);
      const truth = track.at(stampNs);
      if (estimate !== undefined && raw !== undefined && truth !== undefined)
        poses.push({ index, segment, estimate, truth, raw });
      index++;
    }
  } finally {
    await odometry.close();
    await source.close();
  }
  return poses;
}
