// SPDX-License-Identifier: MIT
#pragma once

#include <cuda_runtime.h>

namespace qpvo::cuda {

/// The block's dynamic shared memory, on 16 bytes: as many bytes as Shape::sharedBytes said, with the rubbish of earlier blocks in it.
template <class T>
__device__ __forceinline__ T* dynamicShared() {
#ifdef QPVO_CUDA_EMULATION
  return static_cast<T*>(emulation::dynamicShared());
#else
  extern __shared__ __align__(16) unsigned char qpvoDynamicShared[];
  return reinterpret_cast<T*>(qpvoDynamicShared);
#endif
}

}  // namespace qpvo::cuda
