// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

// SE(3), written once for host and device. A pose is (t, q): p_a = R(q) p_b + t with unit quaternion xyzw. Tangents are (translation, rotation).
// Barfoot, "State Estimation for Robotics", chapter 7.

#if defined(__CUDACC__)
#define QPVO_HOST_DEVICE __host__ __device__
#else
#define QPVO_HOST_DEVICE
#endif

namespace qpvo {

template <typename T>
struct Rigid {
  T t[3];
  T q[4];
};

/// Rotation matrix, row-major.
template <typename T>
QPVO_HOST_DEVICE inline void rotationMatrix(const T q[4], T R[9]) {
  const T x = q[0], y = q[1], z = q[2], w = q[3];
  R[0] = 1 - 2 * (y * y + z * z);
  R[1] = 2 * (x * y - z * w);
  R[2] = 2 * (x * z + y * w);
  R[3] = 2 * (x * y + z * w);
  R[4] = 1 - 2 * (x * x + z * z);
  R[5] = 2 * (y * z - x * w);
  R[6] = 2 * (x * z - y * w);
  R[7] = 2 * (y * z + x * w);
  R[8] = 1 - 2 * (x * x + y * y);
}

template <typename T>
QPVO_HOST_DEVICE inline void rotate(const T q[4], const T v[3], T out[3]) {
  T R[9];
  rotationMatrix(q, R);
  for (int i = 0; i < 3; ++i) out[i] = R[3 * i] * v[0] + R[3 * i + 1] * v[1] + R[3 * i + 2] * v[2];
}

template <typename T>
QPVO_HOST_DEVICE inline void normalize(T q[4]) {
  const T n = 1 / std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
  for (int i = 0; i < 4; ++i) q[i] *= n;
}

template <typename T>
QPVO_HOST_DEVICE inline void multiply(const T a[4], const T b[4], T c[4]) {
  c[0] = a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1];
  c[1] = a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0];
  c[2] = a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3];
  c[3] = a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2];
}

/// T_a_c = T_a_b T_b_c, quaternion renormalised.
template <typename T>
QPVO_HOST_DEVICE inline Rigid<T> compose(const Rigid<T>& a, const Rigid<T>& b) {
  Rigid<T> c;
  rotate(a.q, b.t, c.t);
  for (int i = 0; i < 3; ++i) c.t[i] += a.t[i];
  multiply(a.q, b.q, c.q);
  normalize(c.q);
  return c;
}

template <typename T>
QPVO_HOST_DEVICE inline Rigid<T> inverse(const Rigid<T>& a) {
  Rigid<T> b;
  for (int i = 0; i < 3; ++i) b.q[i] = -a.q[i];
  b.q[3] = a.q[3];
  rotate(b.q, a.t, b.t);
  for (int i = 0; i < 3; ++i) b.t[i] = -b.t[i];
  return b;
}

/// se(3) -> SE(3), the true exponential; series below 1e-5 rad.
template <typename T>
QPVO_HOST_DEVICE inline Rigid<T> exponential(const T xi[6]) {
  const T *tau = xi, *phi = xi + 3;
  const T theta2 = phi[0] * phi[0] + phi[1] * phi[1] + phi[2] * phi[2];
  const T theta = std::sqrt(theta2);
  const bool small = theta < T(1e-5);
  const T half = small ? T(0.5) - theta2 / 48 : std::sin(theta / 2) / theta;
  const T b = small ? T(0.5) - theta2 / 24 : (1 - std::cos(theta)) / theta2;
  const T c = small ? T(1) / 6 - theta2 / 120 : (theta - std::sin(theta)) / (theta2 * theta);
  const T c1[3] = {phi[1] * tau[2] - phi[2] * tau[1], phi[2] * tau[0] - phi[0] * tau[2], phi[0] * tau[1] - phi[1] * tau[0]};
  const T c2[3] = {phi[1] * c1[2] - phi[2] * c1[1], phi[2] * c1[0] - phi[0] * c1[2], phi[0] * c1[1] - phi[1] * c1[0]};
  Rigid<T> out;
  for (int i = 0; i < 3; ++i) {
    out.t[i] = tau[i] + b * c1[i] + c * c2[i];
    out.q[i] = half * phi[i];
  }
  out.q[3] = std::cos(theta / 2);
  normalize(out.q);
  return out;
}

/// Ad(T) for tangents (translation, rotation), row-major 6x6: [[R, [t]x R], [0, R]].
template <typename T>
QPVO_HOST_DEVICE inline void adjoint(const Rigid<T>& a, T A[36]) {
  T R[9];
  rotationMatrix(a.q, R);
  const T hat[9] = {0, -a.t[2], a.t[1], a.t[2], 0, -a.t[0], -a.t[1], a.t[0], 0};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      A[6 * i + j] = R[3 * i + j];
      A[6 * (i + 3) + j + 3] = R[3 * i + j];
      A[6 * (i + 3) + j] = 0;
      A[6 * i + j + 3] = hat[3 * i] * R[j] + hat[3 * i + 1] * R[3 + j] + hat[3 * i + 2] * R[6 + j];
    }
  }
}

}  // namespace qpvo
