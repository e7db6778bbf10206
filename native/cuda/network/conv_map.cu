// SPDX-License-Identifier: MIT
#include "conv_finish.cuh"
#include "conv_forms.hpp"
#include "conv_map.cuh"
#include "device/shared.cuh"
#include "runtime/launch.hpp"

namespace qpvo::cuda::network::conv {

namespace {

template <class Product, class Sum, int MT, int NT>
__global__ void __launch_bounds__(kMapWarps* kWarp, blocksPerProcessor(Product::kForm)) convolveKernel(const MapPass pass) {
  unsigned char* tile = dynamicShared<unsigned char>();
  const MapTile<MT> map(pass.width, pass.height);
  const Window window = map.window(pass.conv.taps, pass.stride, pass.pad);
  const int pitch = pitchOf(pass.input.channels * static_cast<int>(sizeof(typename Product::Element))), rowBytes = window.columns * pitch;
  int* offsets = reinterpret_cast<int*>(tile + window.rows * rowBytes);
  int* besideOffsets = offsets + 2 * pass.conv.taps.steps();
  Moments* shared = reinterpret_cast<Moments*>(besideOffsets + 2 * pass.beside.taps.steps());
  listOffsets(offsets, pass.conv.taps, rowBytes, pitch);
  listOffsets(besideOffsets, pass.beside.taps, rowBytes, pitch);
  fillMap<typename Product::Element, Sum>(tile, pitch, window, map.own(pass.stride), pass.input);
  __syncthreads();
  Walk walk = {kTileWidth, kTileWidth * map.kRows, pass.stride * rowBytes, pass.stride * pitch};
  storeSums<Product, Sum, MT, NT>(map, tile, walk, offsets, pass.conv, pass.out, shared);
  if (pass.beside.outputs == 0) return;
  walk.origin = pass.pad * (rowBytes + pitch);
  storeSums<Product, Sum, MT, NT>(map, tile, walk, besideOffsets, pass.beside, pass.besideOut, shared);
}

template <class Product, class Sum, int MT, int NT>
__global__ void __launch_bounds__(kMapWarps* kWarp, blocksPerProcessor(Product::kForm)) projectKernel(const ProjectPass pass) {
  unsigned char* tile = dynamicShared<unsigned char>();
  const MapTile<MT> map(pass.input.width, pass.input.height);
  const Window window = map.own(1);
  const int pitch = pitchOf(pass.input.channels * static_cast<int>(sizeof(typename Product::Element))), rowBytes = window.columns * pitch;
  int* offsets = reinterpret_cast<int*>(tile + window.rows * rowBytes);
  listOffsets(offsets, pass.conv.taps, rowBytes, pitch);
  fillMap<typename Product::Element, Sum>(tile, pitch, window, window, pass.input);
  __syncthreads();
  const Walk walk = {kTileWidth, kTileWidth * map.kRows, rowBytes, pitch};
  for (int channel = 0; channel < pass.conv.outputs; channel += NT * 8) {
    typename Product::C c[MT][NT];
    accumulate<Product>(c, tile, walk, map.first(), offsets, pass.conv, channel);
#pragma unroll
    for (int i = 0; i < 2 * MT; ++i) {
      if (!map.inside(i / 2, i % 2)) continue;
      const std::size_t at = map.pixel(i / 2, i % 2) * pass.outputs;
#pragma unroll
      for (int pair = 0; pair < NT / 2; ++pair) {
        float v[4];
        fourOf(v, c[i / 2], pair, i % 2);
        const int first = channel + pair * kChannelStep + laneIndex() % 4 * 4;
        scaleFour(v, pass.conv, first);
        storeFour(pass.out, pass.form, at, first, pass.outputs, v, 0);
      }
    }
  }
}

Shape shapeOf(int width, int height, int rows, std::size_t sharedBytes) {
  return {.blocksX = blocksFor(width, kTileWidth), .blocksY = blocksFor(height, kMapWarps * rows), .threads = kMapWarps * kWarp, .sharedBytes = sharedBytes};
}

template <class Product, class Sum>
void convolveAs(const char* name, const MapPass& pass, cudaStream_t stream) {
  const int columns = columnsOf(pass.conv.outputs, pass.beside.outputs), rows = rowsOf(columns, pass.stride);
  const int pixelBytes = pass.input.channels * static_cast<int>(sizeof(typename Product::Element));
  const Shape shape = shapeOf(pass.width, pass.height, rows, mapSharedBytes(kMapWarps * rows, pass.conv.taps, pass.beside.taps, pass.stride, columns, pixelBytes));
  withWarpTile(columns, rows, [&](auto mt, auto nt) { launch(name, convolveKernel<Product, Sum, mt.value, nt.value>, shape, stream, pass); });
}

template <class Product, class Sum>
void projectAs(const char* name, const ProjectPass& pass, cudaStream_t stream) {
  const int columns = columnsOf(pass.conv.outputs), pixelBytes = pass.input.channels * static_cast<int>(sizeof(typename Product::Element));
  constexpr int kRows = 2;
  const Shape shape = shapeOf(pass.input.width, pass.input.height, kRows, mapSharedBytes(kMapWarps * kRows, pass.conv.taps, {}, 1, columns, pixelBytes));
  withWarpTile(columns, kRows, [&](auto mt, auto nt) { launch(name, projectKernel<Product, Sum, mt.value, nt.value>, shape, stream, pass); });
}

/// Calls f with the types of the product and of the sums.
template <class F>
void withProduct(Form form, bool halfSums, const F& f) {
  if (form == Form::bytes) return f(Type<ByteProduct>{}, Type<float>{});
  if (form == Form::floats) return f(Type<FloatProduct>{}, Type<float>{});
  halfSums ? f(Type<HalfProduct>{}, Type<__half>{}) : f(Type<HalfProduct>{}, Type<float>{});
}

}  // namespace

void convolve(const char* name, Form form, bool halfSums, const MapPass& pass, cudaStream_t stream) {
  withProduct(form, halfSums, [&](auto product, auto sum) { convolveAs<typename decltype(product)::type, typename decltype(sum)::type>(name, pass, stream); });
}

void project(const char* name, Form form, bool halfSums, const ProjectPass& pass, cudaStream_t stream) {
  withProduct(form, halfSums, [&](auto product, auto sum) { projectAs<typename decltype(product)::type, typename decltype(sum)::type>(name, pass, stream); });
}

}  // namespace qpvo::cuda::network::conv
