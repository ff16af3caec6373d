// SPDX-License-Identifier: Apache-2.0
#include "cli/export_rows.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "cli/parquet_file.hpp"
#include "types/copy_format.hpp"

namespace tickstone::cli {
namespace {

constexpr const char* kFetch = "FETCH 20000 FROM tickstone_export";
constexpr int kMostDigits = 38;

const auto kIgnore = [](const market::TextResult&) {};

std::uint64_t write_csv(QueryRows& rows, const std::vector<market::ResultColumn>& columns,
                        const ExportLayout& layout, const std::string& path,
                        const std::function<void(std::uint64_t)>& on_rows) {
  CopyOptions options = CopyOptions::csv();
  options.header = layout.has_header ? CopyHeader::Present : CopyHeader::None;
  options.null_text = layout.null_text;
  std::vector<CopyColumn> copied;
  for (const auto& column : columns) copied.push_back({column.name, column.type, false});
  const CopyWriter writer(options, copied);
  const auto file = OutputFile::create(path, layout.compression);
  std::string text;
  writer.append_start(text);
  std::uint64_t count = 0;
  for (Batch batch; rows.next(batch);) {
    writer.append_batch(text, batch);
    file->write(text);
    text.clear();
    on_rows(count += batch.row_count());
  }
  file->write(text);
  file->finish();
  return count;
}

}  // namespace

QueryRows::QueryRows(market::Connection& connection, const std::string& query) : connection_(connection) {
  connection_.run_script("DECLARE tickstone_export NO SCROLL CURSOR FOR " + query, kIgnore);
}

QueryRows::~QueryRows() {
  // After an error the transaction's end closes it.
  try {
    connection_.run_script("CLOSE tickstone_export", kIgnore);
  } catch (const Error&) {
  }
}

bool QueryRows::next(Batch& rows) {
  if (waiting_.empty()) {
    market::RowHandler handler;
    handler.on_rows = [this](Batch&& part) {
      if (part.row_count() > 0) waiting_.push_back(std::move(part));
    };
    connection_.query(kFetch, {}, handler);
  }
  if (waiting_.empty()) return false;
  rows = std::move(waiting_.front());
  waiting_.pop_front();
  return true;
}

std::uint64_t export_rows(market::Connection& connection, const std::string& query,
                          const std::vector<market::ResultColumn>& columns, const ExportLayout& layout,
                          const std::string& path, const std::function<void(std::uint64_t)>& on_rows) {
  QueryRows rows(connection, query);
  if (layout.format == ExportFormat::Csv) return write_csv(rows, columns, layout, path, on_rows);
  std::uint64_t count = 0;
  return write_parquet_file(path, columns, layout.compression, [&](Batch& batch) {
    if (!rows.next(batch)) return false;
    on_rows(count += batch.row_count());
    return true;
  });
}

std::vector<market::ResultColumn> with_exact_numerics(market::Connection& connection,
                                                      const std::string& query,
                                                      std::vector<market::ResultColumn> columns) {
  std::string list;
  for (const auto& column : columns) {
    if (!column.type.is_bare_numeric()) continue;
    const std::string name = market::quote_name(column.name);
    list += list.empty() ? "" : ", ";
    list += "coalesce(max(scale(trim_scale(" + name + "))), 0), coalesce(max(length(trunc(abs(" + name +
            "))::text)), 1)";
  }
  if (list.empty()) return columns;
  std::vector<std::optional<std::string>> facts;
  connection.run_script("SELECT " + list + " FROM (" + query + ") AS exported",
                        [&](const market::TextResult& result) { facts = result.rows.at(0); });
  std::size_t next = 0;
  for (auto& column : columns) {
    if (!column.type.is_bare_numeric()) continue;
    const int scale = std::stoi(facts.at(next++).value_or("0"));
    const int digits = std::stoi(facts.at(next++).value_or("1")) + scale;
    if (digits > kMostDigits) {
      throw Error(ErrorCode::NumericValueOutOfRange,
                  "column \"" + column.name + "\" needs more than 38 digits, which no DECIMAL of Parquet has",
                  {}, "Export it as CSV, or cast it to DOUBLE PRECISION in a --query.");
    }
    column.type = SqlType::numeric(std::max(digits, 1), scale);
  }
  return columns;
}

}  // namespace tickstone::cli
