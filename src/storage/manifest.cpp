// SPDX-License-Identifier: Apache-2.0
#include "storage/manifest.hpp"

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "storage/checked_file.hpp"
#include "storage/schema_codec.hpp"

namespace tickstone::storage {

namespace {

constexpr CheckedFormat kFormat{
    {'T', 'I', 'C', 'K', 'M', 'A', 'N', '1'}, {.oldest = 1, .newest = 3}, "manifest"};

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
    out.put(chunk.label);
    out.put(chunk.created_us);
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
    chunk.number = chunk.label = in.get<std::uint32_t>();
    if (version >= 3) {
      chunk.label = in.get<std::uint32_t>();
      chunk.created_us = in.get<std::int64_t>();
    }
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

  const auto temporary = directory / kNewManifestName;
  if (files.exists(temporary)) files.remove(temporary);
  write_checked_file(files, temporary, kFormat, body.bytes());
  before_rename();
  files.rename(temporary, directory / kManifestName);
  files.sync_directory(directory);
}

std::optional<Manifest> read_manifest(FileSystem& files, const std::filesystem::path& directory) {
  const auto path = directory / kManifestName;
  if (!files.exists(path)) return std::nullopt;
  const auto file = read_checked_file(files, path, kFormat);
  try {
    return get_manifest(file.body(), file.version);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::DataCorrupted) throw;
    throw Error(ErrorCode::DataCorrupted,
                fmt::format("manifest \"{}\" is damaged at offset {}", path.string(), kCheckedHeaderBytes),
                error.message());
  }
}

}  // namespace tickstone::storage
