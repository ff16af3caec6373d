// SPDX-License-Identifier: Apache-2.0
#include "catalog/chunk_facts.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "catalog/object_names.hpp"
#include "catalog/system_rows.hpp"
#include "catalog/type_facts.hpp"

namespace tickstone::catalog {

std::string Chunk::name() const { return chunk_name(*relation, info.number); }

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
                                std::string_view name) {
  if (!name.starts_with("_hyper_")) return std::nullopt;
  return find_chunk_if(catalog, view, [&](const Chunk& chunk) { return chunk.name() == name; });
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

double plain_row_bytes(const RelationObject& relation, const storage::ReadView& view) {
  const storage::TableSchema* schema = view.schema(relation.table());
  if (schema == nullptr) return 0;
  storage::ScanRequest request;
  request.table = relation.table();
  double fixed_bytes = kTupleOverheadBytes;
  for (const auto& column : schema->columns) {
    const TypeFacts* type = find_type_facts(oid_of(column.type));
    if (type != nullptr && type->length > 0) {
      fixed_bytes += type->length;
    } else {
      request.columns.push_back(column.id);
    }
  }
  if (request.columns.empty()) return fixed_bytes;
  const auto scan = view.scan(request);
  const auto state = scan->make_state();
  storage::ScanBatch batch;
  if (!scan->read(*state, batch)) return 0;
  double sum = 0;
  for (const ColumnView& column : batch.columns) {
    for (std::size_t row = 0; row < batch.row_count; ++row) {
      if (!column.is_null(row)) sum += plain_value_bytes(column, row);
    }
  }
  return fixed_bytes + sum / static_cast<double>(batch.row_count);
}

CompressionSizes compression_sizes(const RelationObject& relation, const storage::ReadView& view) {
  CompressionSizes sizes;
  double before = 0;
  double row_bytes = -1;
  for (const Chunk& chunk : chunks_of(relation, view)) {
    ++sizes.chunks;
    if (!chunk.is_compressed()) continue;
    if (row_bytes < 0) row_bytes = plain_row_bytes(relation, view);
    ++sizes.compressed_chunks;
    before += row_bytes * static_cast<double>(chunk.info.rows_sealed);
    sizes.after_bytes += static_cast<std::int64_t>(chunk.info.bytes_on_disk);
  }
  sizes.before_bytes = static_cast<std::int64_t>(before);
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
