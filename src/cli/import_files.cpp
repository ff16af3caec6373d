// SPDX-License-Identifier: Apache-2.0
#include "cli/import_files.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <glob.h>
#include <xxhash.h>

#include <tickstone/error.hpp>

namespace tickstone::cli {
namespace {

namespace fs = std::filesystem;

bool is_reject_file(const std::string& path) { return path.ends_with(".rejects.csv"); }

std::vector<std::string> files_below(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code failure;
  for (fs::recursive_directory_iterator at(directory, failure), end; !failure && at != end;
       at.increment(failure)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with('.')) {
      if (at->is_directory()) at.disable_recursion_pending();
      continue;
    }
    if (at->is_regular_file() && !is_reject_file(name)) files.push_back(at->path().string());
  }
  if (failure) {
    throw Error(ErrorCode::UndefinedFile,
                "could not read directory \"" + directory + "\": " + failure.message());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> matches(const std::string& pattern) {
  glob_t found{};
  const std::unique_ptr<glob_t, void (*)(glob_t*)> owner(&found, globfree);
  std::vector<std::string> files;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      const std::string path = found.gl_pathv[i];
      if (!is_reject_file(path)) files.push_back(path);
    }
  }
  return files;
}

}  // namespace

std::vector<std::string> find_files(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  std::set<std::string> known;
  const auto add = [&](const std::string& path) {
    if (known.insert(path == "-" ? path : fs::absolute(path).lexically_normal().string()).second)
      files.push_back(path);
  };
  for (const auto& path : paths) {
    if (fs::is_directory(path)) {
      const auto below = files_below(path);
      if (below.empty()) throw Error(ErrorCode::UndefinedFile, "directory \"" + path + "\" has no files");
      for (const auto& file : below) add(file);
    } else if (path != "-" && path.find_first_of("*?[") != std::string::npos && !fs::exists(path)) {
      const auto found = matches(path);
      if (found.empty()) throw Error(ErrorCode::UndefinedFile, "no file matches \"" + path + "\"");
      for (const auto& match : found) {
        if (!fs::is_directory(match))
          add(match);
        else
          for (const auto& file : files_below(match)) add(file);
      }
    } else {
      add(path);
    }
  }
  return files;
}

FileIdentity identify(const std::string& path) {
  constexpr std::size_t kBlockBytes = 1 << 20;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file || fs::is_directory(path))
    throw Error(ErrorCode::UndefinedFile, "could not open file \"" + path + "\"");
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              XXH3_freeState);
  XXH3_64bits_reset(state.get());
  FileIdentity identity;
  identity.name = fs::path(path).filename().string();
  std::string block(kBlockBytes, '\0');
  while (const std::size_t got = std::fread(block.data(), 1, block.size(), file.get())) {
    XXH3_64bits_update(state.get(), block.data(), got);
    identity.size_bytes += got;
  }
  if (std::ferror(file.get()) != 0) throw Error(ErrorCode::IoError, "could not read file \"" + path + "\"");
  identity.hash = fmt::format("{:016x}", XXH3_64bits_digest(state.get()));
  return identity;
}

}  // namespace tickstone::cli
