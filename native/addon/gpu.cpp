// SPDX-License-Identifier: MIT
#include "gpu.hpp"

#include "../cuda/gpu_report.hpp"
#include "CudaPipelineObject.hpp"

#if defined(QPVO_CUDA_EMULATION)
#include "arguments.hpp"
#include "emulation/controls.hpp"
#endif

namespace qpvo::addon {

namespace {

constexpr double kBytesPerMb = 1 << 20;

Napi::Value probeGpu(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const cuda::GpuReport report = cuda::gpuReport();
  Napi::Object out = Napi::Object::New(env);
  out.Set("runtimeVersion", report.runtimeVersion);
  out.Set("driverVersion", report.driverVersion);
  Napi::Array devices = Napi::Array::New(env, report.devices.size());
  for (std::uint32_t i = 0; i < report.devices.size(); ++i) {
    const cuda::GpuDescription& gpu = report.devices[i];
    Napi::Object device = Napi::Object::New(env);
    device.Set("name", gpu.name);
    device.Set("computeCapability", gpu.computeCapability);
    device.Set("totalMb", static_cast<double>(gpu.totalBytes) / kBytesPerMb);
    device.Set("freeMb", static_cast<double>(gpu.freeBytes) / kBytesPerMb);
    device.Set("integrated", gpu.integrated);
    devices.Set(i, device);
  }
  out.Set("devices", devices);
  out.Set("fault", report.fault);
  return out;
}

#if defined(QPVO_CUDA_EMULATION)
/// emulate({devices, memoryMb, callsUntilLost}): what befalls the emulated GPU from now on.
void emulate(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  require(env, info.Length() == 1 && info[0].IsObject(), "emulate: expected ({devices, memoryMb, callsUntilLost}).");
  const auto wanted = info[0].As<Napi::Object>();
  emulation::Controls& controls = emulation::controls();
  controls.devices = integerOf(env, wanted, "devices", 0, 8);
  controls.memoryBytes = static_cast<std::size_t>(integerOf(env, wanted, "memoryMb", 0, 1 << 20)) << 20;
  controls.callsUntilLost = integerOf(env, wanted, "callsUntilLost", -1, 1 << 30);
}
#endif

}  // namespace

void defineGpu(Napi::Env env, Napi::Object exports) {
  exports.Set("CudaPipeline", CudaPipelineObject::define(env));
  exports.Set("probeGpu", Napi::Function::New(env, probeGpu, "probeGpu"));
#if defined(QPVO_CUDA_EMULATION)
  exports.Set("emulate", Napi::Function::New(env, emulate, "emulate"));
#endif
}

}  // namespace qpvo::addon
