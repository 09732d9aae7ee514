#include "cli/row_source.hpp"

#include "cli/command.hpp"
#include "winnow/core/error.hpp"

namespace winnow::cli {

void bind_rows(CLI::App& command, RowSource& source, const std::string& data_text) {
  command
      .add_option("--embeddings", source.embeddings,
                  "Rows, [n, d]: a .npy, a comma list, a glob or a folder of shards.")
      ->type_name("FILE.npy");
  bind_data(command, source.data, data_text, "");
  bind_option(command, source.encoder,
              {.name = "encoder", .help = "Makes the embeddings when none are given."});
}

Rows read_rows(const RowSource& source, Seed seed, Progress& progress) {
  if (source.embeddings.empty() && source.data.data.empty()) {
    throw InvalidArgument(
        "no rows to work on; give --embeddings FILE, an [n, d] .npy, or --data SPEC to make them "
        "of");
  }
  Rows rows;
  if (!source.data.data.empty()) {
    rows.dataset = io::open_dataset(io::DatasetSpec::parse(source.data.data), progress);
  }
  if (source.embeddings.empty()) {
    const auto encoder =
        embedding::fit_encoder(*rows.dataset, {.encoder = source.encoder, .seed = seed}, progress);
    rows.embeddings = {.rows = encoder->encode(*rows.dataset, progress),
                       .fingerprint = rows.dataset->fingerprint(),
                       .inputs = rows.dataset->inputs()};
    return rows;
  }
  rows.embeddings = io::read_embeddings(source.embeddings, progress);
  if (rows.dataset) {
    io::require_same_length(rows.embeddings.rows.rows(), source.embeddings, rows.dataset->size(),
                            source.data.data);
    require_same_dataset(rows.embeddings.fingerprint, source.embeddings,
                         rows.dataset->fingerprint(), source.data.data);
    rows.embeddings.fingerprint =
        known_of(rows.embeddings.fingerprint, rows.dataset->fingerprint());
  }
  return rows;
}

}  // namespace winnow::cli
