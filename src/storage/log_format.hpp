// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "storage/format_version.hpp"
#include "storage/log.hpp"

namespace tickstone::storage {

// A log file: a header of 32 bytes, then records to the end.
//
//   header   8 magic "TICKLOG1" | u32 version | u32 end of the file before | u64 file number | u64 checksum
//   of
//            the 24 bytes before
//   record   u32 body bytes | u32 low half of the checksum of the 25 bytes that follow and of the
//   body's size
//            u8 kind | u64 id | u64 durable file | u64 durable offset | u64 checksum of all before it and the
//            body | body
//
// Checksums of records are seeded with the file's number. `durable` is how far the log was synced when the
// record was written: what comes before it was acknowledged and cannot be missing.

inline constexpr FormatVersions kLogVersions{.oldest = 1, .newest = 5};
inline constexpr std::uint64_t kLogHeaderBytes = 32;
inline constexpr std::uint64_t kLogRecordHeaderBytes = 41;

/// `previous_end`: where the records of the file before end, all of them durable; 0 where that is not known.
std::vector<std::byte> log_file_header(std::uint64_t number, std::uint64_t previous_end = 0);
/// True for a whole header of this file. Errors: FeatureNotSupported for a newer version.
bool is_log_file_header(std::span<const std::byte> bytes, std::uint64_t number);
/// What the header at the start of `bytes` says of the file before; 0 where that is not known.
std::uint64_t previous_log_end(std::span<const std::byte> bytes);

struct LogRecordHeader {
  std::uint32_t body_bytes = 0;
  LogRecordKind kind = LogRecordKind::Commit;
  std::uint64_t id = 0;
  LogPosition durable;
  std::uint64_t checksum = 0;
};
void put_log_record(std::vector<std::byte>& out, std::uint64_t file, const LogRecordHeader& header,
                    std::span<const std::byte> body);
/// The header at the start of `bytes`, where it is one.
std::optional<LogRecordHeader> get_log_record_header(std::span<const std::byte> bytes, std::uint64_t file);
/// Whether the record at the start of `bytes` is whole.
bool is_log_record_whole(std::span<const std::byte> bytes, const LogRecordHeader& header, std::uint64_t file);

}  // namespace tickstone::storage
