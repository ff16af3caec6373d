// SPDX-License-Identifier: Apache-2.0
#include "storage/format_version.hpp"

#include <fmt/format.h>

#include <tickstone/error.hpp>

namespace tickstone::storage {

void check_format_version(const std::string& what, std::uint32_t version, FormatVersions readable) {
  if (version > readable.newest) {
    throw Error(
        ErrorCode::FeatureNotSupported,
        fmt::format("{} has format version {}, this program reads up to {}", what, version, readable.newest),
        {}, "Open the data directory with a newer program.");
  }
  if (version < readable.oldest) {
    throw Error(ErrorCode::FeatureNotSupported,
                fmt::format("{} has format version {}, this program reads from {} on", what, version,
                            readable.oldest),
                {},
                "Open the data directory with the program that wrote it, and copy its tables to a new one.");
  }
}

}  // namespace tickstone::storage
