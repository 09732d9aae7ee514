#include "cli/label_source.hpp"

#include "cli/stages.hpp"

namespace winnow::cli {

LabelSource open_label_source(const std::string& labels, const std::string& data, std::int64_t n,
                              const Fingerprint& fingerprint, const std::string& scores_name,
                              Progress& progress) {
  LabelSource source;
  const auto require_match = [&](std::int64_t rows, const Fingerprint& other,
                                 const std::string& name) {
    io::require_same_length(n, scores_name, rows, name);
    require_same_dataset(fingerprint, scores_name, other, name);
  };
  if (!data.empty()) {
    source.dataset = io::open_dataset(io::DatasetSpec::parse(data), progress);
    require_match(source.dataset->size(), source.dataset->fingerprint(), data);
  }
  if (!labels.empty()) {
    source.labels = source.dataset ? io::join_labels(*source.dataset, labels, "", progress)
                                   : io::read_labels(labels, progress);
    require_match(static_cast<std::int64_t>(source.labels.values.size()), source.labels.fingerprint,
                  labels);
  } else if (source.dataset && source.dataset->has_labels()) {
    source.labels = labels_of(*source.dataset);
  }
  return source;
}

}  // namespace winnow::cli
