// SPDX-License-Identifier: Apache-2.0
#include "storage/commit_record.hpp"

#include <cstdint>
#include <cstring>

#include "base/fixed_bytes.hpp"
#include "storage/schema_codec.hpp"

namespace tickstone::storage {

namespace {

void check_row_ids(const ColumnView& ids) {
  bool is_right = ids.type == SqlType::of(TypeId::BigInt) && ids.layout.physical == Physical::Int64;
  for (std::size_t row = 0; is_right && row < ids.size; ++row) {
    is_right = !ids.is_null(row) && ids.fixed<std::int64_t>(row) != INT64_MAX;
  }
  if (!is_right) throw Error(ErrorCode::DataCorrupted, "logged rows have row ids that are none");
}

}  // namespace

void put_logged_rows(const LoggedRows& rows, ByteWriter& out) {
  out.put(rows.table);
  out.put(rows.part);
  out.put(rows.first_row);
  put_list(rows.columns, out);
  encode_batch(rows.rows, out);
}

LoggedRows get_logged_rows(ByteReader& in) {
  LoggedRows rows;
  rows.table = in.get<TableId>();
  rows.part = in.get<std::uint32_t>();
  rows.first_row = in.get<std::uint32_t>();
  rows.columns = get_list<ColumnId>(in);
  rows.rows = decode_batch(in);
  // Every row has a column, be it the row id: without one, their number would be bounded by nothing.
  if (rows.columns.empty() || rows.rows.columns.size() != rows.columns.size()) {
    throw Error(ErrorCode::DataCorrupted, "logged rows have other columns than they name");
  }
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    if (rows.columns[i] == kRowIdColumn) check_row_ids(rows.rows.columns[i].view());
  }
  return rows;
}

void set_first_chunk(std::span<std::byte> body, std::uint32_t first_chunk) {
  constexpr std::size_t kAt = sizeof(CommitRecord::transaction) + sizeof(CommitRecord::time_us);
  std::memcpy(body.subspan(kAt, sizeof(first_chunk)).data(), &first_chunk, sizeof(first_chunk));
}

void put_commit(const CommitRecord& commit, ByteWriter& out) {
  out.put(commit.transaction);
  out.put(commit.time_us);
  out.put(commit.first_chunk);
  out.put(static_cast<std::uint32_t>(commit.tables.size()));
  for (const auto& table : commit.tables) {
    out.put(table.table);
    out.put(static_cast<std::uint8_t>(table.ddl));
    if (table.ddl == LoggedTable::Ddl::Create || table.ddl == LoggedTable::Ddl::Alter) {
      put_schema(table.schema, out);
      out.put(static_cast<std::uint32_t>(table.defaults.size()));
      for (const auto& [column, value] : table.defaults) {
        out.put(column);
        put_value(value, out);
      }
    }
    out.put(static_cast<std::uint8_t>(table.is_truncated ? 1 : 0));
    put_list(table.dropped_chunks, out);
    out.put(static_cast<std::uint32_t>(table.made_chunks.size()));
    for (const auto& made : table.made_chunks) {
      out.put(made.range.start);
      out.put(made.range.end);
      out.put(made.label);
      out.put(made.created_us);
    }
    const bool has_erased = table.erased_keys.row_count() > 0;
    out.put(static_cast<std::uint8_t>(has_erased ? 1 : 0));
    if (has_erased) encode_batch(table.erased_keys, out);
    out.put(static_cast<std::uint32_t>(table.segments.size()));
    for (const auto& segment : table.segments) {
      out.put(segment.number);
      out.put(segment.row_count);
      out.put(segment.size_bytes);
      put_list(segment.without, out);
    }
    out.put(static_cast<std::uint32_t>(table.earlier.size()));
    for (const auto& part : table.earlier) {
      out.put(part.part);
      put_list(part.without, out);
    }
    out.put(static_cast<std::uint32_t>(table.rows.size()));
    for (const auto& rows : table.rows) put_logged_rows(rows, out);
  }
}

void put_row_commit(std::uint64_t transaction, std::int64_t time_us, std::span<const RowsOfTable> tables,
                    ByteWriter& out) {
  constexpr std::size_t kTableBytes = 64;   // of what stands before the columns, or more
  constexpr std::size_t kColumnBytes = 40;  // of its id, its head and its ends, or more
  std::size_t bytes = kTableBytes;
  for (const auto& [schema, rows] : tables)
    bytes += kTableBytes + rows->columns.size() * kColumnBytes + rows->memory_bytes();
  out.reserve(bytes);
  FixedBytes<32> head;
  head.put(transaction);
  head.put(time_us);
  head.put(std::uint32_t{0});  // first chunk: set later
  head.put(static_cast<std::uint32_t>(tables.size()));
  out.put_bytes(head.bytes());
  for (const auto& [schema, rows] : tables) {
    FixedBytes<kTableBytes> table;
    table.put(schema->id);
    table.put(static_cast<std::uint8_t>(LoggedTable::Ddl::None));
    table.put(std::uint8_t{0});   // not truncated
    table.put(std::uint32_t{0});  // dropped chunks
    table.put(std::uint32_t{0});  // made chunks
    table.put(std::uint8_t{0});   // no keys erased
    table.put(std::uint32_t{0});  // segments
    table.put(std::uint32_t{0});  // rows logged earlier
    table.put(std::uint32_t{1});  // runs of rows
    table.put(schema->id);
    table.put(std::uint32_t{0});  // part
    table.put(std::uint32_t{0});  // first row
    table.put(static_cast<std::uint32_t>(rows->columns.size()));
    out.put_bytes(table.bytes());
    for (const auto& column : schema->columns) out.put(column.id);
    if (schema->primary_key.empty()) out.put(kRowIdColumn);
    encode_batch(*rows, out);
  }
}

