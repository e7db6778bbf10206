// SPDX-License-Identifier: MIT
#include <cuda_fp16.h>

#include <algorithm>
#include <memory>
#include <type_traits>

#include "cases.hpp"
#include "correlation_packing.hpp"
#include "network/update.hpp"
#include "qpvo/error.hpp"
#include "runtime/graph.hpp"
#include "update_networks.hpp"

// The update operator against that of the CPU.

namespace qpvo::gpu {

namespace {

using cuda::Context;
using cuda::DeviceBuffer;
using cuda::Precision;
using cuda::network::States;

/// The arrays of a workload on the GPU, hidden states in fp32 or fp16.
template <class T>
class DeviceArrays {
 public:
  DeviceArrays(const Context& context, const UpdateWorkload& w, const cuda::CorrelationRows& rows)
      : hiddenIn_(onDevice(context, converted(w.hidden))),
        context_(onDevice(context, w.context)),
        correlation_(onDevice(context, packedRows(w.correlation, w.sizes.correlationLength, rows))),
        hiddenOut_(w.hidden.size()),
        delta_(2 * static_cast<std::size_t>(w.pairs()) * w.sizes.patches),
        weight_(delta_.size()) {
    context.synchronize();
  }

  cuda::DeviceUpdateArrays arrays() { return {hiddenIn_.data(), context_.data(), correlation_.data(), hiddenOut_.data(), delta_.data(), weight_.data()}; }

  UpdateResults results(const Context& context) const {
    const auto hidden = onHost(context, hiddenOut_);
    UpdateResults out{std::vector<float>(hidden.size()), onHost(context, delta_), onHost(context, weight_)};
    std::transform(hidden.begin(), hidden.end(), out.hidden.begin(), [](T value) { return static_cast<float>(value); });
    return out;
  }

 private:
  static T convert(float value) {
    if constexpr (std::is_same_v<T, float>) {
      return value;
    } else {
      return __float2half_rn(value);
    }
  }
  static std::vector<T> converted(const std::vector<float>& values) {
    std::vector<T> out(values.size());
    std::transform(values.begin(), values.end(), out.begin(), convert);
    return out;
  }

