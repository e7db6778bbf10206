// SPDX-License-Identifier: MIT
#include "broken_kernels.hpp"
#include "emulation/controls.hpp"
#include "qpvo/error.hpp"
#include "runtime/copy.hpp"
#include "runtime/device_buffer.hpp"
#include "runtime/launch.hpp"

namespace qpvo::broken {

namespace {

using namespace qpvo::cuda;
using emulation::Controls;
using emulation::controls;

/// Another GPU than the usual one, for as long as this lives.
struct Changed {
  Controls before = controls();
  ~Changed() { controls() = before; }
};

__global__ void nothing() {}

void openContext() { const Context context(0); }

}  // namespace

std::vector<Machine> brokenMachines() {
  return {
      {"no driver", "QPVO_NO_DEVICE", "install or update the NVIDIA driver",
       [] {
         const Changed changed;
         controls().driverWorks = false;
         openContext();
       }},
      {"no GPU", "QPVO_NO_DEVICE", "CUDA_VISIBLE_DEVICES",
       [] {
         const Changed changed;
         controls().devices = 0;
         openContext();
       }},
      {"a GPU number that is not there", "QPVO_NO_DEVICE", "received 3", [] { const Context context(3); }},
      {"a GPU without these tensor cores", "QPVO_NO_DEVICE", "compute capability 8.0 or newer, but received 7.2",
       [] {
         const Changed changed;
         controls().computeCapability = 72;
         openContext();
       }},
      {"a GPU of another architecture", "QPVO_NO_DEVICE", "QPVO_CUDA_ARCHITECTURES",
       [] {
         const Changed changed;
         controls().kernelsFit = false;
         openContext();
       }},
      {"too little memory", "QPVO_OUT_OF_MEMORY", "Expected 100 MB more of GPU memory",
       [] {
         const Changed changed;
         controls().memoryBytes = std::size_t{64} << 20;
         const Context context(0);
         const DeviceBuffer<unsigned char> buffer(100'000'000);
       }},
      {"a device that is lost at a launch", "QPVO_DEVICE_LOST", "launch of nothing: expected success of CUDA, but received cudaErrorLaunchFailure",
       [] {
         const Context context(0);
         controls().callsUntilLost = 2;
         for (int i = 0; i < 3; ++i) launch("launch of nothing", nothing, {.blocksX = 1, .threads = 32}, context.stream());
       }},
      {"a device that stays lost while a context lives", "QPVO_DEVICE_LOST", "waiting for the GPU",
       [] {
         const Context context(0);
         controls().callsUntilLost = 0;
         try {
           context.synchronize();
         } catch (const Error&) {
           context.synchronize();
         }
       }},
      {"a device that was lost works for the next context", "none", "",
       [] {
         const Context context(0);
         DeviceBuffer<int> buffer(1);
         buffer.zero(context.stream());
         context.synchronize();
       }},
  };
}

}  // namespace qpvo::broken
