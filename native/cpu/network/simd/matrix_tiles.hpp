// SPDX-License-Identifier: MIT
#pragma once

#include <immintrin.h>

#include "product.hpp"

// Int8 layers with the matrix registers of x86-64 (AMX): one instruction multiplies 16 rows of 64 bytes with 64 x 16 weights. The weights lie as for the dot product.

namespace {

constexpr int kTileRows = 16, kTileBytes = 64;

/// Palette 1; bytes of a row (two bytes each) and rows of all tiles. Constant, because GCC takes only the first bytes for an operand of the instruction and drops stores
/// to the others.
alignas(64) constexpr unsigned char kConfiguration[64] = {1,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,  0, kTileBytes, 0, kTileBytes, 0, kTileBytes, 0, kTileBytes, 0,
                                                          kTileBytes, 0, kTileBytes, 0, kTileBytes, 0, kTileBytes, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                                          kTileRows, kTileRows, kTileRows, kTileRows, kTileRows, kTileRows, kTileRows, kTileRows};

void enter() { _tile_loadconfig(kConfiguration); }

void leave() { _tile_release(); }

/// Sums of 16 rows and one panel; with Two, of 32 rows.
template <bool Two>
void sumTiles(const Product& p, const unsigned char* in, int panel, int* block) {
  const signed char* weights = p.weightsInt8 + static_cast<long>(panel) * p.inputs * kPanel;
  const int* start = p.start + panel * kPanel;
  constexpr int kStep = kPanel * 4;
  // A stride of zero gives every row the same start.
  _tile_loadd(0, start, 0);
  _tile_loadd(1, start + kTileRows, 0);
  if constexpr (Two) {
    _tile_loadd(2, start, 0);
    _tile_loadd(3, start + kTileRows, 0);
  }
  for (int k = 0; k < p.inputs; k += kTileBytes) {
    _tile_loadd(4, in + k, p.stride);
    _tile_loadd(6, weights + k * kPanel, kStep);
    _tile_loadd(7, weights + k * kPanel + kTileBytes, kStep);
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    if constexpr (Two) {
      _tile_loadd(5, in + kTileRows * p.stride + k, p.stride);
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
    }
  }
  _tile_stored(0, block, kStep);
  _tile_stored(1, block + kTileRows, kStep);
  if constexpr (Two) {
    _tile_stored(2, block + kTileRows * kPanel, kStep);
    _tile_stored(3, block + kTileRows * kPanel + kTileRows, kStep);
  }
}

void productInt8(const Product& p) {
  constexpr int kRows = 2 * kTileRows;
  alignas(64) int block[kRows * kPanel];
  for (int panel = 0; panel < p.panels; ++panel) {
    for (int row = 0; row < p.rows; row += kRows) {
      const int rows = p.rows - row < kRows ? p.rows - row : kRows;
      if (rows > kTileRows) {
        sumTiles<true>(p, p.quantized + row * p.stride, panel, block);
      } else {
        sumTiles<false>(p, p.quantized + row * p.stride, panel, block);
      }
      finishBlock(p, row, rows, panel, block);
    }
  }
}

}  // namespace
