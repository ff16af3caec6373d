// SPDX-License-Identifier: Apache-2.0
// Files to be imported: mapping files, and lines of every format through their plan. Whatever comes out must
// be rows of equal columns that COPY can write.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <tickstone/error.hpp>

#include "market/import_formats.hpp"
#include "market/import_plan.hpp"
#include "types/copy_format.hpp"

namespace {

using namespace tickstone;

const std::vector<market::ResultColumn> kTable = {
    {"symbol", SqlType::of(TypeId::Text)},       {"timestamp", SqlType::of(TypeId::TimestampTz)},
    {"exact", SqlType::of(TypeId::TimestampNs)}, {"price", SqlType::of(TypeId::Numeric)},
    {"size", SqlType::of(TypeId::Numeric)},      {"bid_price", SqlType::of(TypeId::Numeric)},
    {"open", SqlType::of(TypeId::Double)},       {"volume", SqlType::of(TypeId::BigInt)},
    {"exchange", SqlType::of(TypeId::Integer)},  {"conditions", SqlType::array_of(TypeId::Text)},
    {"id", SqlType::of(TypeId::BigInt)},         {"source", SqlType::of(TypeId::Text)},
    {"timeframe", SqlType::of(TypeId::Text)}};

constexpr const char* kFormats[] = {"polygon-trades",    "polygon-quotes", "polygon-minute-aggs",
                                    "polygon-day-aggs",  "binance-klines", "binance-trades",
                                    "binance-agg-trades"};

std::vector<market::ResultColumn> fields_of(const std::string& line) {
  std::vector<market::ResultColumn> fields(1);
  for (const char c : line) {
    if (c == ',')
      fields.emplace_back();
    else
      fields.back().name += c;
  }
  return fields;
}

void import_lines(const market::ImportMapping& mapping, const std::vector<market::ResultColumn>& fields,
                  const std::string& text) {
  const market::ImportPlan plan(mapping, fields, kTable, "t", market::facts_of_file_name(text.substr(0, 32)));
  CopyReader reader(CopyOptions::csv(), plan.fields(), "file");
  std::vector<std::uint64_t> lines;
  reader.set_line_numbers(&lines);
  reader.set_bad_row_handler([](const CopyBadRow&) {});
  Batch rows = reader.make_batch();
  reader.feed(text, rows);
  reader.finish(rows);
  std::size_t bad = 0;
  const std::size_t before = lines.size();
  const Batch made = plan.convert(std::move(rows), lines, [&](const market::ImportPlan::BadRow&) { ++bad; });
  if (before != lines.size() + bad) std::abort();
  for (const auto& column : made.columns) {
    if (column.size() != lines.size()) std::abort();
  }
  std::string out;
  if (!lines.empty()) CopyWriter(CopyOptions::text(), plan.columns()).append_batch(out, made);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t which = data[0] % (std::size(kFormats) + 2);
  // Boundary: a file that is refused is refused by our error alone.
  try {
    if (which < std::size(kFormats)) {
      market::ImportMapping mapping = market::import_format(kFormats[which]).mapping;
      const auto end = text.find('\n');
      std::erase_if(mapping.columns, [](const auto& one) {
        return std::none_of(kTable.begin(), kTable.end(),
                            [&](const auto& c) { return c.name == one.column; });
      });
      auto fields = fields_of(text.substr(0, end));
      for (const auto& name : market::import_format(kFormats[which]).fields) fields.push_back({name, {}});
      import_lines(mapping, fields, end == std::string::npos ? "" : text.substr(end + 1));
    } else if (which == std::size(kFormats)) {
      market::parse_import_mapping(text);
    } else {
      const auto end = text.find('\0');
      const auto mapping = market::parse_import_mapping(text.substr(0, end));
      if (end != std::string::npos) import_lines(mapping, fields_of("a,b,symbol"), text.substr(end + 1));
    }
  } catch (const Error&) {
  }
  return 0;
}
