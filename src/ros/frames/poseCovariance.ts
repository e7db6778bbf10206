// SPDX-License-Identifier: MIT
// From the covariance that bundle adjustment has (a perturbation of T_camera_world) to those that ROS messages have. First order; Barfoot, "State Estimation for
// Robotics", sections 7.1 and 7.3. With s the scale and xi = (tau, phi):
//   T_camera_world' = Exp(xi) T_camera_world   =>   T_odom_base' = T_odom_base Exp(eta),   eta = -Ad(T_base_camera) diag(s, s, s, 1, 1, 1) xi
//   error about the fixed axes of odom (REP-103): (t' - t, Log(R' R^T)) = diag(R_odom_base, R_odom_base) eta
import type { Pose } from '../../odometry/Pose.ts';
import { rotate, type Vec3 } from '../../odometry/se3.ts';
import { carry } from './covariance6.ts';

/**
 * Covariance of eta, the error of base_link seen in base_link.
 * @param raw 6x6 row-major, order tau (segment units) then phi (rad), of xi above
 * @param scale metres per segment unit
 * @returns 6x6 row-major, x y z (m) then rotations about X Y Z of base_link (rad)
 */
export function covarianceInBase(raw: ArrayLike<number>, scale: number, T_base_camera: Pose): Float64Array {
  return carry(scaledAdjoint(T_base_camera, scale), raw);
}

/** The covariance of a pose about the fixed axes of odom (what nav_msgs/Odometry asks for), from that in base_link. */
export function covarianceInOdom(inBase: ArrayLike<number>, T_odom_base: Pose): Float64Array {
  return carry(scaledAdjoint({ t: [0, 0, 0], q: T_odom_base.q }, 1), inBase);
}

const AXES: readonly Vec3[] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/** Ad(T) diag(s, s, s, 1, 1, 1) with Ad(T) = [[R, [t]x R], [0, R]]; the sign does not matter to a covariance. */
function scaledAdjoint(T: Pose, scale: number): Float64Array {
  const out = new Float64Array(36);
  const [x, y, z] = T.t;
  AXES.forEach((axis, column) => {
    const [a, b, c] = rotate(T.q, axis);
    const moved = [y * c - z * b, z * a - x * c, x * b - y * a];
    [a, b, c].forEach((value, row) => {
      out[6 * row + column] = scale * value;
      out[6 * row + column + 3] = moved[row]!;
      out[6 * (row + 3) + column + 3] = value;
    });
  });
  return out;
}
