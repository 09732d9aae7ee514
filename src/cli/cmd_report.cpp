#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/outputs.hpp"
#include "cli/stages.hpp"
#include "winnow/core/files.hpp"
#include "winnow/report/report.hpp"

namespace winnow::cli {

namespace {

struct ReportArguments {
  std::vector<std::string> runs;
  report::ReportOptions options;
};

void write(Session& session, const ReportArguments& arguments) {
  require_out_file(session, "the .html file to write");
  const auto written = report::write_report({arguments.runs.begin(), arguments.runs.end()},
                                            session.out(), arguments.options, session.terminal);
  session.print(
      {{"out", session.common.out},
       {"bytes", written.bytes},
       {"plots", written.plots},
       {"images", written.images},
       {"warnings", written.warnings}},
      fmt::format("{}: {:.1f} MB, {} plots, {} images\n", session.common.out,
                  static_cast<double>(written.bytes) / 1e6, written.plots, written.images));
}

}  // namespace

void add_report(CLI::App& app, Session& session) {
  CLI::App& command =
      add_command(app, session, "report", "Write one HTML page about runs.", Output::replace,
                  "Page to write.", "Example:\n  winnow report runs/demo --out report.html");
  auto arguments = std::make_shared<ReportArguments>();
  command.add_option("RUN", arguments->runs, "Run folders, each with a run.json.")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  bind_options(command, arguments->options);
  on_run(command, session, [&session, arguments] { write(session, *arguments); });
}

}  // namespace winnow::cli
