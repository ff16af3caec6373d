// SPDX-License-Identifier: Apache-2.0
#include "storage/log_format.hpp"

#include <cstring>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/bytes.hpp"
#include "base/checksum.hpp"
#include "base/fixed_bytes.hpp"

namespace tickstone::storage {

namespace {

constexpr char kMagic[8] = {'T', 'I', 'C', 'K', 'L', 'O', 'G', '1'};
constexpr std::size_t kHeaderChecked = 25;  // kind, id and durable position
constexpr std::size_t kChecksumAt = 33;

std::uint32_t header_check(const std::byte* header, std::uint64_t file) {
  std::uint32_t body_bytes = 0;
  std::memcpy(&body_bytes, header, 4);
  return static_cast<std::uint32_t>(
      checksum64({header + 8, kHeaderChecked}, file ^ (std::uint64_t{body_bytes} << 32)));
}

std::uint64_t body_checksum(std::span<const std::byte> header, std::span<const std::byte> body,
                            std::uint64_t file) {
  return checksum64(body, checksum64(header.first(kChecksumAt), file));
}

template <typename T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

}  // namespace

std::string log_file_name(std::uint64_t number) { return fmt::format("{:010}.log", number); }

std::vector<std::byte> log_file_header(std::uint64_t number, std::uint64_t previous_end) {
  ByteWriter out;
  out.put_raw(kMagic, sizeof(kMagic));
  out.put(kLogVersions.newest);
  out.put(static_cast<std::uint32_t>(previous_end > UINT32_MAX ? 0 : previous_end));
  out.put(number);
  out.put(checksum64(out.bytes(), number));
  return out.take();
}

bool is_log_file_header(std::span<const std::byte> bytes, std::uint64_t number) {
  if (bytes.size() < kLogHeaderBytes) return false;
  const auto header = bytes.first(kLogHeaderBytes);
  if (std::memcmp(header.data(), kMagic, sizeof(kMagic)) != 0) return false;
  if (load<std::uint64_t>(header.data() + 24) != checksum64(header.first(24), number)) return false;
  const auto version = load<std::uint32_t>(header.data() + 8);
  check_format_version(fmt::format("log file \"{}\"", log_file_name(number)), version, kLogVersions);
  return true;
}

std::uint64_t previous_log_end(std::span<const std::byte> bytes) {
  return load<std::uint32_t>(bytes.data() + 12);
}

void put_log_record(std::vector<std::byte>& out, std::uint64_t file, const LogRecordHeader& header,
                    std::span<const std::byte> body) {
  FixedBytes<kLogRecordHeaderBytes> bytes;
  bytes.put(static_cast<std::uint32_t>(body.size()));
  bytes.put(std::uint32_t{0});
  bytes.put(static_cast<std::uint8_t>(header.kind));
  bytes.put(header.id);
  bytes.put(header.durable.file);
  bytes.put(header.durable.offset);
  bytes.overwrite(4, header_check(bytes.bytes().data(), file));
  bytes.put(body_checksum(bytes.bytes(), body, file));
  out.reserve(out.size() + kLogRecordHeaderBytes + body.size());
  out.insert(out.end(), bytes.bytes().begin(), bytes.bytes().end());
  out.insert(out.end(), body.begin(), body.end());
}

std::optional<LogRecordHeader> get_log_record_header(std::span<const std::byte> bytes, std::uint64_t file) {
  if (bytes.size() < kLogRecordHeaderBytes) return std::nullopt;
  const auto* at = bytes.data();
  const auto kind = load<std::uint8_t>(at + 8);
  if (kind < 1 || kind > 7) return std::nullopt;
  if (load<std::uint32_t>(at + 4) != header_check(at, file)) return std::nullopt;
  LogRecordHeader header;
  header.body_bytes = load<std::uint32_t>(at);
  header.kind = static_cast<LogRecordKind>(kind);
  header.id = load<std::uint64_t>(at + 9);
  header.durable = {load<std::uint64_t>(at + 17), load<std::uint64_t>(at + 25)};
  header.checksum = load<std::uint64_t>(at + kChecksumAt);
  return header;
}

bool is_log_record_whole(std::span<const std::byte> bytes, const LogRecordHeader& header,
                         std::uint64_t file) {
  if (bytes.size() - kLogRecordHeaderBytes < header.body_bytes) return false;
  const auto body = bytes.subspan(kLogRecordHeaderBytes, header.body_bytes);
  return header.checksum == body_checksum(bytes.first(kLogRecordHeaderBytes), body, file);
}

}  // namespace tickstone::storage
