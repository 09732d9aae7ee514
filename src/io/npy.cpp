#include "winnow/io/npy.hpp"

#include <fmt/format.h>

#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "io/half.hpp"
#include "io/npy_header.hpp"
#include "winnow/core/error.hpp"

namespace winnow::io {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little);

namespace {

struct Half {
  std::uint16_t bits;
};

/// One value of type Source from anywhere in memory, as a number.
template <class Source>
auto load(const std::byte* from) {
  if constexpr (std::is_same_v<Source, bool>) {
    return static_cast<std::uint8_t>(*from != std::byte{0});
  } else {
    Source value{};
    std::memcpy(&value, from, sizeof(Source));
    if constexpr (std::is_same_v<Source, Half>) {
      return half_to_float(value.bits);
    } else {
      return value;
    }
  }
}

/// Whether `value` is exactly a value of the integer type T.
template <class T, class Value>
bool fits(Value value) {
  if constexpr (std::is_floating_point_v<Value>) {
    const double end = std::ldexp(1.0, std::numeric_limits<T>::digits);  // max + 1, exact
    const auto wide = static_cast<double>(value);
    return wide >= static_cast<double>(std::numeric_limits<T>::min()) && wide < end &&
           wide == std::trunc(wide);
  } else {
    return std::in_range<T>(value);
  }
}

/// Converts until the first value that T cannot hold; returns how many were converted.
template <class Source, class T>
std::size_t convert(const std::byte* from, std::span<T> out) {
  if constexpr (std::is_same_v<Source, T>) {
    if (!out.empty()) std::memcpy(out.data(), from, out.size_bytes());
  } else if constexpr (std::is_same_v<Source, Half> && std::is_same_v<T, float>) {
    widen_halves(from, out);
  } else {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto value = load<Source>(from + i * sizeof(Source));
      if constexpr (std::is_integral_v<T>) {
        if (!fits<T>(value)) return i;
      }
      out[i] = static_cast<T>(value);
    }
  }
  return out.size();
}

template <class Visit>
auto with_type(DType dtype, const Visit& visit) {
  switch (dtype) {
    case DType::boolean:
      return visit.template operator()<bool>();
    case DType::int8:
      return visit.template operator()<std::int8_t>();
    case DType::uint8:
      return visit.template operator()<std::uint8_t>();
    case DType::int16:
      return visit.template operator()<std::int16_t>();
    case DType::uint16:
      return visit.template operator()<std::uint16_t>();
    case DType::int32:
      return visit.template operator()<std::int32_t>();
    case DType::uint32:
      return visit.template operator()<std::uint32_t>();
    case DType::int64:
      return visit.template operator()<std::int64_t>();
    case DType::uint64:
      return visit.template operator()<std::uint64_t>();
    case DType::float16:
      return visit.template operator()<Half>();
    case DType::float32:
      return visit.template operator()<float>();
    case DType::float64:
      break;
  }
  return visit.template operator()<double>();
}

void require_vector(const NpyFile& file) {
  if (file.shape().size() == 1) return;
  throw BadFile(fmt::format("{}: {}; expected a one-dimensional array, e.g. save x.ravel()",
                            file.path().string(), file.describe()));
}

}  // namespace

NpyFile::NpyFile(const fs::path& path) : file_(path) {
  NpyHeader header = file_.intact([&] { return parse_npy_header(file_.bytes(), path.string()); });
  dtype_ = header.dtype;
  fortran_order_ = header.fortran_order;
  shape_ = std::move(header.shape);
  offset_ = header.data_offset;
}

std::string NpyFile::describe() const {
  return fmt::format("{} {}{}", shape_text(shape_), dtype_name(dtype_),
                     fortran_order_ ? ", Fortran order" : "");
}

std::int64_t NpyFile::size() const {
  return static_cast<std::int64_t>(data().size() / dtype_size(dtype_));
}

std::span<const std::byte> NpyFile::data() const { return file_.bytes().subspan(offset_); }

void NpyFile::prefetch(std::int64_t begin, std::int64_t count) const {
  const std::size_t item = dtype_size(dtype_);
  file_.prefetch(offset_ + static_cast<std::size_t>(begin) * item,
                 static_cast<std::size_t>(count) * item);
}

template <class T>
void NpyFile::read(std::int64_t begin, std::span<T> out) const {
  assert(begin >= 0 && begin + static_cast<std::int64_t>(out.size()) <= size());
  const std::byte* from = data().data() + static_cast<std::size_t>(begin) * dtype_size(dtype_);
  const std::size_t converted =
      with_type(dtype_, [&]<class Source>() { return convert<Source, T>(from, out); });
  file_.require_intact();
  if (converted == out.size()) return;
  if constexpr (std::is_integral_v<T>) {
    double found = 0.0;
    const std::int64_t position = begin + static_cast<std::int64_t>(converted);
    read<double>(position, {&found, 1});
    throw BadFile(fmt::format(
        "{}: element {} is {}; expected an integer in [{}, {}]", path().string(), position, found,
        std::int64_t{std::numeric_limits<T>::min()}, std::int64_t{std::numeric_limits<T>::max()}));
  }
}

template void NpyFile::read<float>(std::int64_t, std::span<float>) const;
template void NpyFile::read<double>(std::int64_t, std::span<double>) const;
template void NpyFile::read<std::int32_t>(std::int64_t, std::span<std::int32_t>) const;
template void NpyFile::read<std::int64_t>(std::int64_t, std::span<std::int64_t>) const;
template void NpyFile::read<std::uint8_t>(std::int64_t, std::span<std::uint8_t>) const;

std::vector<double> read_vector_f64(const NpyFile& file) {
  require_vector(file);
  std::vector<double> values(static_cast<std::size_t>(file.size()));
  file.read<double>(0, values);
  file.require_unchanged();
  return values;
}

std::vector<std::int64_t> read_vector_i64(const NpyFile& file) {
  require_vector(file);
  if (is_floating(file.dtype())) {
    throw BadFile(fmt::format("{}: {}; expected integers; convert it with .astype('int64')",
                              file.path().string(), file.describe()));
  }
  std::vector<std::int64_t> values(static_cast<std::size_t>(file.size()));
  file.read<std::int64_t>(0, values);
  file.require_unchanged();
  return values;
}

}  // namespace winnow::io
