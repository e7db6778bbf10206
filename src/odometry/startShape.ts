// SPDX-License-Identifier: MIT
import type { OdometryParameters } from '../config/parameters.ts';
import { type FrameDevice, NO_QUESTIONS } from './FrameDevice.ts';
import { type HealthSettings, healthQuestion } from './healthQuestion.ts';
import type { PatchGraph } from './PatchGraph.ts';
import type { Pose } from './Pose.ts';
import type { PoseTable } from './PoseTable.ts';
import { compose, inverse, type Vec3 } from './se3.ts';

/** With fewer first updates, of which the last is still to come, there is nothing to judge by. */
const LEAST_UPDATES = 3;

/** How often a bundle adjustment is begun anew, with how many calls each. */
const DRAWS = 3;
const CALLS = 10;

/** Angle between two directions of motion from which on they are two explanations, degrees. Bundle adjustments of one and the same end within 10, the two of a scene 60 to 95 apart. */
const APART_DEG = 30;

/**
 * The targets were found from the first explanation and fit it better. So another one is taken seriously up to so many times its residual: the right one has twice that
 * of a wrong one, the mirrored one of a right one four times and more, what a bundle adjustment strayed to forty times.
 */
const SERIOUS = 3;

/** Share of the residual that another explanation must have left after updates of its own: measured 0.5 to 0.75 where it was the right one. */
const BETTER = 0.85;

export interface StartWork extends HealthSettings {
  device: Pick<FrameDevice, 'buffers' | 'readBack' | 'setInverseDepths'>;
  graph: Pick<PatchGraph, 'frames' | 'pairCount'>;
  poses: PoseTable;
  parameters: HealthSettings['parameters'] & Pick<OdometryParameters, 'initUpdates' | 'initAcceptConfidence'>;
  /** One update of the odometry: network and bundle adjustment. */
  update: () => Promise<void>;
  /** Bundle adjustment alone, towards the targets of the last update. */
  adjust: () => Promise<void>;
}

/** Poses and inverse depths of the frames, and how well they explain the images. */
interface Shape {
  poses: Pose[];
  inverseDepths: Float32Array[];
  /** Confidence-weighted mean over all edges, grid px. */
  residual: number;
  /** Median over all edges. */
  confidence: number;
  /** Of the newest camera from the first one, in the first one's axes; unit length. */
  direction: Vec3;
}

/**
 * The first frames can have two explanations: with little parallax a turn and a motion across the view look alike, and depth is near and far exchanged (the mirrored
 * solution of structure from motion: Oliensis, "The least-squares error for structure from infinitesimal motion", IJCV 2005). The updates, whose flow follows the
 * estimate, may settle on the wrong one, and then nothing tells for hundreds of frames. So bundle adjustment is begun anew from cameras that stand still and other depths,
 * towards the same targets; not where images without confidence will be refused anyway. If it ends at the same motion, which is the rule, everything is as if this had not
 * been called. If it ends at another one that explains the targets nearly as well, that one gets `initUpdates` updates of its own, and the one that explains the images
 * better then is kept.
 *
 * @returns whether the other explanation was taken
 */
export async function settleStart(work: StartWork): Promise<boolean> {
  const { initUpdates, initAcceptConfidence } = work.parameters;
  if (initUpdates < LEAST_UPDATES) return false;
  const found = await shapeOf(work);
  if (!(found.confidence >= initAcceptConfidence)) return false;
  const other = await otherShape(work, found);
  restore(work, found);
  if (other === undefined) return false;
  restore(work, other);
  for (let k = 0; k < initUpdates; k++) await work.update();
  const { residual } = await shapeOf(work);
  if (residual < BETTER * found.residual) return true;
  restore(work, found);
  for (let k = 0; k < initUpdates; k++) await work.update();
  return false;
}

/** Another explanation that is to be taken seriously, the best one. */
async function otherShape(work: StartWork, found: Shape): Promise<Shape | undefined> {
  let best: Shape | undefined;
  for (let draw = 0; draw < DRAWS; draw++) {
    restore(work, {
      poses: found.poses.map(() => found.poses[0]!),
      inverseDepths: found.inverseDepths.map((depths, frame) => drawnDepths(depths.length, draw, frame)),
    });
    for (let k = 0; k < CALLS; k++) await work.adjust();
    const shape = await shapeOf(work);
    const isOther = shape.residual < SERIOUS * found.residual && angleDeg(shape.direction, found.direction) > APART_DEG;
    if (isOther && shape.residual < (best?.residual ?? Number.POSITIVE_INFINITY)) best = shape;
  }
  return best;
}

/** Evenly over 0 to 1 in an order that looks random: multiples of the golden ratio, without their whole part. */
function drawnDepths(count: number, draw: number, frame: number): Float32Array {
  const first = 1000 * draw + 100 * frame + 1;
  return Float32Array.from({ length: count }, (_, k) => ((first + k) * GOLDEN) % 1);
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;

async function shapeOf(work: StartWork): Promise<Shape> {
  const { device, graph, poses } = work;
  const all = new Uint8Array(graph.pairCount).fill(1);
  const { health } = await device.readBack({ ...NO_QUESTIONS, health: [healthQuestion(graph.pairCount, all, work)] });
  const { inverseDepth, patchStride } = device.buffers;
  const ofFrames = graph.frames.map(({ slot }) => poses.get(slot));
  return {
    poses: ofFrames,
    inverseDepths: graph.frames.map(({ slot }) => inverseDepth.slice(slot * patchStride, (slot + 1) * patchStride)),
    residual: health[0]!.residual,
    confidence: health[0]!.medianConfidence,
    direction: directionOf(ofFrames[0]!, ofFrames.at(-1)!),
  };
}

function directionOf(first: Pose, newest: Pose): Vec3 {
  const { t } = compose(first, inverse(newest));
  const length = Math.hypot(...t);
  return [t[0] / length, t[1] / length, t[2] / length];
}

/** 0 when a direction is none: the cameras coincide, or a pose is not finite. */
function angleDeg(a: Vec3, b: Vec3): number {
  const cosine = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  return Number.isFinite(cosine) ? (180 / Math.PI) * Math.acos(Math.min(1, Math.max(-1, cosine))) : 0;
}

function restore({ device, graph, poses }: StartWork, shape: Pick<Shape, 'poses' | 'inverseDepths'>): void {
  const { inverseDepth, patchStride } = device.buffers;
  for (const [index, { slot }] of graph.frames.entries()) {
    poses.set(slot, shape.poses[index]!);
    inverseDepth.set(shape.inverseDepths[index]!, slot * patchStride);
    device.setInverseDepths(slot);
  }
}
