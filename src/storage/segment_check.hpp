// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "storage/file_system.hpp"
#include "storage/segment_format.hpp"

namespace tickstone::storage {

/// What is wrong at an offset of the file. What it throws ends the check.
using DamageFound = std::function<void(std::uint64_t offset, const std::string& what)>;

/// Reads every byte of a segment file: header, footer and trailer, each block's checksum and values, the
/// order of rows, and whether first keys, ranges and series directory say what the rows do. Goes on after
/// damage where it can. Returns the footer where it is whole. Errors: what `found` throws; those of reading
/// the file are damage. Cost: memory of one row group.
std::optional<SegmentFooter> check_segment(FileSystem& files, const std::filesystem::path& path,
                                           const DamageFound& found);

}  // namespace tickstone::storage
