// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tickstone::server {

/// Writes a new key, readable by its owner alone, and a certificate of it that is its own authority, good for
/// ten years: clients that have the certificate can verify the server by it. `names`: of hosts, or addresses;
/// the first is the common name. Errors: IoError, SystemError.
void write_self_signed_certificate(const std::filesystem::path& certificate_file,
                                   const std::filesystem::path& key_file,
                                   const std::vector<std::string>& names);

}  // namespace tickstone::server
