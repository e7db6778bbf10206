// SPDX-License-Identifier: MIT
#include <NvInferRuntime.h>
#include <cuda_runtime_api.h>

#include "logger.hpp"
#include "qpvo/error.hpp"
#include "runtime/check.hpp"
#include "session.hpp"
#include "version.hpp"

namespace qpvo::tensorrt {

namespace {

[[noreturn]] void unusable(const std::string& engine, const std::string& words) {
  const std::string what = "TensorRT " + libraryVersion() + " cannot load the engine of the graph " + engine;
  throw Error("QPVO_ENGINE", what + ": " + words + ". Build it again: qpvo engine build --force, with --dla where it is for a deep learning accelerator.");
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
  TrtSession(const Plan& plan, const std::string& engine) {
    requireSameVersion();
    runtime_.reset(nvinfer1::createInferRuntime(logger_));
    if (runtime_ == nullptr) unusable(engine, logger_.takeErrors());
    if (plan.dlaCore >= 0) runtime_->setDLACore(plan.dlaCore);
    engine_.reset(runtime_->deserializeCudaEngine(plan.data, plan.size));
    if (engine_ == nullptr) unusable(engine, logger_.takeErrors());
    for (std::int32_t i = 0; i < engine_->getNbIOTensors(); ++i) tensors_.push_back(describe(engine_->getIOTensorName(i), engine));
    context_.reset(engine_->createExecutionContext(nvinfer1::ExecutionContextAllocationStrategy::kUSER_MANAGED));
    if (context_ == nullptr) unusable(engine, logger_.takeErrors());
  }

  const std::vector<EngineTensor>& tensors() const override { return tensors_; }

  std::size_t scratchBytes() const override { return static_cast<std::size_t>(engine_->getDeviceMemorySizeV2()); }

  void useScratch(void* memory, std::size_t bytes) override { context_->setDeviceMemoryV2(memory, static_cast<std::int64_t>(bytes)); }

  void bind(const char* name, void* data) override {
    if (!context_->setTensorAddress(name, data)) lost("binding " + std::string(name));
  }

  void run(cudaStream_t stream) override {
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

  /// A CUDA error tells more than that the call failed.
  [[noreturn]] void lost(const std::string& what) {
    cuda::check(cudaPeekAtLastError(), what.c_str());
    throw Error("QPVO_DEVICE_LOST", "TensorRT, " + what + ": " + logger_.takeErrors() + ". The state on the GPU is lost; open it anew.");
  }

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