CommitRecord get_commit(ByteReader& in, LogRecordKind kind) {
  CommitRecord commit;
  commit.transaction = in.get<std::uint64_t>();
  const bool is_timed = kind == LogRecordKind::TimedCommit;
  if (is_timed) {
    commit.time_us = in.get<std::int64_t>();
    commit.first_chunk = in.get<std::uint32_t>();
  }
  const auto count = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < count; ++i) {
    LoggedTable table;
    table.table = in.get<TableId>();
    const auto ddl = in.get<std::uint8_t>();
    if (ddl > static_cast<std::uint8_t>(LoggedTable::Ddl::Drop)) {
      throw Error(ErrorCode::DataCorrupted, "a commit makes an unknown change of a table");
    }
    table.ddl = static_cast<LoggedTable::Ddl>(ddl);
    if (table.ddl == LoggedTable::Ddl::Create || table.ddl == LoggedTable::Ddl::Alter) {
      table.schema = get_schema(in);
      const auto defaults = in.get<std::uint32_t>();
      for (std::uint32_t d = 0; d < defaults; ++d) {
        const auto column = in.get<ColumnId>();
        table.defaults.emplace_back(column, get_value(in));
      }
    }
    table.is_truncated = in.get<std::uint8_t>() != 0;
    table.dropped_chunks = get_list<std::int64_t>(in);
    const auto made_chunks = is_timed ? in.get<std::uint32_t>() : 0;
    for (std::uint32_t m = 0; m < made_chunks; ++m) {
      MadeChunk made;
      made.range.start = in.get<std::int64_t>();
      made.range.end = in.get<std::int64_t>();
      made.label = in.get<std::uint32_t>();
      made.created_us = in.get<std::int64_t>();
      if (made.range.start >= made.range.end)
        throw Error(ErrorCode::DataCorrupted, "a commit makes a chunk without a range");
      table.made_chunks.push_back(made);
    }
    if (in.get<std::uint8_t>() != 0) {
      table.erased_keys = decode_batch(in);
      if (table.erased_keys.columns.empty()) {
        throw Error(ErrorCode::DataCorrupted, "a commit erases keys without columns");
      }
    }
    if (kind != LogRecordKind::Commit) {
      const auto segments = in.get<std::uint32_t>();
      for (std::uint32_t s = 0; s < segments; ++s) {
        LoggedTable::Segment segment;
        segment.number = in.get<std::uint64_t>();
        segment.row_count = in.get<std::uint64_t>();
        segment.size_bytes = in.get<std::uint64_t>();
        segment.without = get_list<std::uint64_t>(in);
        table.segments.push_back(std::move(segment));
      }
    }
    const auto earlier = in.get<std::uint32_t>();
    for (std::uint32_t e = 0; e < earlier; ++e) {
      LoggedTable::Part part;
      part.part = in.get<std::uint32_t>();
      part.without = get_list<std::uint32_t>(in);
      table.earlier.push_back(std::move(part));
    }
    const auto runs = in.get<std::uint32_t>();
    for (std::uint32_t r = 0; r < runs; ++r) table.rows.push_back(get_logged_rows(in));
    commit.tables.push_back(std::move(table));
  }
  return commit;
}

void put_sequence(const SequenceRecord& record, ByteWriter& out) {
  out.put(static_cast<std::uint8_t>(record.kind));
  out.put(record.sequence);
  out.put(record.next);
  out.put(record.increment);
  out.put(static_cast<std::uint8_t>(record.has_last ? 1 : 0));
  out.put(record.last);
}

SequenceRecord get_sequence(ByteReader& in) {
  SequenceRecord record;
  const auto kind = in.get<std::uint8_t>();
  if (kind > 1) throw Error(ErrorCode::DataCorrupted, "unknown change of a sequence");
  record.kind = static_cast<SequenceRecord::Kind>(kind);
  record.sequence = in.get<TableId>();
  record.next = in.get<std::int64_t>();
  record.increment = in.get<std::int64_t>();
  record.has_last = in.get<std::uint8_t>() != 0;
  record.last = in.get<std::int64_t>();
  return record;
}

}  // namespace tickstone::storage
