// SPDX-License-Identifier: MIT
#include <NvInfer.h>
#include <NvOnnxParser.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "logger.hpp"
#include "plan_builder.hpp"
#include "qpvo/error.hpp"
#include "runtime/check.hpp"
#include "runtime/memory_text.hpp"
#include "version.hpp"

namespace qpvo::tensorrt {

namespace {

[[noreturn]] void refused(const std::string& what, const std::string& words) { throw Error("QPVO_ENGINE", what + ": " + words + "."); }

/// TensorRT gave null: for want of memory, or for the reason that it logged. Tactics that it passed over for want of memory are none when another follows.
[[noreturn]] void failed(const std::string& what, Logger& logger) {
  const Failure why = logger.takeErrors();
  if (!why.endsSo) refused(what, why.words);
  throw Error("QPVO_OUT_OF_MEMORY", what + ": memory ran out, and " + cuda::freeMemoryText() + " (" + why.words +
                                        "). Close other programs on the GPU, or let a layer have less scratch memory: --workspace 256 instead of the usual 1024 MB.");
}

/// @throws Error QPVO_ENGINE or QPVO_OUT_OF_MEMORY for null, with TensorRT's reason
template <class T>
std::unique_ptr<T> owned(T* made, const char* what, Logger& logger) {
  if (made == nullptr) failed(std::string("TensorRT has no ") + what, logger);
  return std::unique_ptr<T>(made);
}

std::vector<char> copyOf(const nvinfer1::IHostMemory& memory) {
  const auto* const bytes = static_cast<const char*>(memory.data());
  return {bytes, bytes + memory.size()};
}

/// TensorRT's progress to ours. Phases come from several threads; the listener hears one at a time.
class Monitor final : public nvinfer1::IProgressMonitor {
 public:
  explicit Monitor(BuildListener& listener) : listener_(listener) {}

  void phaseStart(const char* name, const char* parent, std::int32_t steps) noexcept override {
    const std::scoped_lock lock(mutex_);
    listener_.phase(name, parent == nullptr ? "" : parent, steps);
  }
  bool stepComplete(const char* name, std::int32_t step) noexcept override {
    const std::scoped_lock lock(mutex_);
    return listener_.step(name, step);
  }
  void phaseFinish(const char* name) noexcept override {
    const std::scoped_lock lock(mutex_);
    listener_.finish(name);
  }

 private:
  std::mutex mutex_;
  BuildListener& listener_;
};

std::string parserErrors(const nvonnxparser::IParser& parser) {
  std::string text;
  for (int i = 0; i < parser.getNbErrors(); ++i) {
    const nvonnxparser::IParserError& error = *parser.getError(i);
    if (!text.empty()) text += "; ";
    text += std::string(error.desc()) + " (node " + std::to_string(error.node()) + ", " + error.nodeOperator() + " " + error.nodeName() + ")";
  }
  return text.empty() ? "no reason given" : text;
}

/// Every input gets its fixed shape: nothing is left to be known at run time.
void fixShapes(nvinfer1::INetworkDefinition& network, const std::vector<NamedShape>& shapes) {
  for (std::int32_t i = 0; i < network.getNbInputs(); ++i) {
    nvinfer1::ITensor& input = *network.getInput(i);
    const auto given = std::find_if(shapes.begin(), shapes.end(), [&](const NamedShape& shape) { return shape.name == input.getName(); });
    if (given == shapes.end()) refused("the graph", std::string("expected a shape for its input ") + input.getName() + ", but received none");
    nvinfer1::Dims dims = input.getDimensions();
    bool fits = dims.nbDims == static_cast<std::int32_t>(given->lengths.size());
    for (std::int32_t d = 0; fits && d < dims.nbDims; ++d) {
      fits = dims.d[d] == -1 || dims.d[d] == given->lengths[d];
      dims.d[d] = given->lengths[d];
    }
    if (!fits) refused("the graph", std::string("its input ") + input.getName() + " is of another shape than was asked for");
    input.setDimensions(dims);
  }
}

class TrtPlanBuilder final : public PlanBuilder {
 public:
  explicit TrtPlanBuilder(int device) : device_(device) {
    requireSameVersion();
    cuda::check(cudaSetDevice(device), "choosing the GPU");
  }

