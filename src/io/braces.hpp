#pragma once

#include <string>
#include <vector>

namespace winnow::io {

/// A comma list of patterns, as a shell reads them: `{0000..0012}` counts, with the zeros that its
/// ends have, `{a,b}` chooses; `*`, `?` and `[...]` are left to matching_files(). Commas inside
/// braces belong to them, braces that are neither form to the name.
/// @throws InvalidArgument for more than a million names.
std::vector<std::string> expand_braces(const std::string& text);

}  // namespace winnow::io
