// SPDX-License-Identifier: MIT
#include "pipeline.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>

#include "hidden_moves.hpp"
#include "ops.hpp"
#include "pipeline_mirrors.hpp"
#include "qpvo/error.hpp"
#include "questions.hpp"
#include "runtime/context.hpp"
#include "runtime/graph.hpp"
#include "runtime/memory_text.hpp"
#include "runtime/range.hpp"

namespace qpvo::cuda {

namespace {

constexpr int kPaddedRow = (kCorrelationDim + 63) / 64 * 64;  ///< elements of a row as the own update operator wants it

StateTypes typesOf(const PipelineOptions& options, const DeviceEncoder& encoder, const DeviceUpdate& update) {
  return {encoder.featurePrecision(), options.maps, update.statePrecision(), update.correlationRows()};
}

/// What an update refers to, to see whether the next one refers to the same.
struct ArrangedPairs {
  std::vector<std::int32_t> source, previous, next;

  explicit ArrangedPairs(int maxPairs) {
    for (auto* table : {&source, &previous, &next}) table->reserve(maxPairs);
  }

  bool isSame(const qpvo::network::PairTable& pairs) const {
    const auto same = [&](const std::vector<std::int32_t>& held, const std::int32_t* table) {
      return static_cast<int>(held.size()) == pairs.count && std::equal(held.begin(), held.end(), table);
    };
    return same(source, pairs.source) && same(previous, pairs.previous) && same(next, pairs.next);
  }

  void hold(const qpvo::network::PairTable& pairs) {
    source.assign(pairs.source, pairs.source + pairs.count);
    previous.assign(pairs.previous, pairs.previous + pairs.count);
    next.assign(pairs.next, pairs.next + pairs.count);
  }
};

/// Work that is done plainly the first time, so that kernels are loaded outside of a recording, recorded the second time and replayed ever after.
class Recorded {
 public:
  template <class Work>
  void operator()(cudaStream_t stream, const Work& work) {
    if (!wasDone_) {
      wasDone_ = true;
      return work();
    }
    if (!graph_.ready()) graph_.capture(stream, work);
    graph_.replay(stream);
  }

 private:
  Graph graph_;
  bool wasDone_ = false;
};

}  // namespace

struct Pipeline::Parts {
  Context context;
  std::unique_ptr<DeviceEncoder> encoder;
  std::unique_ptr<DeviceUpdate> update;
  DeviceState state;
  PipelineMirrors mirrors;
  HiddenMoves moves;
  ArrangedPairs arranged;
  Questions asked;
  std::array<DeviceBuffer<std::byte>*, 2> hidden;
  int current = 0;          ///< of hidden: what the next update reads
  int pairs = -1;           ///< of the last correlate()
  std::optional<Error> fault;  ///< that ended it: the device is lost, or an engine could not run for want of memory
  Recorded encodeGraph, correlateGraph, frameGraph;
  std::array<Recorded, 2> updateGraphs;      ///< by the hidden state that is read
  std::map<int, Recorded> adjustmentGraphs;  ///< by iterations

  Parts(const PipelineOptions& options, const float* undistortMap, const EncoderMaker& makeEncoder, const UpdateMaker& makeUpdate)
      : context(options.device),
        encoder(makeEncoder(context)),
        update(makeUpdate(context)),
        state(context, options.state, typesOf(options, *encoder, *update), undistortMap),
        mirrors(state),
        moves(options.state.maxPairs, state.hiddenA.size() / options.state.maxPairs),
        arranged(options.state.maxPairs),
        asked(options.state.maxPairs),
        hidden{&state.hiddenA, &state.hiddenB} {}

  cudaStream_t stream() const { return context.stream(); }

