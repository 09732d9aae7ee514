// Included by exactly one source file per instruction set, inside that set's namespace, after
// `width`, the floats of one of its registers. Nothing here may include a header: the linker would
// merge inline functions across instruction sets.

constexpr int lanes = 64;  // A tile, whose lanes always hold the same channels.
constexpr int vectors = lanes / width;

using Floats = float __attribute__((vector_size(4 * width)));
using Words = std::uint32_t __attribute__((vector_size(4 * width)));
using Halves = std::uint16_t __attribute__((vector_size(2 * width)));

struct Tile {
  Floats v[vectors];
};

[[gnu::always_inline]] inline void load(const float* from, Floats& out) {
  __builtin_memcpy(&out, from, sizeof(out));
}
[[gnu::always_inline]] inline void load(const Bf16* from, Floats& out) {
  Halves bits;
  __builtin_memcpy(&bits, from, sizeof(bits));
  const Words wide = __builtin_convertvector(bits, Words) << 16U;
  __builtin_memcpy(&out, &wide, sizeof(out));
}
[[gnu::always_inline]] inline void store(const Floats& value, float* to) {
  __builtin_memcpy(to, &value, sizeof(value));
}
// Rounds to the nearest, ties to even.
[[gnu::always_inline]] inline void store(const Floats& value, Bf16* to) {
  Words bits;
  __builtin_memcpy(&bits, &value, sizeof(bits));
  bits += 0x7fffU + ((bits >> 16U) & 1U);
  const Halves rounded = __builtin_convertvector(bits >> 16U, Halves);
  __builtin_memcpy(to, &rounded, sizeof(rounded));
}

template <class T>
[[gnu::always_inline]] inline void load(const T* from, Tile& tile) {
#pragma GCC unroll 16
  for (int v = 0; v < vectors; ++v) load(from + v * width, tile.v[v]);
}
template <class T>
[[gnu::always_inline]] inline void store(const Tile& tile, T* to) {
#pragma GCC unroll 16
  for (int v = 0; v < vectors; ++v) store(tile.v[v], to + v * width);
}

// A channel's number on each of its lanes.
inline Tile spread(const float* values, std::int64_t channels) {
  float wide[lanes];
  for (int l = 0; l < lanes; ++l) wide[l] = values[l % channels];
  Tile tile{};
  load(wide, tile);
  return tile;
}

// Adds lanes up by channel.
inline void fold(const Tile& tile, std::int64_t channels, float* sums) {
  float wide[lanes];
  store(tile, wide);
  for (std::int64_t c = 0; c < channels; ++c) sums[c] = wide[c];
  for (std::int64_t l = channels; l < lanes; ++l) sums[l % channels] += wide[l];
}

// The last, incomplete tile of an array, copied so that whole tiles can be read and written.
template <class T>
struct Rest {
  T values[lanes] = {};
  std::int64_t count = 0;

  void fill(const T* from, std::int64_t n, const float* padding) {
    count = n;
    for (std::int64_t l = 0; l < lanes; ++l) {
      if (l < n) {
        values[l] = from[l];
      } else if constexpr (sizeof(T) == sizeof(float)) {
        values[l] = padding[l];
      } else {
        values[l] = static_cast<T>(__builtin_bit_cast(std::uint32_t, padding[l]) >> 16U);
      }
    }
  }
};

constexpr float zeros[lanes] = {};

// Channels that fit a tile: all of at most 64, whose tiles of 64 / channels rows follow each other,
// or 64 of more, whose tiles are a row apart.
struct Block {
  std::int64_t first;     // Its first channel.
  std::int64_t channels;  // At most 64.
  std::int64_t rows;
  std::int64_t step;   // From tile to tile.
  std::int64_t tiles;  // Whole ones ...
  std::int64_t rest;   // ... and values behind them.
};

// Calls work(block) for every block of a shape.
template <class Work>
[[gnu::always_inline]] inline void for_each_block(NormShape shape, const Work& work) {
  if (shape.channels <= lanes) {
    const std::int64_t size = shape.rows * shape.channels;
    work(Block{0, shape.channels, shape.rows, lanes, size / lanes, size % lanes});
    return;
  }
  for (std::int64_t first = 0; first < shape.channels; first += lanes) {
    work(Block{first, lanes, shape.rows, shape.channels, shape.rows, 0});
  }
}

