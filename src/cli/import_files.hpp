// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tickstone::cli {

/// What was asked to be imported, as files: directories become the files below them and patterns (`*`, `?`,
/// `[...]`) those that match, in the order of their names; a file that comes twice is one. What looks like a
/// reject file of an import before is not taken from a directory or by a pattern. Errors: UndefinedFile.
std::vector<std::string> find_files(const std::vector<std::string>& paths);

/// What tells a file from others wherever it lies: an import of the same is done once.
struct FileIdentity {
  std::string name;  // without its directory
  std::uint64_t size_bytes = 0;
  std::string hash;  // XXH3 of its bytes, 64 bits, as xxhsum -H3 prints it
};

/// Cost: reads the file. Errors: UndefinedFile, IoError.
FileIdentity identify(const std::string& path);

}  // namespace tickstone::cli
