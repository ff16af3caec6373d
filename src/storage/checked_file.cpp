// SPDX-License-Identifier: Apache-2.0
#include "storage/checked_file.hpp"

#include <cstring>
#include <string>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/bytes.hpp"
#include "base/checksum.hpp"

namespace tickstone::storage {

namespace {

constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kBodyBytesAt = 16;
constexpr std::size_t kChecksumAt = 24;

template <typename T>
T load(std::span<const std::byte> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

}  // namespace

void write_checked_file(FileSystem& files, const std::filesystem::path& path, const CheckedFormat& format,
                        std::span<const std::byte> body) {
  ByteWriter out;
  out.put_raw(format.magic.data(), format.magic.size());
  out.put(format.versions.newest);
  out.put(std::uint32_t{0});
  out.put(static_cast<std::uint64_t>(body.size()));
  out.put(checksum64(body, checksum64(out.bytes())));
  out.put_bytes(body);
  const auto file = files.open(path, FileSystem::Mode::Create);
  file->write_at(0, out.bytes());
  file->sync_data();
}

CheckedFile read_checked_file(FileSystem& files, const std::filesystem::path& path,
                              const CheckedFormat& format) {
  const auto file = files.open(path, FileSystem::Mode::Read);
  CheckedFile read;
  read.bytes.resize(file->size_bytes());
  read.bytes.resize(file->read_at(0, read.bytes));
  const std::string named = fmt::format("{} \"{}\"", format.name, path.string());
  const auto damaged = [&](std::size_t offset, const std::string& what) {
    return Error(ErrorCode::DataCorrupted, fmt::format("{} is damaged at offset {}", named, offset), what);
  };
  const std::span<const std::byte> bytes = read.bytes;
  if (bytes.size() < kCheckedHeaderBytes) throw damaged(bytes.size(), "the file is too short");
  if (std::memcmp(bytes.data(), format.magic.data(), format.magic.size()) != 0) {
    throw damaged(0, fmt::format("this is no {}", format.name));
  }
  if (read.body().size() != load<std::uint64_t>(bytes, kBodyBytesAt)) {
    throw damaged(bytes.size(), "the file is not as long as its header says");
  }
  if (checksum64(read.body(), checksum64(bytes.first(kChecksumAt))) !=
      load<std::uint64_t>(bytes, kChecksumAt)) {
    throw damaged(kCheckedHeaderBytes, "the checksum does not match");
  }
  // Every version keeps this header, so that one can be told from damage.
  read.version = load<std::uint32_t>(bytes, kVersionAt);
  check_format_version(named, read.version, format.versions);
  return read;
}

}  // namespace tickstone::storage
