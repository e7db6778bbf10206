// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import { IDENTITY, type Pose } from '../../odometry/Pose.ts';
import { compose, inverse, isFinitePose, transform, type Vec3 } from '../../odometry/se3.ts';

/** One pose of the visual odometry. */
export interface VisualPose {
  segment: number;
  /** Camera in its optical frame, translation in segment units. */
  T_world_camera: Pose;
  /** Metres per segment unit; 1 while the scale is unknown. */
  scale: number;
}

/**
 * The frame odom (REP-105): base_link moves in it without jumps, whatever happens to the segments and scales of the visual odometry. With B the visual pose of base_link,
 * the order of the operations is, bit for bit,
 *
 *     S = { t: [scale * t.x, scale * t.y, scale * t.z], q }             of T_world_camera
 *     B = compose(compose(T_base_camera, S), inverse(T_base_camera))
 *     T_odom_base = compose(A, B)
 *
 * A is the identity until something changes: odom is base_link where the world of the first segment begins. Then it is chosen anew as compose(last, inverse(B)), `last` being the
 * last pose that was returned. A new segment: B is that of its first pose, for which `last` itself is returned. Another scale: B is that of the visual pose before,
 * with the new scale, so that the step to the new pose counts. moveTo: as another scale, `last` being the pose given.
 */
export class OdomFrame {
  readonly #T_base_camera: Pose;
  readonly #T_camera_base: Pose;
  #A: Pose = IDENTITY;
  #last: { visual: VisualPose; T_odom_base: Pose } | undefined;
  /** The pose given before there was any. */
  #start: Pose | undefined;

  /** @param T_base_camera where the camera (optical frame) sits on base_link */
  constructor(T_base_camera: Pose) {
    this.#T_base_camera = T_base_camera;
    this.#T_camera_base = inverse(T_base_camera);
  }

  /**
   * @returns T_odom_base, metres
   * @throws QpvoError QPVO_INTERNAL when the pose is not finite, QPVO_PARAMETER when the scale is not above 0; nothing has changed then
   */
  update(visual: VisualPose): Pose {
    check(visual);
    const last = this.#last;
    const continues = last === undefined ? this.#start : last.T_odom_base;
    const isNewSegment = last === undefined ? this.#start !== undefined : last.visual.segment !== visual.segment;
    if (isNewSegment) this.#join(continues!, visual);
    else if (last !== undefined && last.visual.scale !== visual.scale) {
      this.#join(last.T_odom_base, { ...last.visual, scale: visual.scale });
    }
    const T_odom_base = isNewSegment ? continues! : compose(this.#A, this.#baseInWorld(visual));
    this.#last = { visual, T_odom_base };
    return T_odom_base;
  }

  /** base_link is here now, that is, at the last pose; before the first pose: the first pose will be this one. */
  moveTo(T_odom_base: Pose): void {
    if (!isFinitePose(T_odom_base)) throw notFinite('the pose to move to', T_odom_base);
    if (this.#last === undefined) this.#start = T_odom_base;
    else {
      this.#join(T_odom_base, this.#last.visual);
      this.#last = { visual: this.#last.visual, T_odom_base };
    }
  }

  /** p_odom, metres, of a point of the present segment (segment units): where it belongs as odom is placed now. */
  place([x, y, z]: Vec3): Vec3 {
    const scale = this.#last?.visual.scale ?? 1;
    return transform(this.#A, transform(this.#T_base_camera, [scale * x, scale * y, scale * z]));
  }

  /** From here on the visual pose stands for T_odom_base. */
  #join(T_odom_base: Pose, visual: VisualPose): void {
    this.#A = compose(T_odom_base, inverse(this.#baseInWorld(visual)));
  }

  #baseInWorld({ T_world_camera: { t, q }, scale }: VisualPose): Pose {
    const scaled: Pose = { t: [scale * t[0], scale * t[1], scale * t[2]], q };
    return compose(compose(this.#T_base_camera, scaled), this.#T_camera_base);
  }
}

function check({ T_world_camera, scale }: VisualPose): void {
  if (!isFinitePose(T_world_camera)) throw notFinite('the pose of the visual odometry', T_world_camera);
  if (scale > 0 && scale < Number.POSITIVE_INFINITY) return;
  throw new QpvoError('QPVO_PARAMETER', {
    what: 'the scale cannot be used',
    expected: 'metres per unit of the visual odometry, a number above 0',
    received: String(scale),
    advice: 'Give 1 while the scale is unknown.',
  });
}

function notFinite(what: string, { t, q }: Pose): QpvoError {
  const received = `translation [${t.join(', ')}], rotation [${q.join(', ')}]`;
  return new QpvoError('QPVO_INTERNAL', { what: `${what} is not finite`, expected: 'finite numbers', received });
}
