// SPDX-License-Identifier: MIT
#include <NvInferRuntime.h>

#include "logger.hpp"
#include "qpvo/error.hpp"
#include "runtime/memory_text.hpp"
#include "runtime/tally.hpp"
#include "session.hpp"
#include "version.hpp"

namespace qpvo::tensorrt {

namespace {

std::string cannotLoad(const std::string& engine) { return "TensorRT " + libraryVersion() + " cannot load the engine of the graph " + engine + ": "; }

[[noreturn]] void unusable(const std::string& engine, const std::string& words) { throw Error("QPVO_ENGINE", cannotLoad(engine) + words + ". " + kBuildAgain); }

/// There is no engine: for want of memory, or because the plan is none for this TensorRT and GPU.
[[noreturn]] void notLoaded(const std::string& engine, const Plan& plan, const Failure& why) {
  if (!why.isOutOfMemory) unusable(engine, why.words);
  throw Error("QPVO_OUT_OF_MEMORY", cannotLoad(engine) + "expected GPU memory for its plan of " + cuda::megabytes(plan.size) + " and what goes with it, but " +
                                        cuda::freeMemoryText() + " (" + why.words + "). Close other programs on the GPU, or choose a smaller model or image.");
}

Element elementOf(nvinfer1::DataType type, const std::string& engine) {
  switch (type) {
    case nvinfer1::DataType::kFLOAT:
      return Element::fp32;
    case nvinfer1::DataType::kHALF:
      return Element::fp16;
    case nvinfer1::DataType::kINT32:
      return Element::int32;
    default:
      unusable(engine, "expected inputs and outputs in fp32, fp16 or int32, but received type " + std::to_string(static_cast<int>(type)));
  }
}

class TrtSession final : public Session {
 public:
  TrtSession(const Plan& plan, const std::string& engine) : held_(plan.size) {
    requireSameVersion();
    runtime_.reset(nvinfer1::createInferRuntime(logger_));
    if (runtime_ == nullptr) notLoaded(engine, plan, logger_.takeErrors());
    if (plan.dlaCore >= 0) runtime_->setDLACore(plan.dlaCore);
    engine_.reset(runtime_->deserializeCudaEngine(plan.data, plan.size));
    if (engine_ == nullptr) notLoaded(engine, plan, logger_.takeErrors());
    for (std::int32_t i = 0; i < engine_->getNbIOTensors(); ++i) tensors_.push_back(describe(engine_->getIOTensorName(i), engine));
    context_.reset(engine_->createExecutionContext(nvinfer1::ExecutionContextAllocationStrategy::kUSER_MANAGED));
    if (context_ == nullptr) notLoaded(engine, plan, logger_.takeErrors());
    // What TensorRT got round is no reason for what fails later.
    logger_.takeErrors();
  }

  const std::vector<EngineTensor>& tensors() const override { return tensors_; }

  std::size_t scratchBytes() const override { return static_cast<std::size_t>(engine_->getDeviceMemorySizeV2()); }

  void useScratch(void* memory, std::size_t bytes) override { context_->setDeviceMemoryV2(memory, static_cast<std::int64_t>(bytes)); }

  void bind(const char* name, void* data) override {
    if (!context_->setTensorAddress(name, data)) lost("binding " + std::string(name));
  }

  void run(cudaStream_t stream) override {
    logger_.takeErrors();  // those that an earlier run got round tell nothing of this one
    if (!context_->enqueueV3(stream)) lost("running an engine");
  }

 private:
  EngineTensor describe(const char* name, const std::string& engine) const {
    EngineTensor tensor{name, engine_->getTensorIOMode(name) == nvinfer1::TensorIOMode::kINPUT, elementOf(engine_->getTensorDataType(name), engine), {}};
    const nvinfer1::Dims dims = engine_->getTensorShape(name);
    for (std::int32_t d = 0; d < dims.nbDims; ++d) {
      if (dims.d[d] < 0) unusable(engine, "expected fixed shapes, but received a free length of " + tensor.name);
      tensor.shape.push_back(dims.d[d]);
    }
    return tensor;
  }

  /// TensorRT has a CUDA runtime of its own: what failed there shows in its words alone.
  [[noreturn]] void lost(const std::string& what) {
    const Failure why = logger_.takeErrors();
    const std::string text = "TensorRT, " + what + ": " + why.words;
    if (!why.isOutOfMemory) throw Error("QPVO_DEVICE_LOST", text + ". The state on the GPU is lost; open it anew.");
    throw Error("QPVO_OUT_OF_MEMORY", text + ", and " + cuda::freeMemoryText() + ". Close other programs on the GPU, or choose a smaller model or image, and open it anew.");
  }

  /// About what the engine holds on the GPU beside its scratch memory: weights and kernels are those of the plan. TensorRT below 11 does not tell.
  cuda::CountedElsewhere held_;
  // In the order in which they need each other.
  Logger logger_;
  std::unique_ptr<nvinfer1::IRuntime> runtime_;
  std::unique_ptr<nvinfer1::ICudaEngine> engine_;
  std::unique_ptr<nvinfer1::IExecutionContext> context_;
  std::vector<EngineTensor> tensors_;
};

}  // namespace

std::unique_ptr<Session> openSession(const Plan& plan, const std::string& engine) { return std::make_unique<TrtSession>(plan, engine); }

std::string sessionVersion() { return libraryVersion(); }

}  // namespace qpvo::tensorrt
