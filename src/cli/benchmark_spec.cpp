#include "cli/benchmark_spec.hpp"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <concepts>
#include <string_view>
#include <vector>

#include "winnow/core/error.hpp"
#include "winnow/core/files.hpp"

namespace winnow::cli {

namespace {

/// A table of the file that knows which keys were asked for.
class Section {
 public:
  Section(const toml::table& table, std::string file) : table_(table), file_(std::move(file)) {}

  [[noreturn]] void fail(const toml::node& node, const std::string& what) const {
    throw BadFile(fmt::format("{}: line {}: {}", file_, node.source().begin.line, what));
  }

  /// The node of a key, or null.
  const toml::node* find(std::string_view key) {
    known_.emplace_back(key);
    return table_.get(key);
  }

  template <class T>
  void take(std::string_view key, T& value) {
    if (const toml::node* node = find(key)) value = convert<T>(*node, key);
  }

  /// A list, or one value that stands for a list of one.
  template <class T>
  void take(std::string_view key, std::vector<T>& values) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    values.clear();
    if (const toml::array* array = node->as_array()) {
      for (const auto& element : *array) values.push_back(convert<T>(element, key));
    } else {
      values.push_back(convert<T>(*node, key));
    }
  }

  /// Every described field but those named.
  template <class Options>
  void take_fields(Options& options, const std::vector<std::string_view>& but = {}) {
    Options::fields(options, [&]<class T>(T& value, const FieldInfo& info) {
      if (std::ranges::find(but, std::string_view(info.name)) != but.end()) return;
      const toml::node* node = table_.get(info.name);
      take(info.name, value);
      if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
        if (node != nullptr) {
          checked(*node, [&] { check_range(static_cast<double>(value), info); });
        }
      }
    });
  }

