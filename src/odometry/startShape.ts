// SPDX-License-Identifier: MIT
import type { OdometryParameters } from '../config/parameters.ts';
import { type FrameDevice, NO_QUESTIONS } from './FrameDevice.ts';
import { type HealthSettings, healthQuestion } from './healthQuestion.ts';
import { lowerMedian } from './median.ts';
import type { PatchGraph } from './PatchGraph.ts';
import type { Pose } from './Pose.ts';
import type { PoseTable } from './PoseTable.ts';
import { compose, exp, inverse, type Vec3 } from './se3.ts';

/** With fewer first updates, of which the last is still to come, there is nothing to judge by. */
const LEAST_UPDATES = 3;

/** How often a bundle adjustment is begun anew from depths that are drawn. */
const DRAWS = 3;

/** Calls of bundle adjustment from every such beginning. */
const CALLS = 10;

/** Least inverse depth of a mirrored patch, as a share of the median. */
const LEAST_MIRRORED = 0.02;

/** Angle between two directions of motion from which on they are two explanations, degrees. Bundle adjustments of one and the same end within 10, the two of a scene 60 to 95 apart. */
const APART_DEG = 30;

/**
 * The targets were found from the first explanation and fit it better. So another one is taken seriously up to so many times its residual: the right one had up to 2.2 times
 * that of a wrong one, the mirrored one of a right one 3.8 times and more, what a bundle adjustment strayed to forty times.
 */
const SERIOUS = 3;

/** Share of the residual that another explanation must have left after updates of its own: measured 0.5 to 0.75 where it was the right one. */
const BETTER = 0.85;

export interface StartWork extends HealthSettings {
  device: Pick<FrameDevice, 'buffers' | 'readBack' | 'setInverseDepths'>;
  graph: Pick<PatchGraph, 'frames' | 'pairCount'>;
  poses: PoseTable;
  parameters: HealthSettings['parameters'] &
    Pick<OdometryParameters, 'initUpdates' | 'initAcceptConfidence' | 'patchesPerFrame'>;
  /** One update of the odometry: network and bundle adjustment. */
  update: () => Promise<void>;
  /** Bundle adjustment alone, towards the targets of the last update. */
  adjust: () => Promise<void>;
}

/** Poses and inverse depths of the frames: where a bundle adjustment begins. */
interface Beginning {
  poses: Pose[];
  inverseDepths: Float32Array[];
}

/** Where it ended, and how well that explains the images. */
interface Shape extends Beginning {
  /** Median inverse depth of all patches. */
  medianDepth: number;
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
 * estimate, may settle on the wrong one, and then nothing tells for hundreds of frames. So bundle adjustment is begun anew towards the same targets, from the mirrored
 * solution and from cameras that stand still; not where images without confidence will be refused anyway. If that ends at the same motion, or explains the targets much
 * worse, which is the rule, everything is as if this had not been called. If it ends at another one that explains them nearly as well, that one gets `initUpdates` updates
 * of its own, and the one that explains the images better then is kept.
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
  for (const beginning of [mirrored(found), ...Array.from({ length: DRAWS }, (_, draw) => drawn(found, draw))]) {
    restore(work, beginning);
    for (let k = 0; k < CALLS; k++) await work.adjust();
    const shape = await shapeOf(work);
    const isOther = shape.residual < SERIOUS * found.residual && angleDeg(shape.direction, found.direction) > APART_DEG;
    if (isOther && shape.residual < (best?.residual ?? Number.POSITIVE_INFINITY)) best = shape;
  }
  return best;
}

/**
 * About the mirrored solution: a point (x, y, 1) / d that is moved by t is seen at d (tx, ty) - d tz (x, y) beside (x, y). With tx, ty the other way and depth mirrored about
 * the median m, to 2 m - d, the first term differs by -2 m (tx, ty), for which the turn by (-2 m ty, 2 m tx, 0) makes up.
 */
function mirrored({ poses, inverseDepths, medianDepth: m }: Shape): Beginning {
  const first = poses[0]!;
  return {
    poses: poses.map((pose) => {
      const { t, q } = compose(pose, inverse(first));
      const turn = exp([0, 0, 0, -2 * m * t[1], 2 * m * t[0], 0]);
      return compose(compose(turn, { t: [-t[0], -t[1], t[2]], q }), first);
    }),
    inverseDepths: inverseDepths.map((depths) => depths.map((d) => Math.max(LEAST_MIRRORED * m, 2 * m - d))),
  };
}

/** Cameras that stand still, and other depths: evenly over 0 to 1 in an order that looks random, multiples of the golden ratio without their whole part. */
function drawn({ poses, inverseDepths }: Shape, draw: number): Beginning {
  return {
    poses: poses.map(() => poses[0]!),
    inverseDepths: inverseDepths.map((depths, frame) =>
      depths.map((_, k) => ((1000 * draw + 100 * frame + 1 + k) * GOLDEN) % 1),
    ),
  };
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;

async function shapeOf(work: StartWork): Promise<Shape> {
  const { device, graph, poses, parameters } = work;
  const all = new Uint8Array(graph.pairCount).fill(1);
  const { health } = await device.readBack({ ...NO_QUESTIONS, health: [healthQuestion(graph.pairCount, all, work)] });
  const { inverseDepth, patchStride } = device.buffers;
  const ofFrames = graph.frames.map(({ slot }) => poses.get(slot));
  const inverseDepths = graph.frames.map(({ slot }) =>
    inverseDepth.slice(slot * patchStride, slot * patchStride + parameters.patchesPerFrame),
  );
  return {
    poses: ofFrames,
    inverseDepths,
    medianDepth: lowerMedian(inverseDepths),
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

function restore({ device, graph, poses }: StartWork, shape: Beginning): void {
  const { inverseDepth, patchStride } = device.buffers;
  for (const [index, { slot }] of graph.frames.entries()) {
    poses.set(slot, shape.poses[index]!);
    inverseDepth.set(shape.inverseDepths[index]!, slot * patchStride);
    device.setInverseDepths(slot);
  }
}