template <class T>
[[gnu::always_inline]] inline T* moved(T* pointer, std::int64_t by) {
  return pointer == nullptr ? nullptr : pointer + by;
}

template <class T>
void moments_of(const Block& block, const T* x, float* mean, float* variance) {
  // Sums run over differences from the first row, which keeps the variance exact where the mean is
  // far from 0.
  float pivot[lanes];
  for (std::int64_t l = 0; l < lanes; ++l) {
    if constexpr (sizeof(T) == sizeof(float)) {
      pivot[l] = x[l % block.channels];
    } else {
      pivot[l] = __builtin_bit_cast(float, std::uint32_t{x[l % block.channels]} << 16U);
    }
  }
  Tile offset{};
  load(pivot, offset);
  Tile sum{};
  Tile square{};
  const auto add = [&](const T* from) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) {
      Floats value;
      load(from + v * width, value);
      value -= offset.v[v];
      sum.v[v] += value;
      square.v[v] += value * value;
    }
  };
  for (std::int64_t t = 0; t < block.tiles; ++t) add(x + t * block.step);
  if (block.rest > 0) {
    Rest<T> rest;
    rest.fill(x + block.tiles * lanes, block.rest, pivot);
    add(rest.values);
  }
  fold(sum, block.channels, mean);
  fold(square, block.channels, variance);
  const auto rows = static_cast<float>(block.rows);
  for (std::int64_t c = 0; c < block.channels; ++c) {
    const float shift = mean[c] / rows;
    const float spread_out = variance[c] / rows - shift * shift;
    variance[c] = spread_out > 0.0F ? spread_out : 0.0F;
    mean[c] = pivot[c] + shift;
  }
}

template <class T>
void moments(NormShape shape, const T* x, float* mean, float* variance) {
  for_each_block(shape, [&](const Block& block) {
    moments_of(block, x + block.first, mean + block.first, variance + block.first);
  });
}

template <class T, bool has_residual, bool relu>
void apply_as(const Block& block, const T* x, const T* residual, const float* scale,
              const float* shift, T* y) {
  const Tile factor = spread(scale, block.channels);
  const Tile offset = spread(shift, block.channels);
  const auto map = [&](const T* from, const T* added, T* to) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) {
      Floats value;
      load(from + v * width, value);
      value = value * factor.v[v] + offset.v[v];
      if constexpr (has_residual) {
        Floats more;
        load(added + v * width, more);
        value += more;
      }
      // Written so that NaN stays NaN.
      if constexpr (relu) value = value < 0.0F ? Floats{} : value;
      store(value, to + v * width);
    }
  };
  for (std::int64_t t = 0; t < block.tiles; ++t) {
    const std::int64_t begin = t * block.step;
    map(x + begin, has_residual ? residual + begin : nullptr, y + begin);
  }
  if (block.rest > 0) {
    const std::int64_t begin = block.tiles * lanes;
    Rest<T> rest;
    Rest<T> rest_added;
    rest.fill(x + begin, block.rest, zeros);
    if (has_residual) rest_added.fill(residual + begin, block.rest, zeros);
    T out[lanes];
    map(rest.values, rest_added.values, out);
    for (std::int64_t l = 0; l < rest.count; ++l) y[begin + l] = out[l];
  }
}

template <class T>
void apply(NormShape shape, const T* x, const T* residual, const float* scale, const float* shift,
           bool relu, T* y) {
  for_each_block(shape, [&](const Block& block) {
    const auto run = residual != nullptr
                         ? (relu ? apply_as<T, true, true> : apply_as<T, true, false>)
                         : (relu ? apply_as<T, false, true> : apply_as<T, false, false>);
    run(block, x + block.first, moved(residual, block.first), scale + block.first,
        shift + block.first, y + block.first);
  });
}

