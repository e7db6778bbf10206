// SPDX-License-Identifier: MIT
#include "conv_cells.cuh"
#include "device/async_copy.cuh"
#include "device/shared.cuh"
#include "runtime/launch.hpp"

namespace qpvo::cuda::network::conv {

namespace {

/// The inputs are as the layer before left them, so they are copied without passing through registers.
__device__ __forceinline__ void copySquare(unsigned char* tile, const CellPass& pass, int pitch) {
  const int chunks = pass.pixelBytes / kChunkBytes, count = pass.inputSide * pass.inputSide * chunks;
  const unsigned char* from = static_cast<const unsigned char*>(pass.input) + blockIdx.x * pass.inputCellBytes;
  for (int i = static_cast<int>(threadIdx.x); i < count; i += kCellWarps * kWarp) {
    copyAsync16Once(tile + i / chunks * pitch + i % chunks * kChunkBytes, from + static_cast<std::size_t>(i) * kChunkBytes);
  }
  commitCopies();
}

/// What a pass leaves in global memory is read by this block alone, so a barrier is enough between two passes.
template <class Product, int NT>
__global__ void __launch_bounds__(kCellWarps* kWarp) convolveCellsKernel(const CellChain chain, const CellCall call) {
  unsigned char* tile = dynamicShared<unsigned char>();
  for (int i = 0; i < chain.count; ++i) {
    const CellPass pass = chain.passes[i];
    const int pitch = pitchOf(pass.pixelBytes), rowBytes = pass.inputSide * pitch;
    int* offsets = reinterpret_cast<int*>(tile + pass.inputSide * rowBytes);
    __syncthreads();
    copySquare(tile, pass, pitch);
    listOffsets(offsets, pass.conv.taps, rowBytes, pitch);
    waitCopies<0>();
    __syncthreads();
    const int side = pass.squares.side, reach = (side - 1) * pass.stride + pass.conv.taps.rows, inset = (pass.inputSide - reach) / 2;
    const Walk walk = {side, side * side, pass.stride * rowBytes, pass.stride * pitch, inset * (rowBytes + pitch)};
    CellOutput out = pass.out;
    if (out.out == nullptr) out.out = call.out;
    finishSquare<Product, NT>(pass.squares, Square(pass.squares, call), tile, walk, offsets, pass.conv, out);
  }
}

template <class Product>
void convolveCellsAs(const char* name, const CellChain& chain, const CellCall& call, cudaStream_t stream) {
  const Shape shape = {.blocksX = static_cast<unsigned>(call.count), .threads = kCellWarps * kWarp, .sharedBytes = chain.sharedBytes};
  launch(name, chain.wide ? convolveCellsKernel<Product, 4> : convolveCellsKernel<Product, 2>, shape, stream, chain, call);
}

}  // namespace

void convolveCells(const char* name, Form form, const CellChain& chain, const CellCall& call, cudaStream_t stream) {
  if (form == Form::bytes) return convolveCellsAs<ByteProduct>(name, chain, call, stream);
  if (form == Form::halves) return convolveCellsAs<HalfProduct>(name, chain, call, stream);
  convolveCellsAs<FloatProduct>(name, chain, call, stream);
}

}  // namespace qpvo::cuda::network::conv
