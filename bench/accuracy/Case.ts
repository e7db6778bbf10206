// SPDX-License-Identifier: MIT
import { ReferenceTrack } from '../../src/evaluation/ReferenceTrack.ts';
import type { StampedPose } from '../../src/odometry/Pose.ts';
import type { Vec3 } from '../../src/odometry/se3.ts';
import type { Sequence, SequenceImage, SequenceKind } from './Sequence.ts';

/** A part of a sequence that is run: from an image on, every n-th one. */
export interface Case {
  sequence: Sequence;
  startFrame: number;
  stride: number;
  /** Only so many images of the recording. */
  limit: number | undefined;
}

/** What a case says about itself in results. */
export interface CaseFacts {
  kind: SequenceKind;
  sequence: string;
  startFrame: number;
  stride: number;
  limitedTo?: number;
  images: number;
  /** Way of the camera, metres, by its ground truth at the images. */
  pathM: number;
  /** Diagonal of the box (along the axes of the ground truth) round the positions of the camera, metres. */
  extentM: number;
  medianDepthM?: number;
}

/** The cases whose names hold `only` (all without). */
export function listCases(
  sequences: readonly Sequence[],
  { only = '', limit }: { only?: string | undefined; limit?: number | undefined },
): Case[] {
  return sequences
    .flatMap((sequence) =>
      sequence.starts.flatMap((startFrame) =>
        sequence.strides.map((stride) => ({ sequence, startFrame, stride, limit })),
      ),
    )
    .filter((entry) => caseName(entry).includes(only));
}

/** "euroc_mh05_585/start11/stride2" */
export function caseName({ sequence, startFrame, stride }: Case): string {
  return `${sequence.name}/start${startFrame}/stride${stride}`;
}

/** The images that a run of the case takes. */
export function imagesOf({ sequence, startFrame, stride, limit }: Case): SequenceImage[] {
  const end = limit === undefined ? sequence.images.length : startFrame + limit;
  return sequence.images.slice(startFrame, end).filter((_, index) => index % stride === 0);
}

/** Source and range of the case for `qpvo run`: the range begins and ends half-way between images. */
export function runArguments({ sequence, startFrame, stride, limit }: Case): string[] {
  const { images } = sequence;
  const secondsBefore = (index: number): string => {
    const middleNs = (images[index - 1]!.stampNs + images[index]!.stampNs) / 2n - images[0]!.stampNs;
    return (Number(middleNs) / 1e9).toFixed(6);
  };
  const end = limit === undefined ? images.length : startFrame + limit;
  return [
    sequence.path,
    '--stride',
    `${stride}`,
    ...(startFrame === 0 ? [] : ['--start', secondsBefore(startFrame)]),
    ...(end >= images.length ? [] : ['--end', secondsBefore(end)]),
  ];
}

export function factsOf(entry: Case): CaseFacts {
  const { sequence, startFrame, stride, limit } = entry;
  const images = imagesOf(entry);
  const positions = referenceAt(sequence.groundTruth, images).map(({ t }) => t);
  const isExcerpt = limit !== undefined && startFrame + limit < sequence.images.length;
  return {
    kind: sequence.kind,
    sequence: sequence.name,
    startFrame,
    stride,
    ...(isExcerpt ? { limitedTo: limit } : {}),
    images: images.length,
    pathM: pathM(positions),
    extentM: extentM(positions),
    ...(sequence.medianDepthM === undefined ? {} : { medianDepthM: sequence.medianDepthM }),
  };
}

/** Ground truth at the images that have one. */
function referenceAt(groundTruth: readonly StampedPose[], images: readonly SequenceImage[]): StampedPose[] {
  const track = new ReferenceTrack(groundTruth);
  return images.flatMap(({ stampNs }) => {
    const pose = track.at(stampNs);
    return pose === undefined ? [] : [{ stampNs, ...pose }];
  });
}

/** Length of the way from one position to the next. */
export function pathM(positions: readonly Vec3[]): number {
  return positions.slice(1).reduce((sum, to, index) => sum + distanceM(positions[index]!, to), 0);
}

function extentM(positions: readonly Vec3[]): number {
  const sides = [0, 1, 2].map((axis) => {
    const along = positions.map((position) => position[axis]!);
    return positions.length === 0 ? 0 : Math.max(...along) - Math.min(...along);
  });
  return Math.hypot(...sides);
}

export function distanceM(a: Vec3, b: Vec3): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}