  /// The work, on this pipeline's GPU whatever the thread; the first failure that leaves a frame half done is the last thing that happens to it.
  template <class Work>
  void run(const Work& work) {
    if (fault) throw *fault;
    try {
      context.bind();
      work();
    } catch (const Error& error) {
      if (error.code() == "QPVO_DEVICE_LOST" || error.code() == "QPVO_OUT_OF_MEMORY") fault = error;
      throw;
    }
  }

  void wait() {
    context.synchronize();
    state.staging.release();
    update->waited();
  }

  /// The current hidden state after all moves noted so far.
  void settleMoves() { moves.apply(hidden[current]->data(), state.staging, stream()); }

  bool tablesHold(int count) const {
    const std::int32_t* pairsHeld = state.pairsHost();
    const Mirrors& m = mirrors.views();
    return pairs == count && std::equal(m.pairSource, m.pairSource + count, pairsHeld) &&
           std::equal(m.pairTarget, m.pairTarget + count, pairsHeld + state.options.maxPairs);
  }

  void runUpdate() {
    DeviceState& s = state;
    update->run({hidden[current]->data(), s.contextRing.data(), s.correlation.data(), hidden[1 - current]->data(), s.delta.data(), s.weight.data()}, stream());
  }
};

Pipeline::Pipeline(const PipelineOptions& options, const float* undistortMap, const EncoderMaker& encoder, const UpdateMaker& update) {
  try {
    parts_ = std::make_unique<Parts>(options, undistortMap, encoder, update);
  } catch (const Error& error) {
    if (error.code() != "QPVO_OUT_OF_MEMORY") throw;
    const StateTypes least{Precision::fp16, options.maps, Precision::fp16, {Precision::int8, kPaddedRow}};
    throw Error(error.code(), std::string(error.what()) + " The state of the odometry needs " + megabytes(stateBytes(options.state, least)) +
                                  " or more in all, besides the networks: fewer patches, smaller windows or a profile of lower precision need less.");
  }
}

Pipeline::~Pipeline() {
  try {
    parts_->context.bind();
    parts_->context.synchronize();  // what is on its way may still read the memory that goes now
  } catch (const Error&) {
  }
}

const Mirrors& Pipeline::mirrors() const { return parts_->mirrors.views(); }

void Pipeline::prepareImage(const ImageView& recorded) {
  parts_->asked.clear();
  parts_->run([&] { cuda::prepareImage(parts_->state, recorded, parts_->stream()); });
}

void Pipeline::samplePatches(int slot, std::uint64_t seed, std::uint64_t sequence, Selection selection, float inverseDepth, const CellArea& area) {
  parts_->run([&] { cuda::samplePatches(parts_->state, slot, seed, sequence, selection, inverseDepth, area, parts_->stream()); });
}

void Pipeline::setPose(int slot) {
  parts_->run([&] { cuda::setPose(parts_->state, slot, mirrors().poses + static_cast<std::size_t>(slot) * 7, parts_->stream()); });
}

void Pipeline::setInverseDepths(int slot) {
  const std::size_t first = static_cast<std::size_t>(slot) * mirrors().patchStride;
  parts_->run([&] { cuda::setInverseDepths(parts_->state, slot, mirrors().inverseDepth + first, parts_->stream()); });
}

void Pipeline::encode() {
  Parts& p = *parts_;
  const auto work = [&] {
    p.encoder->encode(p.state.image.data(), p.state.cells.data(), p.state.options.patches, p.state.features.data(), p.state.context.data(), p.stream());
  };
  p.run([&] {
    const Range range("encode");
    if (p.encoder->isCapturable()) {
      p.encodeGraph(p.stream(), work);
    } else {
      work();
    }
  });
}

void Pipeline::insertFrame(int slot) {
  parts_->run([&] { cuda::insertFrame(parts_->state, slot, parts_->stream()); });
}

void Pipeline::correlate(int count) {
  Parts& p = *parts_;
  p.run([&] {
    const Range range("correlate");
    if (!p.tablesHold(count)) setPairs(p.state, mirrors().pairSource, mirrors().pairTarget, count, p.stream());
    p.pairs = count;
    p.correlateGraph(p.stream(), [&] { cuda::correlate(p.state, p.stream()); });
  });
}

void Pipeline::update(const qpvo::network::PairTable& pairs) {
  Parts& p = *parts_;
  p.run([&] {
    const Range range("update");
    p.settleMoves();
    if (pairs.count == 0) return;
    if (!p.arranged.isSame(pairs)) {
      p.update->arrange(pairs, p.stream());
      p.arranged.hold(pairs);
    }
    if (p.update->isCapturable()) {
      p.updateGraphs[p.current](p.stream(), [&] { p.runUpdate(); });
    } else {
      p.runUpdate();
    }
  });
}

void Pipeline::swapHidden() {
  parts_->run([&] {
    parts_->settleMoves();
    parts_->current = 1 - parts_->current;
  });
}

void Pipeline::moveHidden(int from, int to) {
  Parts& p = *parts_;
  p.run([&] {
    if (p.moves.add(from, to)) return;
    p.settleMoves();
    p.moves.add(from, to);
  });
}

void Pipeline::clearHidden(int first, int count) {
  Parts& p = *parts_;
  p.run([&] {
    p.settleMoves();
    const std::size_t perPair = p.state.hiddenA.size() / p.state.options.maxPairs;
    if (count > 0) check(cudaMemsetAsync(p.hidden[p.current]->data() + first * perPair, 0, count * perPair, p.stream()), "clearing hidden states");
  });
}

void Pipeline::bundleAdjust(const BundleAdjustOptions& options) {
  Parts& p = *parts_;
  p.run([&] {
    const Range range("bundleAdjust");
    setAdjustment(p.state, options, mirrors().poseVariable, p.stream());
    p.adjustmentGraphs[options.iterations](p.stream(), [&] { cuda::bundleAdjust(p.state, options.iterations, p.stream()); });
  });
}

void Pipeline::askHealth(int count, const std::uint8_t* flags, float inlierThreshold, float minConfidence, float margin) {
  Parts& p = *parts_;
  if (count > p.pairs) throw Error("QPVO_INTERNAL", "askHealth: expected a question about the pairs of the last correlate(), but received one about more.");
  p.asked.askHealth(p.state, count, flags, inlierThreshold, minConfidence, margin);
}

void Pipeline::askFlow(int source, int target, float beta) { parts_->asked.askFlow(source, target, beta); }

Answers Pipeline::readBack(int pairs) {
  Parts& p = *parts_;
  p.run([&] {
    const Range range("readBack");
    p.asked.upload(p.state, p.stream());
    p.frameGraph(p.stream(), [&] {
      assessHealth(p.state, p.stream());
      flowMagnitude(p.state, p.stream());
      pointCloud(p.state, p.stream());
      p.mirrors.fetchFrames(p.state, p.stream());
    });
    p.mirrors.fetchPairs(p.state, pairs, p.stream());
    p.wait();
  });
  Answers answers{p.mirrors.report(), {}, {}};
  for (int i = 0; i < p.asked.healthCount(); ++i) answers.health.push_back(p.mirrors.health(i));
  for (int i = 0; i < p.asked.flowCount(); ++i) answers.flows.push_back(p.mirrors.flow(i));
  p.asked.clear();
  return answers;
}

void Pipeline::readView() {
  Parts& p = *parts_;
  p.run([&] {
    p.mirrors.fetchView(p.state, p.stream());
    p.wait();
  });
}

std::size_t deviceBytes(const Options& options, Precision encoder, Precision update, Precision maps) {
  const auto handedOn = [](Precision precision) { return precision == Precision::fp32 ? Precision::fp32 : Precision::fp16; };
  return stateBytes(options, {handedOn(encoder), maps, handedOn(update), {handedOn(update), kPaddedRow}});
}

}  // namespace qpvo::cuda
