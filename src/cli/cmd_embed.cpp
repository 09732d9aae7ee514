#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/data_arguments.hpp"
#include "cli/embed_stage.hpp"
#include "cli/outputs.hpp"
#include "cli/stages.hpp"
#include "winnow/core/error.hpp"

namespace winnow::cli {

namespace {

struct EmbedArguments {
  DataArguments source;
  std::string test_out;
  StorageOptions storage;
  embedding::EncoderOptions encoder;
};

std::string embedded_text(const EmbeddedFiles& done, const EmbedArguments& arguments,
                          const std::string& out, double seconds) {
  const std::string kind = enum_name(arguments.encoder.encoder.kind);
  std::string text = fmt::format("{}: [{}, {}] {} in {:.1f} s\n", out, done.n, done.dimensions,
                                 enum_name(arguments.storage.dtype), seconds);
  if (done.files.size() > 1) text += fmt::format("{} shards\n", done.files.size());
  if (done.rows_taken_over > 0) {
    text += fmt::format("{} rows taken over from an earlier run\n", done.rows_taken_over);
  }
  return text + knn_text(done.knn, kind);
}

void embed(Session& session, EmbedArguments arguments) {
  require_out_given(session, "the .npy file to write, or a folder of shards");
  const EmbedTarget target{.out = session.out(),
                           .test_out = arguments.test_out,
                           .storage = arguments.storage,
                           .resume = session.common.resume,
                           .force = session.common.force};
  target.validate();
  arguments.encoder.seed = session.seed();
  arguments.encoder.validate();
  arguments.source.resolve(arguments.encoder.encoder.default_image_size());
  const Stopwatch watch;
  const Splits splits =
      open_splits(arguments.source.data, arguments.source.test_data, session.terminal);
  if (!arguments.test_out.empty() && !splits.test) {
    throw InvalidArgument(fmt::format("--test-out: {} has no test split; give --test-data SPEC",
                                      arguments.source.data));
  }
  const EmbeddedFiles done = embed_files(splits, arguments.encoder, target, session.terminal);
  Json files = Json::array();
  for (const auto& file : done.files) files.push_back(file.string());
  session.print({{"out", session.common.out},
                 {"files", files},
                 {"n", done.n},
                 {"dimensions", done.dimensions},
                 {"dtype", enum_name(arguments.storage.dtype)},
                 {"rows_taken_over", done.rows_taken_over},
                 {"knn", done.knn},
                 {"seconds", watch.seconds()}},
                embedded_text(done, arguments, session.common.out, watch.seconds()));
}

}  // namespace

void add_embed(CLI::App& app, Session& session) {
  CLI::App& command = add_command(
      app, session, "embed", "Turn every example into a vector, without labels.", Output::resume,
      "Embeddings to write, [n, d], with a sidecar .json: FILE.npy, or a folder of shards.",
      "Examples:\n  winnow embed --data fashion-mnist --out emb.npy --test-out emb-test.npy\n"
      "  winnow embed --data images:photos.tar --dimensions 256 --out emb.npy\n"
      "  winnow embed --data images:photos --encoder resnet50.ts --dtype float16 --out shards/\n"
      "  winnow embed --data cifar10:DIR --encoder simclr --ssl-epochs 30 --out learned.npy");
  auto arguments = std::make_shared<EmbedArguments>();
  bind_data(command, arguments->source, data_help,
            "Dataset to check neighbours on; default: the dataset's own test split.");
  command.get_option("--data")->required();
  command
      .add_option("--test-out", arguments->test_out, "Also write the embeddings of the test data.")
      ->type_name("FILE.npy|DIR");
  bind_encoder_options(command, arguments->encoder);
  bind_options(command, arguments->storage);
  bind_reading(command, arguments->source);
  on_run(command, session, [&session, arguments] { embed(session, *arguments); });
}

}  // namespace winnow::cli
