// SPDX-License-Identifier: MIT
#include "cases.hpp"
#include "memory_growth.hpp"
#include "ops_scene.hpp"
#include "steady_run.hpp"

// What `frame` and `soak` rest on: a run that stays on its way in full windows, and the judgement of memory.

namespace qpvo::gpu {

namespace {

/// The camera is where its motion alone would have put it.
void checkRun(cuda::Context& context, Comparison& comparison, cuda::Precision precision) {
  constexpr int kFrames = 6;
  const Windows windows{2, 3, 2, 2};
  SteadyRun run(context.device(), {"small", kSmallEncoder, {48, 48}, windows, precision});
  Rigid<double> expected{{0, 0, 0}, {0, 0, 0, 1}};
  for (int i = 0; i < kFrames; ++i) {
    run.frame(nullptr);
    expected = compose(SteadyRun::motion(), expected);
  }
  const Rigid<double> pose = run.newestPose();
  comparison.close("translation", std::vector<double>(pose.t, pose.t + 3), std::vector<double>(expected.t, expected.t + 3));
  comparison.close("rotation", std::vector<double>(pose.q, pose.q + 4), std::vector<double>(expected.q, expected.q + 4));
  comparison.holds("the windows are full", run.isSteady() && run.pairs() == 11);
  comparison.holds("all edges count", run.validShare() == 1);
}

/// Of so many frames; what each of them leaves behind, bytes.
std::vector<MemorySample> samplesOf(int frames, double host, double device, double buffers) {
  std::vector<MemorySample> samples;
  for (int i = 1; i <= 100; ++i) {
    const int frame = i * frames / 100;
    samples.push_back({frame, 4e8 + host * frame, 7e8 + device * frame, 5e8 + buffers * frame});
  }
  return samples;
}

int missed(const std::vector<MemorySample>& samples) {
  int count = 0;
  for (const Judged& number : judgeGrowth(samples)) count += !number.isMet();
  return count;
}

void checkJudgement(cuda::Context&, Comparison& comparison) {
  comparison.holds("flat memory is flat", missed(samplesOf(20'000, 0, 0, 0)) == 0);
  comparison.holds("two kilobytes a frame on the host are not", missed(samplesOf(20'000, 2e3, 0, 0)) == 2);
  comparison.holds("a short run has no slope", judgeGrowth(samplesOf(1'000, 0, 0, 0)).size() == judgeGrowth(samplesOf(20'000, 0, 0, 0)).size() - 1);
  comparison.holds("a kilobyte a frame on the GPU is not", missed(samplesOf(20'000, 0, 1e3, 0)) == 1);
  comparison.holds("a buffer more is not", missed(samplesOf(20'000, 0, 0, 1)) == 1);
}

void checkWindows(cuda::Context&, Comparison& comparison) {
  comparison.holds("the published windows have 497 and 302 pairs", Windows{96, 22, 10, 13}.pairs() == 497 && Windows{48, 16, 7, 11}.pairs() == 302);
}

const Rows rows([](Table& table) {
  for (const cuda::Precision precision : {cuda::Precision::fp16, cuda::Precision::int8}) {
    table.push_back({"steadyRun", nameOf(precision) + ", six frames", 2e-3, "flows of a thousandth of a grid pixel, through six adjustments",
                     [=](cuda::Context& context, Comparison& to) { checkRun(context, to, precision); }, {}});
  }
  table.push_back({"steadyRun", "pairs of the published windows", 0, "exact", checkWindows, {}});
  table.push_back({"memory", "growth is seen", 0, "exact", checkJudgement, {}});
});

}  // namespace

}  // namespace qpvo::gpu
