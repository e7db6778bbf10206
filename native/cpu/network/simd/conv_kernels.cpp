// SPDX-License-Identifier: MIT
#include "conv_kernels.hpp"

#if defined(__GNUC__) && !defined(__clang__)
// GCC would carry loaded words from tap to tap for the next one, and spill the sums to make room.
#pragma GCC optimize("no-predictive-commoning")
#endif

#include "conv_loop.hpp"
#include "conv_rows.hpp"

#define QPVO_NAME2(prefix, isa) prefix##isa
#define QPVO_NAME(prefix, isa) QPVO_NAME2(prefix, isa)
#define QPVO_TEXT2(isa) #isa
#define QPVO_TEXT(isa) QPVO_TEXT2(isa)

namespace qpvo::conv {

const ConvKernels& QPVO_NAME(convKernelsFor_, QPVO_ISA)();

const ConvKernels& QPVO_NAME(convKernelsFor_, QPVO_ISA)() {
  static const ConvKernels table = {QPVO_TEXT(QPVO_ISA),
                                    QuantizedWords::kChannels,
                                    QuantizedWords::kOffset,
                                    convolve<QuantizedWords>,
                                    convolve<FloatWords>,
                                    finish,
                                    moments,
                                    planes};
  return table;
}

}  // namespace qpvo::conv
