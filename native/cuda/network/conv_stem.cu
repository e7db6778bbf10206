// SPDX-License-Identifier: MIT
#include "conv_cells.cuh"
#include "conv_forms.hpp"
#include "conv_map.cuh"
#include "device/shared.cuh"
#include "runtime/launch.hpp"

// The first layer of both encoders, over the map or over squares of it: 7 x 7 taps, stride 2. The two do not share a pass: the squares of 96 cells are about half of the
// map.

namespace qpvo::cuda::network::conv {

namespace {

constexpr int kSize = 7, kStride = 2;

/// Input pixels under `outputs` neighbouring ones, even, so that every position begins on a whole word.
__host__ __device__ constexpr int inputsOf(int outputs) { return ((outputs - 1) * kStride + kSize + 1) / 2 * 2; }

template <class Element>
__host__ __device__ constexpr int tileBytes(const Window& window, int channels) {
  return (window.rows * window.columns * channels * static_cast<int>(sizeof(Element)) + kImageSpareBytes + kChunkBytes - 1) / kChunkBytes * kChunkBytes;
}

/// Where `count` outputs lie, `width` in a row.
template <class Element>
__device__ __forceinline__ Walk walkOf(const Window& window, int channels, int width, int count) {
  const int pixelBytes = channels * static_cast<int>(sizeof(Element));
  return {width, count, kStride * window.columns * pixelBytes, kStride * pixelBytes};
}

template <class Product, class Sum, int MT, int NT>
__global__ void __launch_bounds__(kMapWarps* kWarp, blocksPerProcessor(Product::kForm)) stemKernel(const StemPass pass) {
  using Element = typename Product::Element;
  unsigned char* tile = dynamicShared<unsigned char>();
  const MapTile<MT> map(pass.width, pass.height);
  const Window window = {map.left * kStride - kSize / 2, map.top * kStride - kSize / 2, inputsOf(kTileWidth), inputsOf(map.kRows)};
  const int channels = pass.image.channels;
  const Walk walk = walkOf<Element>(window, channels, kTileWidth, kTileWidth * map.kRows);
  int* offsets = reinterpret_cast<int*>(tile + tileBytes<Element>(window, channels));
  Moments* shared = reinterpret_cast<Moments*>(offsets + 2 * pass.conv.taps.steps());
  listOffsets(offsets, pass.conv.taps, walk.rowBytes / kStride, 0);
  fillImage<Element>(tile, window, pass.image);
  __syncthreads();
  storeSums<Product, Sum, MT, NT>(map, tile, walk, offsets, pass.conv, pass.out, shared);
}

template <class Product, int NT>
__global__ void stemOfCellsKernel(const CellStemPass pass, const CellCall call) {
  using Element = typename Product::Element;
  unsigned char* tile = dynamicShared<unsigned char>();
  const Square square(pass.squares, call);
  const int side = pass.squares.side, channels = pass.image.channels;
  const Window window = {square.left * kStride - kSize / 2, square.top * kStride - kSize / 2, inputsOf(side), inputsOf(side)};
  const Walk walk = walkOf<Element>(window, channels, side, side * side);
  int* offsets = reinterpret_cast<int*>(tile + tileBytes<Element>(window, channels));
  listOffsets(offsets, pass.conv.taps, walk.rowBytes / kStride, 0);
  fillImage<Element>(tile, window, pass.image);
  __syncthreads();
  finishSquare<Product, NT>(pass.squares, square, tile, walk, offsets, pass.conv, pass.out);
}

template <class Element>
std::size_t sharedBytes(int columns, int rows, const Image& image, const Taps& taps) {
  return tileBytes<Element>({0, 0, inputsOf(columns), inputsOf(rows)}, image.channels) + 2 * taps.steps() * sizeof(int);
}

template <class Product, class Sum>
void stemAs(const char* name, const StemPass& pass, cudaStream_t stream) {
  constexpr int kRows = kStemTileRows / kMapWarps;
  const int columns = columnsOf(pass.conv.outputs);
  const Shape shape = {.blocksX = blocksFor(pass.width, kTileWidth),
                       .blocksY = blocksFor(pass.height, kStemTileRows),
                       .threads = kMapWarps * kWarp,
                       .sharedBytes = sharedBytes<typename Product::Element>(kTileWidth, kStemTileRows, pass.image, pass.conv.taps) + momentsBytes(columns)};
  withWarpTile(columns, kRows, [&](auto mt, auto nt) { launch(name, stemKernel<Product, Sum, mt.value, nt.value>, shape, stream, pass); });
}

template <class Product>
void stemOfCellsAs(const char* name, const CellStemPass& pass, const CellCall& call, cudaStream_t stream) {
  const int side = pass.squares.side;
  const Shape shape = {.blocksX = static_cast<unsigned>(call.count),
                       .threads = kCellWarps * kWarp,
                       .sharedBytes = sharedBytes<typename Product::Element>(side, side, pass.image, pass.conv.taps)};
  launch(name, isWide(pass.conv.outputs) ? stemOfCellsKernel<Product, 4> : stemOfCellsKernel<Product, 2>, shape, stream, pass, call);
}

}  // namespace

void stem(const char* name, Form form, const StemPass& pass, cudaStream_t stream) {
  form == Form::floats ? stemAs<FloatProduct, float>(name, pass, stream) : stemAs<ImageProduct, __half>(name, pass, stream);
}

void stemOfCells(const char* name, Form form, const CellStemPass& pass, const CellCall& call, cudaStream_t stream) {
  form == Form::floats ? stemOfCellsAs<FloatProduct>(name, pass, call, stream) : stemOfCellsAs<ImageProduct>(name, pass, call, stream);
}

}  // namespace qpvo::cuda::network::conv
