#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "unit/support.hpp"
#include "winnow/core/files.hpp"
#include "winnow/core/run.hpp"
#include "winnow/io/arrays.hpp"
#include "winnow/io/npy.hpp"

namespace winnow::report {

using winnow::testing::TempFolder;

/// A valid PNG of one grey pixel, by Pillow.
inline const std::string& png_pixel() {
  static const std::string bytes(
      "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0:~\x9bU\0\0\0\nIDAT"
      "x\x9c"
      "ch\0\0\0\x82\0\x81w\xcdr\xb6\0\0\0\0IEND\xae"
      "B`\x82",
      67);
  return bytes;
}

inline constexpr const char* hostile_class = "<script>alert(1)<";
inline constexpr const char* hostile_command = "</script><img src=x onerror=alert(2)>";

/// An ImageFolder of two classes of six images; the first class has the hostile name.
inline std::filesystem::path make_images(const TempFolder& folder) {
  for (const char* name : {hostile_class, "cat"}) {
    for (int i = 0; i < 6; ++i) {
      const std::filesystem::path file =
          folder / ("images/" + std::string(name) + "/" + std::to_string(i) + ".png");
      std::filesystem::create_directories(file.parent_path());
      std::ofstream(file, std::ios::binary) << png_pixel();
    }
  }
  return folder / "images";
}

inline RunInfo prune_info(const std::string& data) {
  RunInfo info;
  info.kind = "prune";
  info.command = {"winnow", "prune", "--data", data, hostile_command};
  info.inputs = {{"images", "xxh3:0123456789abcdef"}};
  info.options = {{"data", data}, {"encoder", "patch-kmeans"}, {"policy", "hard"}, {"keep", 0.5}};
  info.results = {{"knn", {{"encoder", 0.909}, {"pixels", 0.855}, {"k", 20}}},
                  {"seconds", {{"embed", 60.0}, {"score", 5.0}}}};
  return info;
}

/// Scores 0.00, 0.01, ... 0.11 of twelve examples; the upper half kept.
inline void add_scores(const std::filesystem::path& run) {
  io::Scores scores;
  for (int i = 0; i < 12; ++i) scores.values.push_back(0.01 * i);
  scores.metric = "self-prototypes";
  io::write_scores(run / "scores.npy", scores, {{"options", {{"clusters", 3}}}});
}

inline void add_assignment(const std::filesystem::path& run) {
  const std::vector<std::int32_t> clusters = {0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2};
  io::write_npy(run / "assignment.npy", clusters);
}

inline void add_selection(const std::filesystem::path& run) {
  io::Subset keep;
  keep.ids = {6, 7, 8, 9, 10, 11};
  keep.dataset_size = 12;
  io::write_subset(run / "keep.npy", keep,
                   {{"policy", "hard"},
                    {"keep", 0.5},
                    {"cut", 0.06},
                    {"class_balance", 0.5},
                    {"audit", {{"warnings", {"class 0 '<b>bold</b>' vanishes"}}}}});
}

inline void add_results(const std::filesystem::path& run) {
  write_file(run / "results.csv",
             "model,policy,keep,seed,n_train,iterations,test_error,train_error\n"
             "linear,full,1,0,12,100,0.10,0.05\nlinear,full,1,1,12,100,0.12,0.05\n"
             "linear,random,0.5,0,6,100,0.20,0.1\nlinear,random,0.5,1,6,100,0.22,0.1\n"
             "linear,hard,0.5,0,6,100,0.30,\nlinear,hard,0.5,1,6,100,0.32,\n");
}

/// A run with everything.
inline std::filesystem::path make_run(const TempFolder& folder) {
  std::filesystem::path run = folder / "run";
  write_run(run, prune_info("images:" + make_images(folder).string()));
  add_scores(run);
  add_assignment(run);
  add_selection(run);
  add_results(run);
  return run;
}

}  // namespace winnow::report
