// SPDX-License-Identifier: Apache-2.0
#include "duck/parquet_writer.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "duck/error_translation.hpp"
#include "duck/logical_types.hpp"
#include "duck/scan_vectors.hpp"
#include "types/array_value.hpp"
#include "types/decimal.hpp"

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
constexpr std::uint8_t kElementScale = 12;  // of NUMERIC[] without declared digits
constexpr std::uint8_t kMostDigits = 38;

bool is_numeric_list(const SqlType& type) { return type.id == TypeId::Numeric && type.is_array; }

duckdb::LogicalType type_in_file(const SqlType& type, const ColumnLayout& layout) {
  if (!is_numeric_list(type)) return logical_type_of(type, layout);
  const auto scale = type.precision < 0 ? kElementScale : static_cast<std::uint8_t>(type.scale);
  return duckdb::LogicalType::LIST(duckdb::LogicalType::DECIMAL(kMostDigits, scale));
}

/// Elements are rounded on their way into a list: none may have more digits than it keeps.
void check_elements(const ColumnView& view, const duckdb::LogicalType& list, const std::string& name) {
  const int scale = duckdb::DecimalType::GetScale(duckdb::ListType::GetChildType(list));
  for (std::size_t row = 0; row < view.size; ++row) {
    if (view.is_null(row)) continue;
    for (const auto& element : decode_array(view.bytes(row))) {
      if (element && parse_decimal(*element).value_or(Decimal{}).scale > scale)
        throw Error(ErrorCode::NumericValueOutOfRange,
                    "column \"" + name + "\" has " + std::string(*element) +
                        ", of whose fraction Parquet keeps " + std::to_string(scale) + " digits here");
    }
  }
}

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
    const auto type = type_in_file(column.type, layout_of_column(column.type));
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
    state->fillers.emplace_back(type_in_file(column.type, layout), layout);
  }
  return state;
}

void give_rows(duckdb::ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& out) {
  through_duckdb([&] {
    auto& state = input.global_state->Cast<RowsState>();
    const auto& info = *input.bind_data->Cast<RowsBindData>().info;
    while (state.next_row == state.batch.row_count()) {
      state.next_row = 0;
      if (!(*info.next)(state.batch)) {
        state.batch = {};
        out.SetCardinality(0);
        return;
      }
      for (std::size_t i = 0; i < info.columns->size(); ++i) {
        const auto& column = (*info.columns)[i];
        if (is_numeric_list(column.type))
          check_elements(state.batch.columns[i].view(), out.data[i].GetType(), column.name);
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
