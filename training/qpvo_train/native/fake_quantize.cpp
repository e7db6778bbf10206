// SPDX-License-Identifier: MIT
// Fake quantization and its gradients, one pass each way.
//
//   v = x / s, q = clamp(round_half_to_even(v), low, high), y = q s
//   dL/dx = g where low <= v <= high, else 0                       (straight through the rounding)
//   dL/ds = sum g (q - v) where low <= v <= high, sum g q elsewhere (LSQ, arXiv 1902.08153, equation 3)
//
// x [channels][inner], scale [channels]. Needs exact IEEE arithmetic: a product with 1 / s would round ties differently from a division.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace {

constexpr int64_t kBlock = 8192;  // elements of a task; sums are added up by blocks, so they do not depend on the number of threads

struct Task {
  int64_t channel, begin, end;
};

Task task_of(int64_t index, int64_t blocks, int64_t inner) {
  const int64_t channel = index / blocks, first = (index % blocks) * kBlock;
  return {channel, channel * inner + first, channel * inner + std::min(first + kBlock, inner)};
}

// A NaN stays NaN: both comparisons are false.
inline float clamped(float v, float low, float high) {
  const float raised = v < low ? low : v;
  return raised > high ? high : raised;
}

}  // namespace

extern "C" void fake_quantize(const float* x, const float* scale, float* y, int64_t channels, int64_t inner, float low, float high) {
  const int64_t blocks = (inner + kBlock - 1) / kBlock;
#pragma omp parallel for schedule(static)
  for (int64_t index = 0; index < channels * blocks; index++) {
    const Task task = task_of(index, blocks, inner);
    const float s = scale[task.channel];
#pragma omp simd
    for (int64_t i = task.begin; i < task.end; i++) y[i] = std::rint(clamped(x[i] / s, low, high)) * s;
  }
}

// factor: what the gradient of the scale is multiplied by.
extern "C" void fake_quantize_backward(const float* x, const float* scale, const float* grad, float* grad_x, float* grad_scale, int64_t channels,
                                       int64_t inner, float low, float high, float factor) {
  const int64_t blocks = (inner + kBlock - 1) / kBlock;
  std::vector<float> partial(channels * blocks);
#pragma omp parallel for schedule(static)
  for (int64_t index = 0; index < channels * blocks; index++) {
    const Task task = task_of(index, blocks, inner);
    const float s = scale[task.channel];
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = task.begin; i < task.end; i++) {
      const float v = x[i] / s, c = clamped(v, low, high), g = grad[i];
      const bool inside = c == v;
      grad_x[i] = inside ? g : 0.f;
      sum += g * (std::rint(c) - (inside ? v : 0.f));
    }
    partial[index] = sum;
  }
  for (int64_t channel = 0; channel < channels; channel++) {
    double sum = 0;
    for (int64_t block = 0; block < blocks; block++) sum += partial[channel * blocks + block];
    grad_scale[channel] = static_cast<float>(sum * factor);
  }
}
