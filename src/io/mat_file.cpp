#include "io/mat_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <matio.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "io/inflater.hpp"
#include "winnow/core/error.hpp"
#include "winnow/core/hash.hpp"

namespace winnow::io {

namespace {

// matio prints nothing as long as nobody gives it a function for its messages (Mat_LogInit).
struct Close {
  void operator()(mat_t* file) const { Mat_Close(file); }
};

std::size_t count_of(const matvar_t& variable) {
  std::size_t count = 1;
  for (int i = 0; i < variable.rank; ++i) count *= variable.dims[i];
  return count;
}

template <class T>
std::vector<std::int64_t> whole_numbers(const matvar_t& variable, const std::string& name) {
  const std::span values(static_cast<const T*>(variable.data), count_of(variable));
  std::vector<std::int64_t> numbers;
  numbers.reserve(values.size());
  constexpr double limit = 9007199254740992.0;  // 2^53
  for (const T value : values) {
    const auto wide = static_cast<double>(value);
    if (!(std::abs(wide) <= limit) || wide != std::floor(wide)) {
      throw BadFile(
          fmt::format("{}: row {} is {}; expected whole numbers", name, numbers.size(), value));
    }
    numbers.push_back(static_cast<std::int64_t>(value));
  }
  return numbers;
}

}  // namespace

void MatArray::Free::operator()(matvar_t* variable) const { Mat_VarFree(variable); }

std::span<const std::uint8_t> MatArray::bytes() const {
  if (variable_->class_type != MAT_C_UINT8) return {};
  return {static_cast<const std::uint8_t*>(variable_->data), count_of(*variable_)};
}

std::vector<std::int64_t> MatArray::integers(const std::string& name) const {
  switch (variable_->class_type) {
    case MAT_C_DOUBLE:
      return whole_numbers<double>(*variable_, name);
    case MAT_C_SINGLE:
      return whole_numbers<float>(*variable_, name);
    case MAT_C_INT8:
      return whole_numbers<std::int8_t>(*variable_, name);
    case MAT_C_UINT8:
      return whole_numbers<std::uint8_t>(*variable_, name);
    case MAT_C_INT16:
      return whole_numbers<std::int16_t>(*variable_, name);
    case MAT_C_UINT16:
      return whole_numbers<std::uint16_t>(*variable_, name);
    case MAT_C_INT32:
      return whole_numbers<std::int32_t>(*variable_, name);
    case MAT_C_UINT32:
      return whole_numbers<std::uint32_t>(*variable_, name);
    case MAT_C_INT64:
      return whole_numbers<std::int64_t>(*variable_, name);
    case MAT_C_UINT64:
      return whole_numbers<std::uint64_t>(*variable_, name);
    default:
      throw BadFile(fmt::format("{}: no array of numbers", name));
  }
}

MatFile::MatFile(const std::filesystem::path& path) : file_(path) {
  file_.intact([&] {
    variables_ = parse_mat(file_.bytes(), path.string());
    Hasher hasher;
    hasher.add(file_.bytes().data(), file_.bytes().size());
    input_ = {path.string(), hash_text(hasher.digest())};
  });
}

const MatVariable& MatFile::variable(std::string_view name) const {
  const auto found = std::find_if(variables_.begin(), variables_.end(),
                                  [&](const auto& variable) { return variable.name == name; });
  if (found != variables_.end()) return *found;
  std::vector<std::string> names;
  for (const auto& variable : variables_) names.push_back(variable.name);
  throw BadFile(fmt::format("{}: no variable '{}'; its variables are: {}", file_.path().string(),
                            name,
                            names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

void MatFile::check_stream(const MatVariable& variable, Progress& progress) const {
  const std::string where = fmt::format("{}: {}", file_.path().string(), variable.name);
  Inflater inflater(file_.bytes().subspan(variable.begin, variable.size), Inflater::Format::zlib,
                    where);
  std::vector<std::uint8_t> scratch(std::size_t{1} << 20U);
  std::size_t total = 0;
  while (total <= variable.unpacked) {
    progress.throw_if_cancelled();
    const std::size_t found = inflater.read(scratch);
    if (found == 0) break;
    total += found;
    progress.advance(static_cast<std::int64_t>(found));
  }
  if (total != variable.unpacked || inflater.input_left() > 0) {
    throw BadFile(fmt::format("{}: unpacks to {} bytes or more; its header says {}", where, total,
                              variable.unpacked));
  }
}

MatArray MatFile::read(const MatVariable& variable, Progress& progress) const {
  const std::string name = file_.path().string();
  progress.stage(fmt::format("read {}", file_.path().filename().string()),
                 static_cast<std::int64_t>(variable.unpacked), "bytes");
  if (variable.compressed) file_.intact([&] { check_stream(variable, progress); });
  const std::unique_ptr<mat_t, Close> file(Mat_Open(name.c_str(), MAT_ACC_RDONLY));
  if (!file) throw BadFile(fmt::format("{}: matio cannot open it", name));
  matvar_t* read = Mat_VarReadInfo(file.get(), variable.name.c_str());
  if (read == nullptr) throw BadFile(fmt::format("{}: matio finds no {}", name, variable.name));
  MatArray array(read);
  const int code = Mat_VarReadDataAll(file.get(), read);
  file_.require_unchanged();
  const bool same_rank = static_cast<std::size_t>(read->rank) == variable.shape.size();
  if (code != 0 || read->data == nullptr || !same_rank ||
      !std::equal(variable.shape.begin(), variable.shape.end(), read->dims,
                  [](std::int64_t a, std::size_t b) { return static_cast<std::size_t>(a) == b; })) {
    throw BadFile(fmt::format("{}: matio cannot read {} (code {})", name, variable.name, code));
  }
  progress.done(fmt::format("{} values", count_of(*read)));
  return array;
}

}  // namespace winnow::io