  Machine machine() override {
    cudaDeviceProp properties{};
    cuda::check(cudaGetDeviceProperties(&properties, device_), "asking for the GPU");
    int version = 0;
    cuda::check(cudaRuntimeGetVersion(&version), "asking for the version of CUDA");
    Logger logger;
    const auto runtime = owned(nvinfer1::createInferRuntime(logger), "runtime", logger);
    // Boards of one name differ in size: every Jetson Orin is "Orin".
    const std::string device = std::string(properties.name) + ", " + std::to_string(properties.multiProcessorCount) + " multiprocessors";
    return {libraryVersion(), version, device, std::to_string(properties.major) + "." + std::to_string(properties.minor), runtime->getNbDLACores()};
  }

  Built build(const BuildOrder& order, BuildListener& listener) override {
    Logger logger([&](const std::string& text) { listener.warning(text); });
    Monitor monitor(listener);
    const auto builder = owned(nvinfer1::createInferBuilder(logger), "builder", logger);
    const auto network = owned(builder->createNetworkV2(networkFlags()), "network", logger);
    const auto config = owned(builder->createBuilderConfig(), "configuration", logger);
    const auto parser = owned(nvonnxparser::createParser(*network, logger), "reader of ONNX", logger);
    parser->setFlag(nvonnxparser::OnnxParserFlag::kNATIVE_INSTANCENORM);
    if (!parser->parse(order.onnx.data(), order.onnx.size())) refused("TensorRT refuses the graph", parserErrors(*parser));
    fixShapes(*network, order.inputs);

    configure(*config, *builder, order);
    const std::unique_ptr<nvinfer1::ITimingCache> timings = timingsFor(*config, order.timings);
    config->setProgressMonitor(&monitor);
    const std::unique_ptr<nvinfer1::IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
    if (plan == nullptr) failed("TensorRT builds no engine", logger);
    Built built{copyOf(*plan), {}};
    prove(built.plan, order.dlaCore);
    if (const nvinfer1::ITimingCache* measured = config->getTimingCache()) {
      const std::unique_ptr<nvinfer1::IHostMemory> bytes(measured->serialize());
      if (bytes != nullptr) built.timings = copyOf(*bytes);
    }
    return built;
  }

 private:
  static void configure(nvinfer1::IBuilderConfig& config, const nvinfer1::IBuilder& builder, const BuildOrder& order) {
    config.setMemoryPoolLimit(nvinfer1::MemoryPoolType::kWORKSPACE, order.workspaceBytes);
    config.setBuilderOptimizationLevel(order.level);
    // fp32 is the reference: products of 10 digits are not.
    config.clearFlag(nvinfer1::BuilderFlag::kTF32);
    if (order.dlaCore < 0) return;
    if (order.dlaCore >= builder.getNbDLACores()) {
      refused("deep learning accelerator", "expected a core below " + std::to_string(builder.getNbDLACores()) + ", but received " + std::to_string(order.dlaCore));
    }
    config.setDefaultDeviceType(nvinfer1::DeviceType::kDLA);
    config.setDLACore(order.dlaCore);
    config.setFlag(nvinfer1::BuilderFlag::kGPU_FALLBACK);
  }

  /// Measurements that are damaged or of another machine are left out.
  static std::unique_ptr<nvinfer1::ITimingCache> timingsFor(nvinfer1::IBuilderConfig& config, const std::vector<char>& known) {
    std::unique_ptr<nvinfer1::ITimingCache> timings(config.createTimingCache(known.data(), known.size()));
    if (timings != nullptr && config.setTimingCache(*timings, false)) return timings;
    timings.reset(config.createTimingCache(nullptr, 0));
    if (timings != nullptr) config.setTimingCache(*timings, false);
    return timings;
  }

  /// A plan that cannot be loaded here must not get into the cache.
  static void prove(const std::vector<char>& plan, int dlaCore) {
    // Of its own: tactics that were passed over for want of memory are no reason for what fails here.
    Logger logger;
    const auto runtime = owned(nvinfer1::createInferRuntime(logger), "runtime", logger);
    if (dlaCore >= 0) runtime->setDLACore(dlaCore);
    const std::unique_ptr<nvinfer1::ICudaEngine> engine(runtime->deserializeCudaEngine(plan.data(), plan.size()));
    if (engine == nullptr) failed("TensorRT cannot load the engine of " + cuda::megabytes(plan.size()) + " that it built", logger);
  }

  int device_;
};

}  // namespace

std::unique_ptr<PlanBuilder> makePlanBuilder(int device) { return std::make_unique<TrtPlanBuilder>(device); }

}  // namespace qpvo::tensorrt
