// SPDX-License-Identifier: Apache-2.0
#include "storage/manifest.hpp"

#include <cstring>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/checksum.hpp"
#include "storage/schema_codec.hpp"

namespace tickstone::storage {

namespace {

constexpr char kMagic[8] = {'T', 'I', 'C', 'K', 'M', 'A', 'N', '1'};
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kHeaderBytes =
    32;  // magic, u32 version, u32 zero, u64 body bytes, u64 checksum of both

void put_table(const ManifestTable& table, ByteWriter& out) {
  put_schema(table.schema, out);
  put_layout(table.layout, out);
  out.put(static_cast<std::uint32_t>(table.defaults.size()));
  for (const auto& [column, value] : table.defaults) {
    out.put(column);
    put_value(value, out);
  }
  out.put(table.next_row_id);
  out.put(static_cast<std::uint32_t>(table.chunks.size()));
  for (const auto& chunk : table.chunks) {
    out.put(chunk.number);
    out.put(chunk.range.start);
    out.put(chunk.range.end);
    out.put(static_cast<std::uint32_t>(chunk.segments.size()));
    for (const auto& segment : chunk.segments) {
      out.put(segment.number);
      out.put(segment.newest);
      out.put(segment.level);
      out.put(segment.row_count);
      out.put(segment.size_bytes);
      put_list(segment.ended_rows, out);
    }
  }
}

ManifestTable get_table(ByteReader& in, std::uint32_t version) {
  ManifestTable table;
  table.schema = get_schema(in);
  table.layout = get_layout(in);
  if (table.layout.columns.size() != table.schema.columns.size()) {
    throw Error(ErrorCode::DataCorrupted, "a table has other columns than layouts");
  }
  const auto defaults = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < defaults; ++i) {
    const auto column = in.get<ColumnId>();
    table.defaults.emplace_back(column, get_value(in));
  }
  table.next_row_id = in.get<std::int64_t>();
  const auto chunks = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < chunks; ++i) {
    ManifestChunk chunk;
    chunk.number = in.get<std::uint32_t>();
    chunk.range.start = in.get<std::int64_t>();
    chunk.range.end = in.get<std::int64_t>();
    const auto segments = in.get<std::uint32_t>();
    for (std::uint32_t s = 0; s < segments; ++s) {
      ManifestSegment segment;
      segment.number = in.get<std::uint64_t>();
      segment.newest = in.get<CommitSeq>();
      if (version >= 2) segment.level = in.get<std::uint8_t>();
      segment.row_count = in.get<std::uint64_t>();
      segment.size_bytes = in.get<std::uint64_t>();
      segment.ended_rows = get_list<std::uint64_t>(in);
      chunk.segments.push_back(std::move(segment));
    }
    table.chunks.push_back(std::move(chunk));
  }
  return table;
}

Manifest get_manifest(std::span<const std::byte> body, std::uint32_t version) {
  ByteReader in(body, "manifest");
  Manifest manifest;
  manifest.seq = in.get<CommitSeq>();
  manifest.first_log_file = in.get<std::uint64_t>();
  manifest.next_segment = in.get<std::uint64_t>();
  manifest.next_chunk = in.get<std::uint32_t>();
  const auto sequences = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < sequences; ++i) manifest.sequences.push_back(get_sequence(in));
  const auto tables = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < tables; ++i) manifest.tables.push_back(get_table(in, version));
  if (!in.at_end()) throw Error(ErrorCode::DataCorrupted, "bytes are left over");
  return manifest;
}

}  // namespace

void write_manifest(FileSystem& files, const std::filesystem::path& directory, const Manifest& manifest,
                    const std::function<void()>& before_rename) {
  ByteWriter body;
  body.put(manifest.seq);
  body.put(manifest.first_log_file);
  body.put(manifest.next_segment);
  body.put(manifest.next_chunk);
  body.put(static_cast<std::uint32_t>(manifest.sequences.size()));
  for (const auto& sequence : manifest.sequences) put_sequence(sequence, body);
  body.put(static_cast<std::uint32_t>(manifest.tables.size()));
  for (const auto& table : manifest.tables) put_table(table, body);

  ByteWriter out;
  out.put_raw(kMagic, sizeof(kMagic));
  out.put(kVersion);
  out.put(std::uint32_t{0});
  out.put(static_cast<std::uint64_t>(body.size()));
  out.put(checksum64(body.bytes(), checksum64(out.bytes())));
  out.put_bytes(body.bytes());

  const auto temporary = directory / kNewManifestName;
  if (files.exists(temporary)) files.remove(temporary);
  {
    const auto file = files.open(temporary, FileSystem::Mode::Create);
    file->write_at(0, out.bytes());
    file->sync_data();
  }
  before_rename();
  files.rename(temporary, directory / kManifestName);
  files.sync_directory(directory);
}

std::optional<Manifest> read_manifest(FileSystem& files, const std::filesystem::path& directory) {
  const auto path = directory / kManifestName;
  if (!files.exists(path)) return std::nullopt;
  const auto file = files.open(path, FileSystem::Mode::Read);
  std::vector<std::byte> bytes(file->size_bytes());
  bytes.resize(file->read_at(0, bytes));
  auto damaged = [&](std::size_t offset, const std::string& what) {
    return Error(ErrorCode::DataCorrupted,
                 fmt::format("manifest \"{}\" is damaged at offset {}", path.string(), offset), what);
  };
  if (bytes.size() < kHeaderBytes) throw damaged(bytes.size(), "the file is too short");
  if (std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0) throw damaged(0, "this is no manifest");
  std::uint32_t version = 0;
  std::memcpy(&version, bytes.data() + 8, sizeof(version));
  if (version > kVersion) {
    throw Error(ErrorCode::FeatureNotSupported,
                fmt::format("data directory \"{}\" has format version {}, this program reads up to {}",
                            directory.string(), version, kVersion),
                {}, "Open it with a newer program.");
  }
  std::uint64_t body_bytes = 0;
  std::uint64_t checksum = 0;
  std::memcpy(&body_bytes, bytes.data() + 16, sizeof(body_bytes));
  std::memcpy(&checksum, bytes.data() + 24, sizeof(checksum));
  const auto body = std::span<const std::byte>(bytes).subspan(kHeaderBytes);
  if (body.size() != body_bytes) throw damaged(bytes.size(), "the file is not as long as its header says");
  if (checksum64(body, checksum64(std::span<const std::byte>(bytes).first(24))) != checksum) {
    throw damaged(kHeaderBytes, "the checksum does not match");
  }
  try {
    return get_manifest(body, version);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::DataCorrupted) throw damaged(kHeaderBytes, error.message());
    throw;
  }
}

}  // namespace tickstone::storage
