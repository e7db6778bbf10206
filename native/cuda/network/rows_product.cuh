// SPDX-License-Identifier: MIT
#pragma once

#include "device/mma.cuh"
#include "rows_weights.cuh"

namespace qpvo::cuda::network {

/// One pass of a layer on a tile, in registers: of a lane with g = lane / 4 and t = lane % 4, at[i][j].x[2 h + c] is row 16 i + 8 h + g,
/// column 8 (warp kColumnTiles + j) + 2 t + c.
template <class V>
struct Sums {
  CFloat at[V::kRowTiles][V::kColumnTiles];
};

template <class C, int rowTiles, int columnTiles>
__device__ __forceinline__ void clear(C (&at)[rowTiles][columnTiles]) {
#pragma unroll
  for (int i = 0; i < rowTiles; ++i) {
#pragma unroll
    for (int j = 0; j < columnTiles; ++j) at[i][j] = C{};
  }
}

__device__ __forceinline__ int rowInMatrix() { return laneIndex() / 4; }
__device__ __forceinline__ int columnInMatrix() { return laneIndex() % 4 * 2; }

/// visit(row, column, x, y) for all neighbours x, y of the lane; x and y may be changed. Columns are those of the pass.
template <class V, class Visit>
__device__ __forceinline__ void forEachPair(Sums<V>& sums, Visit&& visit) {
  const int firstColumn = warpIndex() * V::kColumnTiles * kMatrixColumns + columnInMatrix();
#pragma unroll
  for (int i = 0; i < V::kRowTiles; ++i) {
#pragma unroll
    for (int j = 0; j < V::kColumnTiles; ++j) {
#pragma unroll
      for (int h = 0; h < 2; ++h) visit(i * kMatrixRows + h * 8 + rowInMatrix(), firstColumn + j * kMatrixColumns, sums.at[i][j].x[2 * h], sums.at[i][j].x[2 * h + 1]);
    }
  }
}

/// Every row is its own input.
struct OwnRow {
  __device__ __forceinline__ int operator()(int row) const { return row; }
};

/// Where a lane reads rows of the input tile for ldmatrix. Row `from(row)` takes the place of each row; a negative one is zero.
template <class V>
struct InputRows {
  const unsigned char* tile;
  int first[V::kRowTiles], step[V::kRowTiles], exchange[V::kRowTiles];

  /// zeros: 64 bytes of zero in shared memory.
  template <class From>
  __device__ __forceinline__ InputRows(const unsigned char* input, const unsigned char* zeros, const From& from) : tile(input) {
#pragma unroll
    for (int i = 0; i < V::kRowTiles; ++i) {
      const int row = from(i * kMatrixRows + laneIndex() % kMatrixRows);
      first[i] = row < 0 ? static_cast<int>(zeros - input) : row * kPanelBytes;
      step[i] = row < 0 ? 0 : V::kTilePanelBytes;
      exchange[i] = row < 0 ? 0 : row >> 1 & 3;
    }
  }

  /// half: of a panel, 32 bytes along k.
  __device__ __forceinline__ const unsigned char* piece(int i, int panel, int half) const {
    return tile + (first[i] + panel * step[i] + (((2 * half + laneIndex() / kMatrixRows) ^ exchange[i]) * kPieceBytes));
  }
};

/// Two neighbouring matrices of weights: columns 8 j to 8 j + 15 of the warp.
template <class V>
__device__ __forceinline__ void loadWeights(unsigned (&b)[4], const unsigned char* panel, int j, int half) {
  const int matrix = laneIndex() / 8;
  const int column = (warpIndex() * V::kColumnTiles + j + matrix / 2) * kMatrixColumns + laneIndex() % 8;
  loadMatrix4(b, panel + column * kPanelBytes + (((2 * half + matrix % 2) ^ (column >> 1 & 3)) * kPieceBytes));
}

/// Adds one panel of halves, for the first `used` matrices of rows.
template <class V, int used>
__device__ __forceinline__ void addPanel(Sums<V>& sums, const InputRows<V>& rows, int tilePanel, const unsigned char* weights) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    AHalf a[used];
#pragma unroll
    for (int i = 0; i < used; ++i) loadMatrix4(a[i].x, rows.piece(i, tilePanel, half));
#pragma unroll
    for (int j = 0; j < V::kColumnTiles; j += 2) {
      unsigned b[4];
      loadWeights<V>(b, weights, j, half);
#pragma unroll
      for (int i = 0; i < used; ++i) {
        mma(sums.at[i][j], a[i], {{b[0], b[1]}});
        mma(sums.at[i][j + 1], a[i], {{b[2], b[3]}});
      }
    }
  }
}

template <class V>
struct IntegerSums {
  CInt at[V::kRowTiles][V::kColumnTiles];
};

/// The same of bytes, exact.
template <class V, int used, Input input>
__device__ __forceinline__ void addPanel(IntegerSums<V>& sums, const InputRows<V>& rows, int tilePanel, const unsigned char* weights) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    AByte a[used];
#pragma unroll
    for (int i = 0; i < used; ++i) loadMatrix4(a[i].x, rows.piece(i, tilePanel, half));
#pragma unroll
    for (int j = 0; j < V::kColumnTiles; j += 2) {
      unsigned b[4];
      loadWeights<V>(b, weights, j, half);
#pragma unroll
      for (int i = 0; i < used; ++i) {
        if constexpr (input == Input::signedBytes) {
          mmaSigned(sums.at[i][j], a[i], {{b[0], b[1]}});
          mmaSigned(sums.at[i][j + 1], a[i], {{b[2], b[3]}});
        } else {
          mmaUnsigned(sums.at[i][j], a[i], {{b[0], b[1]}});
          mmaUnsigned(sums.at[i][j + 1], a[i], {{b[2], b[3]}});
        }
      }
    }
  }
}

