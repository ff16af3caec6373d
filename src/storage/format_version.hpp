// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace tickstone::storage {

/// Which versions of a file's format this program reads; it writes the newest.
struct FormatVersions {
  std::uint32_t oldest = 1;
  std::uint32_t newest = 1;
};

/// Errors: FeatureNotSupported for a version outside of `readable`, naming both. `what` is what has it:
/// `manifest "x"`.
void check_format_version(const std::string& what, std::uint32_t version, FormatVersions readable);

}  // namespace tickstone::storage
