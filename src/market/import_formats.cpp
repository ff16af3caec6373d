// SPDX-License-Identifier: Apache-2.0
#include "market/import_formats.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

namespace tickstone::market {
namespace {

using Source = MappedColumn::Source;
using Transform = MappedColumn::Transform;

MappedColumn field(std::string column, std::string name) {
  return {std::move(column), Source::Field, std::move(name)};
}
MappedColumn field_or_line(std::string column, std::string name) {
  return {std::move(column), Source::FieldOrLine, std::move(name)};
}
MappedColumn epoch(std::string column, std::string name, EpochUnit unit) {
  return {std::move(column), Source::Field, std::move(name), Transform::Epoch, unit};
}
MappedColumn list(std::string column, std::string name) {
  return {std::move(column), Source::Field, std::move(name), Transform::List};
}
MappedColumn constant(std::string column, std::string text) {
  return {std::move(column), Source::Constant, std::move(text)};
}
MappedColumn given(std::string column, Source source) { return {std::move(column), source, {}}; }

ImportFormat polygon(std::string name, std::string table, std::vector<MappedColumn> columns) {
  ImportFormat format;
  format.name = std::move(name);
  format.table = std::move(table);
  format.source = "polygon";
  format.mapping.columns = std::move(columns);
  format.mapping.set(field("symbol", "ticker"));
  return format;
}

ImportFormat polygon_bars(std::string name, std::string timeframe) {
  return polygon(std::move(name), "ohlcv",
                 {epoch("timestamp", "window_start", EpochUnit::Nanoseconds),
                  constant("timeframe", std::move(timeframe))});
}

ImportFormat binance(std::string name, std::string table, std::vector<std::string> fields,
                     std::size_t least_fields, std::vector<MappedColumn> columns) {
  ImportFormat format;
  format.name = std::move(name);
  format.table = std::move(table);
  format.source = "binance";
  format.header = ImportFormat::Header::Perhaps;
  format.fields = std::move(fields);
  format.least_fields = least_fields;
  format.mapping.columns = std::move(columns);
  format.mapping.set(given("symbol", Source::Symbol));
  return format;
}

std::vector<ImportFormat> make_formats() {
  std::vector<ImportFormat> formats;
  // Trade ids are unique within an exchange and reporting facility alone; sequence numbers within a ticker's
  // day. Options and crypto files have none: there the line stands for it.
  formats.push_back(polygon("polygon-trades", "trades",
                            {epoch("timestamp", "sip_timestamp", EpochUnit::Nanoseconds),
                             list("conditions", "conditions"), field_or_line("id", "sequence_number")}));
  formats.push_back(
      polygon("polygon-quotes", "quotes",
              {epoch("timestamp", "sip_timestamp", EpochUnit::Nanoseconds), list("conditions", "conditions"),
               field("exchange", "bid_exchange"), field_or_line("id", "sequence_number")}));
  formats.push_back(polygon_bars("polygon-minute-aggs", "1m"));
  formats.push_back(polygon_bars("polygon-day-aggs", "1d"));
  // Milliseconds; of the spot market microseconds since 2025.
  formats.push_back(
      binance("binance-klines", "ohlcv",
              {"open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
               "taker_buy_volume", "taker_buy_quote_volume", "ignore"},
              6, {epoch("timestamp", "open_time", EpochUnit::Auto), given("timeframe", Source::Interval)}));
  formats.push_back(binance("binance-trades", "trades",
                            {"id", "price", "qty", "quote_qty", "time", "is_buyer_maker", "is_best_match"}, 6,
                            {epoch("timestamp", "time", EpochUnit::Auto), field("size", "qty")}));
  formats.push_back(binance("binance-agg-trades", "trades",
                            {"agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id",
                             "transact_time", "is_buyer_maker", "is_best_match"},
                            7,
                            {epoch("timestamp", "transact_time", EpochUnit::Auto), field("size", "quantity"),
                             field("id", "agg_trade_id")}));
  for (auto& format : formats) {
    if (!format.mapping.find("source")) format.mapping.set(constant("source", format.source));
  }
  return formats;
}

const std::vector<ImportFormat>& all_formats() {
  static const std::vector<ImportFormat> kFormats = make_formats();
  return kFormats;
}

/// `1m`, `12h`, `1mo`: as Binance names the lengths of bars.
bool is_interval(std::string_view text) {
  const auto digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || digits > 2) return false;
  const auto unit = text.substr(digits);
  return unit == "s" || unit == "m" || unit == "h" || unit == "d" || unit == "w" || unit == "mo" ||
         unit == "M";
}

}  // namespace

const ImportFormat& import_format(std::string_view name) {
  for (const auto& format : all_formats()) {
    if (format.name == name) return format;
  }
  throw Error(ErrorCode::InvalidParameterValue, "\"" + std::string(name) + "\" is no format of files", {},
              "Formats are csv, parquet, " + import_format_names() + ".");
}

std::string import_format_names() {
  std::string names;
  for (const auto& format : all_formats()) names += (names.empty() ? "" : ", ") + format.name;
  return names;
}

FileNameFacts facts_of_file_name(std::string_view path) {
  if (const auto slash = path.find_last_of('/'); slash != std::string_view::npos)
    path.remove_prefix(slash + 1);
  path = path.substr(0, path.find('.'));
  FileNameFacts facts;
  const auto dash = path.find('-');
  if (dash == std::string_view::npos || dash == 0) return facts;
  const std::string_view symbol = path.substr(0, dash);
  // A date, as in 2026-01-05.csv, is no symbol.
  if (symbol.find_first_not_of("0123456789") == std::string_view::npos) return facts;
  facts.symbol = symbol;
  const std::string_view rest = path.substr(dash + 1);
  const std::string_view second = rest.substr(0, rest.find('-'));
  if (is_interval(second)) facts.interval = second;
  return facts;
}

}  // namespace tickstone::market
