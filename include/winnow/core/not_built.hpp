#pragma once

#include <string>

namespace winnow {

/// Refuses what this build was configured without.
///
/// @param what       What was asked for, the file first where there is one: "a.png: PNG images".
/// @param libraries  What it needs: "libpng".
/// @param option     Of CMake, that brings it back: "WINNOW_IMAGES".
/// @throws NotAvailable always.
[[noreturn]] void throw_not_built(const std::string& what, const std::string& libraries,
                                  const std::string& option);

}  // namespace winnow
