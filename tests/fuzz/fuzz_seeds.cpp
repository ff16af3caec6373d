// SPDX-License-Identifier: Apache-2.0
// Writes the inputs that fuzzing starts from: fuzz_seeds <directory>.
#include <cstdio>
#include <filesystem>
#include <string>

#include <tickstone/error.hpp>

#include "storage/segment.hpp"
#include "storage/test/column_samples.hpp"
#include "storage/test/segment_fixture.hpp"

namespace {

using namespace tickstone;
using namespace tickstone::storage;

/// A plain table of every physical type, its values as `ColumnSampler` makes them.
void write_any_segment(const std::filesystem::path& path, std::uint64_t seed) {
  ColumnSampler sampler(seed);
  TableSchema schema;
  schema.id = 20003;
  schema.name = "any";
  ColumnId id = 0;
  for (const TypeId type : {TypeId::Boolean, TypeId::SmallInt, TypeId::Integer, TypeId::BigInt,
                            TypeId::Numeric, TypeId::Uuid, TypeId::Real, TypeId::Double, TypeId::Text}) {
    schema.columns.push_back({++id, "c" + std::to_string(id), SqlType::of(type), false});
  }
  const std::size_t rows = 1 + sampler.below(40);
  Batch batch = empty_batch(schema);
  for (std::size_t c = 0; c < schema.columns.size(); ++c) {
    const auto& type = schema.columns[c].type;
    batch.columns[c] = sampler.column(type, initial_layout(type), rows, sampler.below(4));
  }
  for (std::size_t row = 0; row < rows; ++row) batch.columns.back().append_fixed<std::int64_t>(row);
  auto writer = SegmentWriter::create(posix_file_system(), path, schema, 16);
  writer->append(batch);
  writer->finish();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: fuzz_seeds <directory>\n", stderr);
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  std::filesystem::create_directories(directory);
  try {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      write_any_segment(directory / ("any" + std::to_string(seed) + ".seg"), seed);
    }
    for (const int rows : {1, 20, 100}) {
      auto writer = SegmentWriter::create(
          posix_file_system(), directory / ("bars" + std::to_string(rows) + ".seg"), bars_schema(), 64);
      writer->append(make_bars(3, rows));
      writer->finish();
    }
  } catch (const Error& error) {  // Boundary: the program's end
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
