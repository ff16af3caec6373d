// SPDX-License-Identifier: Apache-2.0
#include "engine/temporary_files.hpp"

#include <system_error>

#include <tickstone/error.hpp>

namespace tickstone::engine {

std::string make_temporary_directory(const std::filesystem::path& data_directory) {
  namespace fs = std::filesystem;
  const auto directory = fs::absolute(data_directory) / "tmp";
  std::error_code failed;
  fs::remove_all(directory, failed);
  if (!failed) fs::create_directory(directory, failed);
  if (!failed) fs::permissions(directory, fs::perms::owner_all, failed);
  if (failed) {
    throw Error(ErrorCode::IoError, "could not make directory \"" + directory.string() + "\"",
                failed.message());
  }
  return directory.string();
}

}  // namespace tickstone::engine
