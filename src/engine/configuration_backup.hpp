// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tickstone::engine {

/// What a server on `data_directory` is configured with, as far as it lies there, by names relative to it:
/// postgresql.conf or `file` (which may be empty), postgresql.auto.conf, what they include, and TLS
/// certificates and keys. Files with errors are taken as well.
std::vector<std::string> files_of_configuration(const std::filesystem::path& data_directory,
                                                const std::filesystem::path& file);

}  // namespace tickstone::engine