  DeviceBuffer<T> hiddenIn_;
  DeviceBuffer<float> context_;
  DeviceBuffer<unsigned char> correlation_;
  DeviceBuffer<T> hiddenOut_;
  DeviceBuffer<float> delta_, weight_;
};

struct Form {
  Precision precision;
  States states = States::fp16;
  LayerTypes types = LayerTypes::floats;
};

cuda::network::UpdateShape shapeOf(const UpdateWorkload& w) {
  return {w.sizes.hiddenDim, w.sizes.correlationLength, w.sizes.patches, w.ringSlots, std::max(w.pairs(), 1)};
}

template <class T>
UpdateResults updateOnDevice(Context& context, const UpdateWorkload& w, const network::Tensors& tensors, const Form& form) {
  cuda::network::UpdateOperator update(context, shapeOf(w), form.precision, tensors, form.states);
  DeviceArrays<T> arrays(context, w, update.correlationRows());
  update.arrange(w.table(), context.stream());
  update.run(arrays.arrays(), context.stream());
  return arrays.results(context);
}

/// Share of the values that differ by more than a bound.
double shareBeyond(const std::vector<float>& a, const std::vector<float>& b, float bound) {
  std::size_t beyond = 0;
  for (std::size_t n = 0; n < a.size(); ++n) beyond += !(std::abs(a[n] - b[n]) <= bound);
  return a.empty() ? 0 : static_cast<double>(beyond) / static_cast<double>(a.size());
}

/// Largest differences in fp32, means in the others, whose single values may fall on the other side of a rounding.
void compare(Comparison& comparison, const Form& form, const UpdateResults& actual, const UpdateResults& expected) {
  const auto each = [&](const char* what, const std::vector<float>& a, const std::vector<float>& b) {
    comparison.keep(a);
    if (form.precision == Precision::fp32) {
      comparison.close(what, a, b);
    } else {
      comparison.closeInTheMean(what, a, b);
    }
  };
  each("hidden state", actual.hidden, expected.hidden);
  each("delta", actual.delta, expected.delta);
  each("weight", actual.weight, expected.weight);
}

/// Whether work throws an Error with this code.
bool refuses(const std::string& code, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code() == code;
  }
  return false;
}

void checkUpdate(Context& context, Comparison& comparison, const UpdateSizes& sizes, const Form& form) {
  const bool halves = form.precision != Precision::fp32;
  const MadeUpNetwork made(sizes, form.types, 7);
  const UpdateWorkload workload(sizes, halves, 11);
  const UpdateResults expected = expectedUpdate(workload, made.tensors());
  const UpdateResults actual =
      halves ? updateOnDevice<__half>(context, workload, made.tensors(), form) : updateOnDevice<float>(context, workload, made.tensors(), form);
  compare(comparison, form, actual, expected);
}

/// As many targets as a tile has rows: 64 where the shared memory of a block has room for the large tiles, else 32, of which there are too many here.
void checkLongestChain(Context& context, Comparison& comparison, const Form& form) {
  constexpr std::size_t kForLargeTiles = 160 * 1024;
  const UpdateSizes sizes{.hiddenDim = 384, .correlationLength = 49, .patches = 1, .chains = {64}};
  if (context.sharedPerBlock() >= kForLargeTiles) return checkUpdate(context, comparison, sizes, form);
  comparison.holds("refused", refuses("QPVO_PARAMETER", [&] { checkUpdate(context, comparison, sizes, form); }));
}

/// With rows in fp32 the integers are those of the CPU but for values next to a tie, which the order of fp32 sums decides; one such value moves its row by little.
void checkIntegers(Context& context, Comparison& comparison, const UpdateSizes& sizes) {
  constexpr float kHalfStep = 2e-3f;  // of a hidden state, stored in half precision, up to 4
  const Form form{Precision::int8, States::fp32, LayerTypes::bytes};
  const MadeUpNetwork made(sizes, form.types, 7);
  const UpdateWorkload workload(sizes, true, 11);
  const UpdateResults expected = expectedUpdate(workload, made.tensors()), actual = updateOnDevice<__half>(context, workload, made.tensors(), form);
  compare(comparison, form, actual, expected);
  comparison.holds("nearly all flows are those of the CPU", shareBeyond(actual.delta, expected.delta, 1e-4f) < 0.02);
  comparison.holds("nearly all hidden states are those of the CPU", shareBeyond(actual.hidden, expected.hidden, kHalfStep) < 0.02);
}

/// A recorded pass gives the results of the pairs that were arranged last, and leaves the rest alone.
void checkReplay(Context& context, Comparison& comparison) {
  const UpdateSizes large{.correlationLength = 98, .patches = 5, .chains = {4, 3, 2}}, small{.correlationLength = 98, .patches = 5, .chains = {3}};
  const Form form{Precision::fp16};
  const MadeUpNetwork made(large, form.types, 7);
  const UpdateWorkload first(large, true, 11), second(small, true, 12);
  cuda::network::UpdateOperator update(context, shapeOf(first), form.precision, made.tensors());
  DeviceArrays<__half> arrays(context, first, update.correlationRows());
  update.arrange(first.table(), context.stream());
  const auto run = [&] { update.run(arrays.arrays(), context.stream()); };
  run();  // loads the kernels, which a recording may not
  cuda::Graph graph;
  graph.capture(context.stream(), run);
  graph.replay(context.stream());
  const UpdateResults all = arrays.results(context);
  compare(comparison, form, all, expectedUpdate(first, made.tensors()));
  update.arrange(second.table(), context.stream());
  graph.replay(context.stream());
  const UpdateResults some = arrays.results(context);
  const std::size_t used = 2u * second.pairs() * 5;
  comparison.same("results beyond the pairs", std::vector(some.delta.begin() + used, some.delta.end()), std::vector(all.delta.begin() + used, all.delta.end()));
  comparison.holds("results of the pairs changed", !std::equal(some.delta.begin(), some.delta.begin() + used, all.delta.begin()));
}

void checkRefusals(Context& context, Comparison& comparison) {
  using Operator = cuda::network::UpdateOperator;
  const UpdateSizes sizes{.hiddenDim = 16, .correlationLength = 98, .patches = 1, .chains = {65}};
  const MadeUpNetwork floats(sizes, LayerTypes::floats, 7), bytes(sizes, LayerTypes::bytes, 7);
  const UpdateWorkload workload(sizes, true, 11);
  const auto shape = shapeOf(workload);
  const auto made = [&](int hiddenDim, Precision precision, const network::Tensors& tensors) {
    return [&context, &tensors, shape, hiddenDim, precision] {
      auto other = shape;
      other.hiddenDim = hiddenDim;
      Operator(context, other, precision, tensors);
    };
  };
  const auto without = [&](const std::string& name) {
    network::Tensors tensors = bytes.tensors();
    tensors.erase(name);
    return tensors;
  };
  const auto noScale = without("update.c1.2.input_scale"), noBias = without("update.gru.3.gate.0.bias");
  comparison.holds("a hidden width of 20 is refused", refuses("QPVO_MODEL", made(20, Precision::fp16, floats.tensors())));
  comparison.holds("a hidden width of 392 is refused", refuses("QPVO_MODEL", made(392, Precision::fp16, floats.tensors())));
  comparison.holds("tensors of another width are refused", refuses("QPVO_MODEL", made(24, Precision::fp16, floats.tensors())));
  comparison.holds("int8 weights are refused in fp16", refuses("QPVO_MODEL", made(16, Precision::fp16, bytes.tensors())));
  comparison.holds("a missing scale is refused", refuses("QPVO_MODEL", made(16, Precision::int8, noScale)));
  comparison.holds("a missing bias is refused", refuses("QPVO_MODEL", made(16, Precision::int8, noBias)));
  Operator update(context, shape, Precision::fp16, floats.tensors());
  comparison.holds("more targets than a tile has rows are refused", refuses("QPVO_PARAMETER", [&] { update.arrange(workload.table(), context.stream()); }));
  UpdateWorkload torn = workload;
  torn.previous[0] = torn.previous[0] == -1 ? 1 : -1;
  comparison.holds("pairs that are no chains are refused", refuses("QPVO_INTERNAL", [&] { update.arrange(torn.table(), context.stream()); }));
}

template <class T>
struct Timed {
  Timed(Context& context, const UpdateSizes& sizes, const Form& form)
      : workload(sizes, form.precision != Precision::fp32, 11),
        update(context, {sizes.hiddenDim, sizes.correlationLength, sizes.patches, workload.ringSlots, workload.pairs()}, form.precision,
               MadeUpNetwork(sizes, form.types, 7).tensors()),
        arrays(context, workload, update.correlationRows()) {
    update.arrange(workload.table(), context.stream());
  }
  UpdateWorkload workload;
  cuda::network::UpdateOperator update;
  DeviceArrays<T> arrays;
};

template <class T>
Work timeUpdate(Context& context, const UpdateSizes& sizes, const Form& form, Arithmetic arithmetic) {
  const auto timed = std::make_shared<Timed<T>>(context, sizes, form);
  const auto work = timed->update.work();
  const cudaStream_t stream = context.stream();
  return {[timed, stream] { timed->update.run(timed->arrays.arrays(), stream); }, work.bytes, 2 * work.products, arithmetic};
}

/// Chains of the steady state, oldest source last: patch lifetime r, and as many sources as the removal window leaves.
std::vector<int> steadyState(int lifetime, int sources) {
  std::vector<int> chains;
  for (int age = 0; age < sources; ++age) chains.push_back(lifetime + std::min(age, lifetime - 1));
  return chains;
}

std::string nameOf(const Form& form) {
  if (form.precision == Precision::fp32) return "fp32";
  if (form.precision == Precision::fp16) return "fp16";
  return form.types == LayerTypes::mixed ? "int8 and fp16" : form.states == States::fp32 ? "int8, states fp32" : "int8";
}

std::string nameOf(const UpdateSizes& sizes) {
  const std::size_t longest = sizes.chains.empty() ? 0 : *std::max_element(sizes.chains.begin(), sizes.chains.end());
  return "D " + std::to_string(sizes.hiddenDim) + ", F " + std::to_string(sizes.correlationLength) + ", " + std::to_string(sizes.patches) + " patches, " +
         std::to_string(sizes.chains.size()) + " sources, to " + std::to_string(longest) + " targets" + (sizes.narrow ? ", pruned" : "");
}

struct Bound {
  double tolerance;
  const char* reason;
};

Bound boundOf(const Form& form) {
  if (form.precision == Precision::fp32) return {1e-4, "fp32 over chains of about 20 layers, logits of softmax included; measured 4e-6"};
  if (form.precision == Precision::fp16) return {5e-3, "root mean square; inputs of all layers have 11 bits, measured 1.3e-3"};
  return {0.06, "root mean square; rows rounded to fp16 between the layers move values across ties of int8, measured 0.027"};
}

/// Checked by `check`; timed too with `prepare`, and then too large for the emulation.
void addRow(Table& table, const UpdateSizes& sizes, const Form& form, std::function<Work(Context&)> prepare = {}) {
  const Bound bound = boundOf(form);
  const bool isLarge = static_cast<bool>(prepare);
  table.push_back({"update", nameOf(form) + ", " + nameOf(sizes), bound.tolerance, bound.reason,
                   [=](Context& context, Comparison& comparison) { checkUpdate(context, comparison, sizes, form); }, std::move(prepare), isLarge});
}

const Rows rows([](Table& table) {
  const Form fp32{Precision::fp32}, fp16{Precision::fp16}, int8{Precision::int8, States::fp16, LayerTypes::bytes}, mixed{Precision::int8, States::fp16, LayerTypes::mixed};
  const std::vector<UpdateSizes> all = {
      {.patches = 48, .chains = {2}},
      {.patches = 96, .chains = {1}},
      {.patches = 1, .chains = {1}},
      {.patches = 1, .chains = {21, 1, 2}},
      {.correlationLength = 98, .patches = 7, .chains = {21, 3, 1}},
      {.correlationLength = 98, .patches = 7, .chains = {}},
      {.hiddenDim = 16, .correlationLength = 441, .patches = 3, .chains = {63, 2}},
      {.correlationLength = 98, .patches = 7, .chains = {5, 1}, .narrow = true},
      {.hiddenDim = 384, .correlationLength = 49, .patches = 2, .chains = {21}},
      {.hiddenDim = 384, .correlationLength = 98, .patches = 3, .chains = {2}, .narrow = true},
  };
  for (const UpdateSizes& sizes : all) {
    for (const Form& form : {fp32, fp16, int8, mixed}) addRow(table, sizes, form);
    if (sizes.hiddenDim <= 128)
      table.push_back({"update", "int8, states fp32, " + nameOf(sizes), 1e-3, "root mean square; hidden states are stored with 11 bits, measured 2.4e-4",
                       [sizes](Context& context, Comparison& comparison) { checkIntegers(context, comparison, sizes); }, {}});
  }
  table.push_back({"update", "what it cannot do is refused", 0, "exact", checkRefusals, {}});
  table.push_back({"update", "replayed after other pairs were arranged", 5e-3, "as fp16", checkReplay, {}});
  for (const Form& form : {fp16, int8}) {
    const Bound bound = boundOf(form);
    table.push_back({"update", nameOf(form) + ", D 384, as many targets as a large tile has rows", bound.tolerance, bound.reason,
                     [form](Context& context, Comparison& comparison) { checkLongestChain(context, comparison, form); }, {}});
  }
  for (const int hiddenDim : {128, 384}) {
    for (const auto& [patches, lifetime, sources] : {std::tuple{48, 11, 17}, std::tuple{96, 13, 23}}) {
      const UpdateSizes sizes{.hiddenDim = hiddenDim, .correlationLength = 882, .patches = patches, .chains = steadyState(lifetime, sources)};
      for (const Form& form : {fp32, fp16, int8}) {
        addRow(table, sizes, form, [sizes, form](Context& context) {
          if (form.precision == Precision::fp32) return timeUpdate<float>(context, sizes, form, Arithmetic::fp32);
          return timeUpdate<__half>(context, sizes, form, form.precision == Precision::fp16 ? Arithmetic::halfTensorCores : Arithmetic::byteTensorCores);
        });
      }
    }
  }
});

}  // namespace

}  // namespace qpvo::gpu
