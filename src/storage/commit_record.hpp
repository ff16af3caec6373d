// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "storage/log.hpp"
#include "storage/schema.hpp"
#include "types/column.hpp"
#include "types/value.hpp"

namespace tickstone::storage {

/// Rows as the log holds them.
struct LoggedRows {
  TableId table = 0;
  std::vector<ColumnId> columns;  // of `rows`; kRowIdColumn last where the table has row ids
  std::uint32_t part = 0;         // which run of the transaction's rows they belong to,
  std::uint32_t first_row = 0;    // and the number in it of the first
  Batch rows;
};
void put_logged_rows(const LoggedRows& rows, ByteWriter& out);
LoggedRows get_logged_rows(ByteReader& in);

/// The effect of a transaction on one table; applied in the order of the members.
struct LoggedTable {
  enum class Ddl : std::uint8_t { None = 0, Create = 1, Alter = 2, Drop = 3 };
  TableId table = 0;
  Ddl ddl = Ddl::None;
  TableSchema schema;  // of Create and Alter
  std::vector<std::pair<ColumnId, Value>> defaults;
  bool is_truncated = false;
  std::vector<std::int64_t> dropped_chunks;  // starts of their ranges
  std::vector<MadeChunk> made_chunks;
  Batch erased_keys;  // columns as `key_columns`
  struct Part {       // rows that stand in Rows records of the transaction, all but some
    std::uint32_t part = 0;
    std::vector<std::uint32_t> without;  // ascending
  };
  struct Segment {  // rows that stand in a segment of their own, all but some
    std::uint64_t number = 0;
    std::uint64_t row_count = 0;
    std::uint64_t size_bytes = 0;
    std::vector<std::uint64_t> without;  // ascending
  };
  std::vector<Segment> segments;  // their keys are new; what they replace is among the erased
  std::vector<Part> earlier;
  std::vector<LoggedRows> rows;  // each replaces the row with its key
};

struct CommitRecord {
  std::uint64_t transaction = 0;
  std::int64_t time_us = kUnknownTime;  // of the commit; not said in older records
  std::uint32_t first_chunk = 0;        // number of the first chunk that it makes, if any
  std::vector<LoggedTable> tables;
};
/// As the body of a `TimedCommit`.
void put_commit(const CommitRecord& commit, ByteWriter& out);
/// The same of a commit that writes rows to tables, by ascending numbers, and does nothing else.
struct RowsOfTable {
  const TableSchema* schema = nullptr;
  const Batch* rows = nullptr;  // columns as the schema's, and the row id where it has no primary key
};
void put_row_commit(std::uint64_t transaction, std::int64_t time_us, std::span<const RowsOfTable> tables,
                    ByteWriter& out);
/// Writes `first_chunk` into a body, where that is known late.
void set_first_chunk(std::span<std::byte> body, std::uint32_t first_chunk);
/// `kind`: one of the three of commits.
CommitRecord get_commit(ByteReader& in, LogRecordKind kind);

struct SequenceRecord {
  enum class Kind : std::uint8_t { Reserve = 0, Drop = 1 };
  Kind kind = Kind::Reserve;
  TableId sequence = 0;
  std::int64_t next = 0;  // after a crash
  std::int64_t increment = 1;
  bool has_last = false;
  std::int64_t last = 0;  // given out last, as far as known
};
void put_sequence(const SequenceRecord& record, ByteWriter& out);
SequenceRecord get_sequence(ByteReader& in);

}  // namespace tickstone::storage
