// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "storage/file_system.hpp"
#include "storage/manifest.hpp"
#include "storage/sealed_segment.hpp"

namespace tickstone::storage {

/// All that one commit needs to be read from disk: the manifest, the log from there on, and the segments that
/// either names. The files stay readable as long as this does, whatever becomes of their names.
struct PinnedStore {
  CommitSeq seq = 0;
  Manifest manifest;
  std::map<std::uint64_t, std::shared_ptr<SealedSegment>> segments;        // by number
  std::vector<std::pair<std::uint64_t, std::unique_ptr<File>>> log_files;  // by number, ascending
  std::uint64_t next_log_file = 1;
};

}  // namespace tickstone::storage
