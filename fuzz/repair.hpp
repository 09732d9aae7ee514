#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace winnow::fuzz {

/// Formats with checksums refuse almost every mutation at once. These put the checksums of a
/// mutated file right again, as far as its structure can still be followed.
void repair_tar(std::span<std::uint8_t> bytes);
void repair_png(std::span<std::uint8_t> bytes);

/// Mutates what is inside a gzip file and packs it again; anything else is mutated as it is.
/// @return  The new size, at most `max_size`.
std::size_t mutate_gzip(std::uint8_t* data, std::size_t size, std::size_t max_size);

/// The same for one compressed variable of a MAT file, chosen by `seed`.
std::size_t mutate_mat(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed);

}  // namespace winnow::fuzz
