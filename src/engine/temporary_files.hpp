// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace tickstone::engine {

/// Makes the private directory that queries spill to, and removes what a process that was killed left in it.
/// The data directory must be locked. Errors: IoError, InsufficientPrivilege.
std::string make_temporary_directory(const std::filesystem::path& data_directory);

}  // namespace tickstone::engine
