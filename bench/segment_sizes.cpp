// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a closed store's segments go: a line a table and column, in bytes a row.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "storage/segment.hpp"
#include "storage/segment_format.hpp"

namespace {

using namespace tickstone::storage;

struct ColumnTotal {
  std::string name;
  std::uint64_t block_bytes = 0;
  std::uint64_t filter_bytes = 0;
};

struct TableTotal {
  std::string name;
  std::uint64_t rows = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t segments = 0;
  std::map<ColumnId, ColumnTotal> columns;
};

void print(const TableTotal& table) {
  const auto per_row = [&](std::uint64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(table.rows);
  };
  std::printf("%s: %lu rows, %lu segments, %lu bytes, %.3f bytes a row\n", table.name.c_str(), table.rows,
              table.segments, table.file_bytes, per_row(table.file_bytes));
  std::uint64_t rest = table.file_bytes;
  for (const auto& [id, column] : table.columns) {
    std::printf("  %-24s %8.3f", column.name.c_str(), per_row(column.block_bytes));
    if (column.filter_bytes != 0) std::printf("  and filters %.3f", per_row(column.filter_bytes));
    std::printf("\n");
    rest -= column.block_bytes + column.filter_bytes;
  }
  std::printf("  %-24s %8.3f\n", "(header, footer)", per_row(rest));
}

void run(const std::filesystem::path& directory) {
  std::map<TableId, TableTotal> tables;
  const auto cache = make_block_cache(0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.path().extension() != ".seg") continue;
    const auto segment = Segment::open(posix_file_system(), entry.path(), cache);
    if (segment->schema().id < kFirstUserTable) continue;
    TableTotal& table = tables[segment->schema().id];
    table.name = segment->schema().name;
    table.rows += segment->row_count();
    table.file_bytes += segment->size_bytes();
    ++table.segments;
    for (const auto& column : stored_columns(segment->schema())) {
      const auto size = segment->column_size(column.id);
      ColumnTotal& total = table.columns[column.id];
      total.name = column.name;
      total.block_bytes += size.block_bytes;
      total.filter_bytes += size.filter_bytes;
    }
  }
  for (const auto& [id, table] : tables) print(table);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: segment_sizes DIRECTORY\n");
    return 2;
  }
  try {
    run(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "segment_sizes: %s\n", error.what());
    return 1;
  }
  return 0;
}
