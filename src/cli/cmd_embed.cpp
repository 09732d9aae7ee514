#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/outputs.hpp"
#include "cli/stages.hpp"
#include "winnow/core/files.hpp"

namespace winnow::cli {

namespace {

struct EmbedArguments {
  std::string data;
  std::string test_data;
  std::string test_out;
  embedding::EncoderOptions encoder;
};

void embed(Session& session, EmbedArguments arguments) {
  require_out_array(session);
  if (!arguments.test_out.empty()) {
    require_new_array("--test-out", arguments.test_out, session.common.force);
  }
  arguments.encoder.seed = session.seed();
  arguments.encoder.validate();
  const Stopwatch watch;
  const Splits splits = open_splits(arguments.data, arguments.test_data, session.terminal);
  if (!arguments.test_out.empty() && !splits.test) {
    throw InvalidArgument(
        fmt::format("--test-out: {} has no test split; give --test-data SPEC", arguments.data));
  }
  const Embedded embedded = embed_splits(splits, arguments.encoder, session.terminal);
  const auto sidecar = [&](const io::Dataset& dataset) {
    return Json{{"kind", "embeddings"},
                {"data", dataset.name()},
                {"options", options_json(arguments.encoder)},
                {"seed", session.common.seed},
                {"knn", embedded.knn},
                {"inputs", to_json(dataset.inputs())}};
  };
  if (!arguments.test_out.empty()) {
    io::write_embeddings(arguments.test_out, embedded.test, sidecar(*splits.test),
                         splits.test->fingerprint());
  }
  io::write_embeddings(session.out(), embedded.train, sidecar(*splits.train),
                       splits.train->fingerprint());
  session.print({{"out", session.common.out},
                 {"n", embedded.train.rows()},
                 {"dimensions", embedded.train.cols()},
                 {"knn", embedded.knn},
                 {"seconds", watch.seconds()}},
                fmt::format("{}: [{}, {}] float32 in {:.1f} s\n{}", session.common.out,
                            embedded.train.rows(), embedded.train.cols(), watch.seconds(),
                            knn_text(embedded.knn, enum_name(arguments.encoder.encoder))));
}

}  // namespace

void add_embed(CLI::App& app, Session& session) {
  CLI::App& command = add_command(
      app, session, "embed", "Turn every example into a vector, without labels.", Output::replace,
      "Embeddings to write, [n, d] float32, with a sidecar .json.",
      "Examples:\n  winnow embed --data fashion-mnist --out emb.npy --test-out emb-test.npy\n"
      "  winnow embed --data images:photos.tar --dimensions 256 --out emb.npy");
  auto arguments = std::make_shared<EmbedArguments>();
  command
      .add_option("--data", arguments->data,
                  "Dataset: fashion-mnist, mnist:DIR, images:PATH, "
                  "npy:FILE[,labels=FILE]; #train or #test.")
      ->type_name("SPEC")
      ->required();
  command
      .add_option("--test-data", arguments->test_data,
                  "Dataset to check neighbours on; default: the dataset's own test split.")
      ->type_name("SPEC");
  command
      .add_option("--test-out", arguments->test_out, "Also write the embeddings of the test data.")
      ->type_name("FILE.npy");
  bind_options(command, arguments->encoder);
  on_run(command, session, [&session, arguments] { embed(session, *arguments); });
}

}  // namespace winnow::cli
