#include "io/inflater.hpp"
#include "winnow/core/not_built.hpp"

namespace winnow::io {

// No object comes to be: the constructor throws.

struct Inflater::State {};

// NOLINTNEXTLINE(performance-unnecessary-value-param): declared for the one that keeps it
Inflater::Inflater(std::span<const std::byte> /*input*/, Format /*format*/, std::string where) {
  throw_not_built(where + ": compressed data", "zlib", "WINNOW_ZLIB");
}

Inflater::~Inflater() = default;

std::size_t Inflater::read(std::span<std::uint8_t> /*out*/) { return 0; }

std::size_t Inflater::input_left() const { return 0; }

}  // namespace winnow::io
