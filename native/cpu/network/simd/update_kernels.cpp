// SPDX-License-Identifier: MIT
#include "update_kernels.hpp"

#include "product.hpp"
#include "tile_steps.hpp"
#if defined(__AMX_INT8__)
#include "matrix_tiles.hpp"
#else
namespace {
void enter() {}
void leave() {}
}  // namespace
#endif

#define QPVO_NAME2(prefix, isa) prefix##isa
#define QPVO_NAME(prefix, isa) QPVO_NAME2(prefix, isa)
#define QPVO_TEXT2(isa) #isa
#define QPVO_TEXT(isa) QPVO_TEXT2(isa)

namespace qpvo::network {

const UpdateKernels& QPVO_NAME(updateKernelsFor_, QPVO_ISA)();

const UpdateKernels& QPVO_NAME(updateKernelsFor_, QPVO_ISA)() {
  static const UpdateKernels table = {QPVO_TEXT(QPVO_ISA), kZeroUnsigned, kZeroSigned,  enter,         leave,      productF32,  productInt8,
                                      quantize,            layerNorm,     add,          softmaxBegin,  softmaxTarget, softmaxEnd, softmaxRows, heads};
  return table;
}

}  // namespace qpvo::network