/// One panel of floats without matrix instructions: tile in shared memory, weights in device memory. From: as of InputRows.
template <class V, int used, class From>
__device__ __forceinline__ void addFloats(Sums<V>& sums, const unsigned char* tile, const unsigned char* zeros, const From& from, int tilePanel,
                                          const unsigned char* weights) {
#pragma unroll 1
  for (int piece = 0; piece < kPanelBytes / kPieceBytes; ++piece) {
    float4 w[V::kColumnTiles][2];
#pragma unroll
    for (int j = 0; j < V::kColumnTiles; ++j) {
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        const int column = (warpIndex() * V::kColumnTiles + j) * kMatrixColumns + columnInMatrix() + c;
        w[j][c] = *reinterpret_cast<const float4*>(weights + panelOffset(column, V::kColumns, piece * kPieceBytes));
      }
    }
#pragma unroll
    for (int i = 0; i < used; ++i) {
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const int row = from(i * kMatrixRows + h * 8 + rowInMatrix());
        const unsigned char* at = row < 0 ? zeros : tile + panelOffset(row, V::kRows, tilePanel * kPanelBytes + piece * kPieceBytes);
        const float4 x = *reinterpret_cast<const float4*>(at);
#pragma unroll
        for (int j = 0; j < V::kColumnTiles; ++j) {
#pragma unroll
          for (int c = 0; c < 2; ++c) {
            float& sum = sums.at[i][j].x[2 * h + c];
            sum = fmaf(x.x, w[j][c].x, sum);
            sum = fmaf(x.y, w[j][c].y, sum);
            sum = fmaf(x.z, w[j][c].z, sum);
            sum = fmaf(x.w, w[j][c].w, sum);
          }
        }
      }
    }
  }
}

/// A pass with integers: the sums, as floats.
template <class V, int used, Input input, class Feed>
__device__ __forceinline__ void multiplyBytes(Sums<V>& sums, const InputRows<V>& rows, int panels, WeightStream<V>& weights, Feed&& feed) {
  IntegerSums<V> integers;
  clear(integers.at);
#pragma unroll 1
  for (int panel = 0; panel < panels; ++panel) {
    const int tilePanel = feed.before(panel);
    addPanel<V, used, input>(integers, rows, tilePanel, weights.take());
    feed.after(panel);
  }
#pragma unroll
  for (int i = 0; i < V::kRowTiles; ++i) {
#pragma unroll
    for (int j = 0; j < V::kColumnTiles; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) sums.at[i][j].x[e] = static_cast<float>(integers.at[i][j].x[e]);
    }
  }
}

/// A whole tile is there before the first panel.
struct WholeTile {
  __device__ __forceinline__ int before(int panel) const { return panel; }
  __device__ __forceinline__ void after(int) const {}
};

/// One pass of a layer: x W' + b, for the first `used` matrices of rows. bytes: what the layer multiplies if it is one in int8. tile: input in panels, of the type that
/// the layer takes. from: as of InputRows. feed: brings panels of the tile as they are needed; before() gives the place of a panel in the tile.
template <class V, Input bytes, int used, class From, class Feed>
__device__ __forceinline__ void multiply(Sums<V>& sums, const Layer& layer, int pass, const unsigned char* tile, const unsigned char* zeros, WeightStream<V>& weights,
                                         const From& from, Feed&& feed) {
  if constexpr (V::kPrecision == Precision::fp32) {
    clear(sums.at);
#pragma unroll 1
    for (int panel = 0; panel < layer.panels; ++panel) {
      const int tilePanel = feed.before(panel);
      addFloats<V, used>(sums, tile, zeros, from, tilePanel, weights.take());
      feed.after(panel);
    }
  } else {
    const InputRows<V> rows(tile, zeros, from);
    if (V::kPrecision == Precision::int8 && layer.input != Input::native) {
      multiplyBytes<V, used, bytes>(sums, rows, layer.panels, weights, feed);
    } else {
      clear(sums.at);
#pragma unroll 1
      for (int panel = 0; panel < layer.panels; ++panel) {
        const int tilePanel = feed.before(panel);
        addPanel<V, used>(sums, rows, tilePanel, weights.take());
        feed.after(panel);
      }
    }
  }
  const bool rescale = V::kPrecision == Precision::int8 && layer.input != Input::native;
  const float* bias = layer.bias + pass * V::kColumns;
  const float* scale = rescale ? layer.scale + pass * V::kColumns : nullptr;
  forEachPair(sums, [&](int, int column, float& x, float& y) {
    const float2 b = readPair(bias + column);
    if (rescale) {
      const float2 s = readPair(scale + column);
      x = fmaf(x, s.x, b.x);
      y = fmaf(y, s.y, b.y);
    } else {
      x += b.x;
      y += b.y;
    }
  });
}

/// The same on a whole tile, all rows.
template <class V, Input bytes, class From = OwnRow>
__device__ __forceinline__ void multiply(Sums<V>& sums, const Layer& layer, int pass, const unsigned char* tile, const unsigned char* zeros, WeightStream<V>& weights,
                                         const From& from = From()) {
  multiply<V, bytes, V::kRowTiles>(sums, layer, pass, tile, zeros, weights, from, WholeTile());
}

}  // namespace qpvo::cuda::network
