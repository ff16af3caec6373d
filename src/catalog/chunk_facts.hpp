// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"

namespace tickstone::catalog {

/// Chunks have no row in pg_class; their OIDs lie above those of all objects.
inline constexpr Oid kFirstChunkOid = 0x8000'0000U;
inline constexpr std::string_view kChunkSchema = "_timescaledb_internal";

/// A chunk of a hypertable or continuous aggregate.
struct Chunk {
  const RelationObject* relation = nullptr;
  storage::ChunkInfo info;
  Oid oid() const { return kFirstChunkOid | info.number; }
  std::string name() const;    // _hyper_1_12_chunk
  std::string schema() const;  // _timescaledb_internal, unless the hypertable was made otherwise
  /// compress_chunk or a policy said so. Its rows are in segments then, but for those written since.
  bool is_compressed() const;
};

bool has_chunks(const RelationObject& relation);
/// By time.
std::vector<Chunk> chunks_of(const RelationObject& relation, const storage::ReadView& view);
std::optional<Chunk> find_chunk(const Catalog& catalog, const storage::ReadView& view, Oid oid);
std::optional<Chunk> find_chunk(const Catalog& catalog, const storage::ReadView& view,
                                std::string_view schema, std::string_view name);

/// The column that chunks divide; nullptr where there is none.
const ColumnObject* time_column_of(const RelationObject& relation, const storage::ReadView& view);
/// The name under which TimescaleDB shows the hypertable behind a relation: the relation's own, or that of an
/// aggregate's materialization.
std::pair<std::string, std::string> hypertable_name(const Catalog& catalog, const RelationObject& relation);

/// What a row of the relation takes on average in PostgreSQL, in the heap and in all indexes: from a sample
/// of the rows. 0 where there are none. Cost: reads one batch.
struct PlainBytes {
  double row = 0, index = 0;
};
PlainBytes plain_bytes(const RelationObject& relation, const storage::ReadView& view);
double plain_row_bytes(const RelationObject& relation, const storage::ReadView& view);

struct CompressionSizes {
  std::int64_t chunks = 0, compressed_chunks = 0;
  // Of the compressed ones.
  std::int64_t before_bytes = 0, before_index_bytes = 0, after_bytes = 0;
};
CompressionSizes compression_sizes(const RelationObject& relation, const storage::ReadView& view);

/// `1234 bytes`, `12 kB`, as pg_size_pretty prints it.
std::string pretty_size(std::int64_t bytes);

}  // namespace tickstone::catalog
