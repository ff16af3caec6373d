// SPDX-License-Identifier: Apache-2.0
#include "duck/parquet_writer.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "duck/error_translation.hpp"
#include "duck/logical_types.hpp"
#include "duck/scan_vectors.hpp"

namespace tickstone::duck {

namespace {

using duckdb::idx_t;
using duckdb::make_uniq;
using duckdb::unique_ptr;

constexpr const char* kRowsFunction = "tickstone_rows";

/// What the table function reads; outlives the statement.
struct RowsInfo : duckdb::TableFunctionInfo {
  const std::vector<ResultColumn>* columns = nullptr;
  const std::function<bool(Batch&)>* next = nullptr;
};

struct RowsBindData : duckdb::TableFunctionData {
  const RowsInfo* info = nullptr;
};

struct RowsState : duckdb::GlobalTableFunctionState {
  Batch batch;
  std::size_t next_row = 0;
  std::vector<VectorFiller> fillers;
  idx_t MaxThreads() const override { return 1; }
};

constexpr int kNarrowDigits = 18;

ColumnLayout layout_of_column(const SqlType& type) {
  if (type.id != TypeId::Numeric || type.is_array) return initial_layout(type);
  return {type.precision > kNarrowDigits || type.precision < 0 ? Physical::Int128 : Physical::Int64,
          static_cast<std::uint8_t>(type.scale)};
}

unique_ptr<duckdb::FunctionData> bind_rows(duckdb::ClientContext&, duckdb::TableFunctionBindInput& input,
                                           duckdb::vector<duckdb::LogicalType>& types,
                                           duckdb::vector<duckdb::string>& names) {
  auto data = make_uniq<RowsBindData>();
  data->info = &input.info->Cast<RowsInfo>();
  for (const auto& column : *data->info->columns) {
    const auto type = logical_type_of(column.type, layout_of_column(column.type));
    // JSON and the like are texts to who reads the file.
    types.push_back(type.id() == duckdb::LogicalTypeId::VARCHAR ? duckdb::LogicalType::VARCHAR : type);
    names.push_back(column.name);
  }
  return data;
}

unique_ptr<duckdb::GlobalTableFunctionState> init_rows(duckdb::ClientContext&,
                                                       duckdb::TableFunctionInitInput& input) {
  auto state = make_uniq<RowsState>();
  for (const auto& column : *input.bind_data->Cast<RowsBindData>().info->columns) {
    const auto layout = layout_of_column(column.type);
    state->fillers.emplace_back(logical_type_of(column.type, layout), layout);
  }
  return state;
}

void give_rows(duckdb::ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& out) {
  through_duckdb([&] {
    auto& state = input.global_state->Cast<RowsState>();
    const auto& next = *input.bind_data->Cast<RowsBindData>().info->next;
    while (state.next_row == state.batch.row_count()) {
      state.next_row = 0;
      if (!next(state.batch)) {
        state.batch = {};
        out.SetCardinality(0);
        return;
      }
    }
    const std::size_t count =
        std::min<std::size_t>(STANDARD_VECTOR_SIZE, state.batch.row_count() - state.next_row);
    for (std::size_t i = 0; i < state.fillers.size(); ++i)
      state.fillers[i].fill(slice_of(state.batch.columns[i].view(), state.next_row, count), out.data[i]);
    out.SetCardinality(count);
    state.next_row += count;
  });
}

std::string text_literal(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += c;
    out += c;
  }
  return out + "'";
}

const char* codec_name(ParquetCompression compression) {
  switch (compression) {
    case ParquetCompression::None:
      return "uncompressed";
    case ParquetCompression::Snappy:
      return "snappy";
    case ParquetCompression::Gzip:
      return "gzip";
    case ParquetCompression::Zstd:
      return "zstd";
  }
  return "uncompressed";
}

std::uint64_t write(const std::string& path, const std::vector<ResultColumn>& columns,
                    ParquetCompression compression, const std::function<bool(Batch&)>& next) {
  duckdb::DBConfig config;
  config.options.autoload_known_extensions = false;
  config.options.autoinstall_known_extensions = false;
  config.options.use_temporary_directory = false;
  config.options.maximum_threads = 1;  // rows come one batch after the other, and in their order
  duckdb::DuckDB database(nullptr, &config);
  duckdb::TableFunction function(kRowsFunction, {}, give_rows, bind_rows, init_rows);
  auto info = duckdb::make_shared_ptr<RowsInfo>();
  info->columns = &columns;
  info->next = &next;
  function.function_info = info;
  duckdb::ExtensionLoader loader(*database.instance, "tickstone");
  loader.RegisterFunction(function);
  duckdb::Connection connection(database);
  auto result = connection.Query("COPY (SELECT * FROM tickstone_rows()) TO " + text_literal(path) +
                                 " (FORMAT parquet, COMPRESSION " + codec_name(compression) + ")");
  if (result->HasError()) throw translate(result->GetErrorObject());
  return result->GetValue(0, 0).GetValue<std::uint64_t>();
}

}  // namespace

std::uint64_t write_parquet(const std::string& path, const std::vector<ResultColumn>& columns,
                            ParquetCompression compression, const std::function<bool(Batch&)>& next) {
  // Boundary: DuckDB's errors end here.
  try {
    return write(path, columns, compression, next);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& exception) {
    throw translate(duckdb::ErrorData(exception));
  }
}

}  // namespace tickstone::duck
