// SPDX-License-Identifier: Apache-2.0
#include "catalog/chunk_facts.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "catalog/object_names.hpp"
#include "catalog/system_rows.hpp"
#include "catalog/type_facts.hpp"

namespace tickstone::catalog {

std::string Chunk::name() const { return chunk_name(*relation, info.number); }

std::string Chunk::schema() const { return chunk_schema(*relation); }

bool Chunk::is_compressed() const {
  if (!relation->hypertable) return false;
  const auto* note = relation->hypertable->find_note(info.number);
  return note != nullptr && note->is_columnstore;
}

bool has_chunks(const RelationObject& relation) {
  return relation.hypertable.has_value() || relation.kind == RelationKind::ContinuousAggregate;
}

std::vector<Chunk> chunks_of(const RelationObject& relation, const storage::ReadView& view) {
  std::vector<Chunk> chunks;
  if (!has_chunks(relation) || view.schema(relation.table()) == nullptr) return chunks;
  for (const auto& info : view.chunks(relation.table())) chunks.push_back({&relation, info});
  std::sort(chunks.begin(), chunks.end(), [](const Chunk& a, const Chunk& b) {
    return std::pair(a.info.range.start, a.info.number) < std::pair(b.info.range.start, b.info.number);
  });
  return chunks;
}

namespace {

template <typename IsIt>
std::optional<Chunk> find_chunk_if(const Catalog& catalog, const storage::ReadView& view, IsIt is_it) {
  for (const RelationObject* relation : catalog.relations()) {
    for (const Chunk& chunk : chunks_of(*relation, view)) {
      if (is_it(chunk)) return chunk;
    }
  }
  return std::nullopt;
}

/// PostgreSQL's heap: a line pointer, a tuple header, and the values with their alignment left out.
constexpr double kTupleOverheadBytes = 28;
/// A B-tree's entry: its header, keys rounded up to 8 bytes, a line pointer, in pages filled to nine tenths.
constexpr double kIndexTupleOverheadBytes = 8;
constexpr double kLinePointerBytes = 4;
constexpr double kIndexFill = 0.9;
constexpr double kExpressionBytes = 8;

/// What a value takes in PostgreSQL, beside a fixed width.
double plain_value_bytes(const ColumnView& column, std::size_t row) {
  if (column.layout.physical == Physical::Bytes) {
    const auto bytes = static_cast<double>(column.bytes(row).size());
    return bytes + (bytes < 127 ? 1 : 4);
  }
  // numeric: two bytes for four digits on each side of the point, and a short header.
  const Decimal value = trimmed({column.integer(row), column.layout.scale});
  const int whole_digits = std::max(digit_count(value.unscaled) - value.scale, 0);
  return 3 + 2 * ((whole_digits + 3) / 4 + (value.scale + 3) / 4);
}

}  // namespace

std::optional<Chunk> find_chunk(const Catalog& catalog, const storage::ReadView& view, Oid oid) {
  if (oid < kFirstChunkOid) return std::nullopt;
  return find_chunk_if(catalog, view, [&](const Chunk& chunk) { return chunk.oid() == oid; });
}

std::optional<Chunk> find_chunk(const Catalog& catalog, const storage::ReadView& view,
                                std::string_view schema, std::string_view name) {
  // The name ends with the chunk's number.
  constexpr std::string_view kSuffix = "_chunk";
  if (!name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  const auto digits = name.substr(std::min(name.size(), name.find_last_not_of("0123456789") + 1));
  if (digits.empty()) return std::nullopt;
  return find_chunk_if(catalog, view, [&](const Chunk& chunk) {
    return chunk.schema() == schema && std::to_string(chunk.info.number) == digits &&
           chunk.name() == std::string(name) + std::string(kSuffix);
  });
}

const ColumnObject* time_column_of(const RelationObject& relation, const storage::ReadView& view) {
  if (relation.hypertable) {
    for (const auto& dimension : relation.hypertable->dimensions) {
      if (dimension.is_time) return relation.find_column(dimension.column);
    }
  }
  const storage::TableSchema* schema = view.schema(relation.table());
  if (schema == nullptr || !schema->time_column) return nullptr;
  return relation.find_column(*schema->time_column);
}

std::pair<std::string, std::string> hypertable_name(const Catalog& catalog, const RelationObject& relation) {
  if (relation.kind != RelationKind::ContinuousAggregate) {
    return {schema_name(catalog, relation.schema), relation.name};
  }
  const auto id = relation.hypertable ? static_cast<Oid>(relation.hypertable->id) : relation.oid;
  return {std::string(kChunkSchema), fmt::format("_materialized_hypertable_{}", id)};
}

PlainBytes plain_bytes(const RelationObject& relation, const storage::ReadView& view) {
  const storage::TableSchema* schema = view.schema(relation.table());
  if (schema == nullptr) return {};
  storage::ScanRequest request;
  request.table = relation.table();
  std::map<storage::ColumnId, double> widths;
  for (const auto& column : schema->columns) {
    const TypeFacts* type = find_type_facts(oid_of(column.type));
    if (type != nullptr && type->length > 0) {
      widths[column.id] = type->length;
    } else {
      request.columns.push_back(column.id);
    }
  }
  if (!request.columns.empty()) {
    const auto scan = view.scan(request);
    const auto state = scan->make_state();
    storage::ScanBatch batch;
    if (!scan->read(*state, batch)) return {};
    for (std::size_t i = 0; i < request.columns.size(); ++i) {
      double sum = 0;
      for (std::size_t row = 0; row < batch.row_count; ++row) {
        if (!batch.columns[i].is_null(row)) sum += plain_value_bytes(batch.columns[i], row);
      }
      widths[request.columns[i]] = sum / static_cast<double>(batch.row_count);
    }
  }
  PlainBytes bytes;
  bytes.row = kTupleOverheadBytes;
  for (const auto& [id, width] : widths) bytes.row += width;
  for (const auto& index : relation.indexes) {
    double key = kIndexTupleOverheadBytes;
    for (const auto& part : index.keys) {
      const auto found = widths.find(part.column);
      key += found == widths.end() ? kExpressionBytes : found->second;
    }
    bytes.index += (std::ceil(key / 8) * 8 + kLinePointerBytes) / kIndexFill;
  }
  return bytes;
}

double plain_row_bytes(const RelationObject& relation, const storage::ReadView& view) {
  return plain_bytes(relation, view).row;
}

CompressionSizes compression_sizes(const RelationObject& relation, const storage::ReadView& view) {
  CompressionSizes sizes;
  std::uint64_t rows = 0;
  for (const Chunk& chunk : chunks_of(relation, view)) {
    ++sizes.chunks;
    if (!chunk.is_compressed()) continue;
    ++sizes.compressed_chunks;
    rows += chunk.info.rows_sealed;
    sizes.after_bytes += static_cast<std::int64_t>(chunk.info.bytes_on_disk);
  }
  if (rows == 0) return sizes;
  const PlainBytes plain = plain_bytes(relation, view);
  sizes.before_bytes = static_cast<std::int64_t>(plain.row * static_cast<double>(rows));
  sizes.before_index_bytes = static_cast<std::int64_t>(plain.index * static_cast<double>(rows));
  return sizes;
}

std::string pretty_size(std::int64_t bytes) {
  // Halves round away from zero; a unit is left at ten times the next one.
  constexpr std::int64_t kLimit = 10 * 1024;
  const auto magnitude = [](std::int64_t value) { return value < 0 ? -value : value; };
  if (magnitude(bytes) < kLimit) return fmt::format("{} bytes", bytes);
  std::int64_t doubled = bytes / (1 << 9);
  for (const char* unit : {"kB", "MB", "GB", "TB"}) {
    if (magnitude(doubled) < 2 * kLimit - 1) {
      return fmt::format("{} {}", (doubled + (doubled < 0 ? -1 : 1)) / 2, unit);
    }
    doubled /= 1 << 10;
  }
  return fmt::format("{} PB", (doubled + (doubled < 0 ? -1 : 1)) / 2);
}

}  // namespace tickstone::catalog