  /// Calls visit(section) with a table inside, if it is there.
  template <class Visit>
  void inside(std::string_view key, const Visit& visit) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (!node->is_table()) fail(*node, fmt::format("'{}' is no table; write [{}]", key, key));
    Section section(*node->as_table(), file_);
    visit(section);
    section.finish();
  }

  /// The same for every table of an array of them.
  template <class Visit>
  void each(std::string_view key, const Visit& visit) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (!node->is_array_of_tables()) {
      fail(*node, fmt::format("'{}' is no list of tables; write [[{}]]", key, key));
    }
    for (const auto& element : *node->as_array()) {
      Section section(*element.as_table(), file_);
      visit(section);
      section.finish();
    }
  }

  /// @throws BadFile for a key that nobody asked for.
  void finish() const {
    for (const auto& [key, node] : table_) {
      const std::string name(key.str());
      if (std::ranges::find(known_, name) != known_.end()) continue;
      const std::string near = nearest_name(name, known_);
      fail(node, fmt::format("'{}' is not known here{}", name,
                             near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
    }
  }

  /// Runs `check`, and says the line of what it refuses.
  template <class Check>
  auto checked(const toml::node& node, const Check& check) const {
    try {
      return check();
    } catch (const InvalidArgument& error) {
      fail(node, error.what());
    }
  }

 private:
  template <class T>
  T convert(const toml::node& node, std::string_view key) const {
    if constexpr (std::is_enum_v<T> || TextField<T>) {
      const auto text = node.value_exact<std::string>();
      if (!text) fail(node, fmt::format("'{}' is no text", key));
      return checked(node, [&] {
        if constexpr (std::is_enum_v<T>) {
          return parse_enum<T>(key, *text);
        } else {
          return T::parse(key, *text);
        }
      });
    } else {
      using Kind =
          std::conditional_t<std::same_as<T, bool> || std::same_as<T, std::string>, T,
                             std::conditional_t<std::floating_point<T>, double, std::int64_t>>;
      // An integer is a number, too.
      const auto value = std::floating_point<T> ? node.value<Kind>() : node.value_exact<Kind>();
      if (!value) {
        fail(node, fmt::format("'{}' is no {}", key,
                               std::same_as<T, bool>          ? "true or false"
                               : std::same_as<T, std::string> ? "text"
                               : std::floating_point<T>       ? "number"
                                                              : "integer"));
      }
      return static_cast<T>(*value);
    }
  }

  const toml::table& table_;
  std::string file_;
  std::vector<std::string> known_;
};

/// [learner] and [network] inside a section.
void take_training(Section& section, experiments::TrainingOptions& training) {
  section.inside("learner", [&](Section& s) { s.take_fields(training.learner, {"model"}); });
  section.inside("network", [&](Section& s) { s.take_fields(training.network, {"model"}); });
}

void take_trainings(Section& section, experiments::MetricTrainingOptions& options) {
  section.take("models", options.models);
  section.take_fields(options);
  section.take("log-dtype", options.storage);
  take_training(section, options.training);
}

void take_evaluation(Section& section, std::vector<experiments::BenchmarkEvaluation>& all) {
  auto& evaluation = all.emplace_back();
  section.take("models", evaluation.models);
  section.take("metrics", evaluation.metrics);
  section.take("policies", evaluation.policies);
  section.take("keep", evaluation.keeps);
  section.take_fields(evaluation);
  take_training(section, evaluation.training);
}

BenchmarkSpec read_spec(Section& top, const std::string& data, const std::string& test_data) {
  BenchmarkSpec spec;
  auto& options = spec.options;
  top.take("data", spec.source.data.data);
  top.take("test-data", spec.source.data.test_data);
  if (!data.empty()) spec.source.data = {.data = data, .test_data = "", .reading = {}};
  if (!test_data.empty()) spec.source.data.test_data = test_data;
  top.take("encoder", spec.source.encoder);
  top.take("image-size", spec.source.data.reading.image_size);
  if (const toml::node* node = top.find("examples")) {
    top.take("examples", spec.examples);
    top.checked(*node, [&] {
      check_range(static_cast<double>(spec.examples), {.name = "examples", .min = 2});
    });
  }
  std::int64_t seed = 0;
  if (const toml::node* node = top.find("seed")) {
    top.take("seed", seed);
    if (seed < 0) top.fail(*node, fmt::format("seed = {}; expected 0 or more", seed));
  }
  options.seed = Seed{static_cast<std::uint64_t>(seed)};
  top.take("metrics", options.metrics);
  top.inside("prototypes", [&](Section& s) { s.take_fields(options); });
  top.inside("scoring", [&](Section& s) { take_trainings(s, options.scoring); });
  options.subsets = options.scoring;
  options.ensemble = options.scoring;
  options.subsets.runs = 0;
  options.ensemble.runs = 0;
  top.inside("subsets", [&](Section& s) { take_trainings(s, options.subsets); });
  top.inside("ensemble", [&](Section& s) { take_trainings(s, options.ensemble); });
  top.each("evaluation", [&](Section& s) { take_evaluation(s, options.evaluations); });
  top.inside("clusters", [&](Section& s) {
    s.take("values", options.cluster_study.clusters);
    s.take("keep", options.cluster_study.keeps);
  });
  return spec;
}

}  // namespace

BenchmarkSpec read_benchmark_spec(const std::filesystem::path& path, const std::string& data,
                                  const std::string& test_data) {
  const std::string file = path.string();
  const std::string text = read_file(path, std::size_t{1} << 20U);
  toml::table table;
  try {
    table = toml::parse(text, std::string_view(file));
  } catch (const toml::parse_error& error) {
    throw BadFile(fmt::format("{}: line {} column {}: {}", file, error.source().begin.line,
                              error.source().begin.column, error.description()));
  }
  Section top(table, file);
  BenchmarkSpec spec = read_spec(top, data, test_data);
  top.finish();
  try {
    spec.options.validate();
  } catch (const InvalidArgument& error) {
    throw BadFile(fmt::format("{}: {}", file, error.what()));
  }
  if (spec.source.data.data.empty()) {
    throw BadFile(fmt::format("{}: no data; write data = \"SPEC\", or give --data", file));
  }
  return spec;
}

}  // namespace winnow::cli