template <class T, bool relu>
void backward_sums_as(const Block& block, const T* gradient, const T* y, const T* x, const float* mean,
                      float* sum_g, float* sum_gx) {
  const Tile offset = spread(mean, block.channels);
  Tile g_total{};
  Tile gx_total{};
  const auto add = [&](const T* from_g, const T* from_y, const T* from_x)
      __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) {
      Floats g;
      Floats value;
      load(from_g + v * width, g);
      load(from_x + v * width, value);
      if constexpr (relu) {
        Floats output;
        load(from_y + v * width, output);
        g = output > 0.0F ? g : Floats{};
      }
      g_total.v[v] += g;
      gx_total.v[v] += g * (value - offset.v[v]);
    }
  };
  for (std::int64_t t = 0; t < block.tiles; ++t) {
    const std::int64_t begin = t * block.step;
    add(gradient + begin, relu ? y + begin : nullptr, x + begin);
  }
  if (block.rest > 0) {
    const std::int64_t begin = block.tiles * lanes;
    Rest<T> rest_g;
    Rest<T> rest_y;
    Rest<T> rest_x;
    rest_g.fill(gradient + begin, block.rest, zeros);
    if (relu) rest_y.fill(y + begin, block.rest, zeros);
    rest_x.fill(x + begin, block.rest, zeros);
    add(rest_g.values, rest_y.values, rest_x.values);
  }
  fold(g_total, block.channels, sum_g);
  fold(gx_total, block.channels, sum_gx);
}

template <class T>
void backward_sums(NormShape shape, const T* gradient, const T* y, const T* x, const float* mean,
                   float* sum_g, float* sum_gx) {
  for_each_block(shape, [&](const Block& block) {
    const auto run = y != nullptr ? backward_sums_as<T, true> : backward_sums_as<T, false>;
    run(block, gradient + block.first, moved(y, block.first), x + block.first, mean + block.first,
        sum_g + block.first, sum_gx + block.first);
  });
}

template <class T, bool relu, bool has_residual>
void backward_apply_as(const Block& block, const T* gradient, const T* y, const T* x, const float* a,
                       const float* b, const float* c, T* dx, T* residual_gradient) {
  const Tile of_g = spread(a, block.channels);
  const Tile of_x = spread(b, block.channels);
  const Tile constant = spread(c, block.channels);
  const auto map = [&](const T* from_g, const T* from_y, const T* from_x, T* to, T* to_residual)
      __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) {
      Floats g;
      Floats value;
      load(from_g + v * width, g);
      load(from_x + v * width, value);
      if constexpr (relu) {
        Floats output;
        load(from_y + v * width, output);
        g = output > 0.0F ? g : Floats{};
      }
      if constexpr (has_residual) store(g, to_residual + v * width);
      store(of_g.v[v] * g + of_x.v[v] * value + constant.v[v], to + v * width);
    }
  };
  for (std::int64_t t = 0; t < block.tiles; ++t) {
    const std::int64_t begin = t * block.step;
    map(gradient + begin, relu ? y + begin : nullptr, x + begin, dx + begin,
        has_residual ? residual_gradient + begin : nullptr);
  }
  if (block.rest > 0) {
    const std::int64_t begin = block.tiles * lanes;
    Rest<T> rest_g;
    Rest<T> rest_y;
    Rest<T> rest_x;
    rest_g.fill(gradient + begin, block.rest, zeros);
    if (relu) rest_y.fill(y + begin, block.rest, zeros);
    rest_x.fill(x + begin, block.rest, zeros);
    T out[lanes];
    T out_residual[lanes];
    map(rest_g.values, rest_y.values, rest_x.values, out, out_residual);
    for (std::int64_t l = 0; l < rest_g.count; ++l) {
      dx[begin + l] = out[l];
      if (has_residual) residual_gradient[begin + l] = out_residual[l];
    }
  }
}

template <class T>
void backward_apply(NormShape shape, const T* gradient, const T* y, const T* x, const float* a,
                    const float* b, const float* c, T* dx, T* residual_gradient) {
  for_each_block(shape, [&](const Block& block) {
    const auto run = residual_gradient != nullptr
                         ? (y != nullptr ? backward_apply_as<T, true, true>
                                         : backward_apply_as<T, false, true>)
                         : (y != nullptr ? backward_apply_as<T, true, false>
                                         : backward_apply_as<T, false, false>);
    run(block, gradient + block.first, moved(y, block.first), x + block.first, a + block.first,
        b + block.first, c + block.first, dx + block.first,
        moved(residual_gradient, block.first));
  });
}

template <class T>
constexpr NormKernels<T> table{moments<T>, apply<T>, backward_sums<T>, backward_apply<T>};
