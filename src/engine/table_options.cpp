// SPDX-License-Identifier: Apache-2.0
#include "engine/table_options.hpp"

#include <algorithm>
#include <cctype>

#include <tickstone/error.hpp>

#include "catalog/object_names.hpp"
#include "engine/continuous_aggregate.hpp"
#include "engine/ddl_table.hpp"
#include "engine/table_schema.hpp"
#include "engine/time_units.hpp"

namespace tickstone::engine {
namespace {

using catalog::HypertableInfo;

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\n");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

/// The parts between commas that stand outside of quotes.
std::vector<std::string> split_list(const std::string& list) {
  std::vector<std::string> parts(1);
  bool is_quoted = false;
  for (const char c : list) {
    if (c == '"') is_quoted = !is_quoted;
    if (c == ',' && !is_quoted)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  for (auto& part : parts) part = trimmed(part);
  if (parts.size() == 1 && parts.front().empty()) parts.clear();
  return parts;
}

/// An identifier as SQL reads it, and what stands behind it.
std::pair<std::string, std::string> take_identifier(const std::string& text) {
  std::string name;
  std::size_t at = 0;
  if (text.starts_with('"')) {
    for (at = 1; at < text.size(); ++at) {
      if (text[at] != '"') {
        name += text[at];
      } else if (at + 1 < text.size() && text[at + 1] == '"') {
        name += text[++at];
      } else {
        ++at;
        break;
      }
    }
  } else {
    for (; at < text.size() && text[at] != ' '; ++at)
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(text[at])));
  }
  return {name, trimmed(text.substr(std::min(at, text.size())))};
}

std::vector<std::string> read_segmentby(const catalog::RelationObject& relation, const std::string& list) {
  std::vector<std::string> names;
  for (const auto& part : split_list(list)) {
    const auto [name, rest] = take_identifier(part);
    if (name.empty() || !rest.empty())
      throw Error(ErrorCode::SyntaxError, "unable to parse segmenting option \"" + list + "\"", {},
                  "The option timescaledb.compress_segmentby must be a set of columns separated by commas.");
    if (relation.find_column(name) == nullptr)
      throw Error(ErrorCode::SyntaxError, "column \"" + name + "\" does not exist", {},
                  "The timescaledb.compress_segmentby option must reference a valid column.");
    if (std::find(names.begin(), names.end(), name) != names.end())
      throw Error(ErrorCode::SyntaxError, "duplicate column name \"" + name + "\"", {},
                  "The timescaledb.compress_segmentby option must reference distinct column.");
    names.push_back(name);
  }
  return names;
}

std::vector<HypertableInfo::OrderBy> read_orderby(const catalog::RelationObject& relation,
                                                  const std::string& list) {
  std::vector<HypertableInfo::OrderBy> keys;
  for (const auto& part : split_list(list)) {
    const auto [name, rest] = take_identifier(part);
    std::string words = upper(rest);
    HypertableInfo::OrderBy key;
    key.column = name;
    const auto take = [&](std::string_view word) {
      if (!words.starts_with(word)) return false;
      words = trimmed(words.substr(word.size()));
      return true;
    };
    key.descending = take("DESC");
    if (!key.descending) take("ASC");
    key.nulls_first = key.descending;
    if (take("NULLS")) key.nulls_first = take("FIRST") || (take("LAST") ? false : (words = "?", false));
    if (name.empty() || !words.empty())
      throw Error(ErrorCode::SyntaxError, "unable to parse ordering option \"" + list + "\"", {},
                  "The timescaledb.compress_orderby option must be a set of column names with sort options, "
                  "separated by commas.");
    if (relation.find_column(name) == nullptr)
      throw Error(ErrorCode::SyntaxError, "column \"" + name + "\" does not exist", {},
                  "The timescaledb.compress_orderby option must reference a valid column.");
    const bool is_there =
        std::any_of(keys.begin(), keys.end(), [&](const auto& other) { return other.column == name; });
    if (is_there)
      throw Error(ErrorCode::SyntaxError, "duplicate column name \"" + name + "\"", {},
                  "The timescaledb.compress_orderby option must reference distinct column.");
    keys.push_back(std::move(key));
  }
  return keys;
}

constexpr const char* kAggregateParameters =
    "Valid timescaledb parameters are: continuous, create_group_indexes, materialized_only, columnstore, "
    "chunk_interval, segmentby, orderby, compress_chunk_interval";

/// What is set must fit together, as TimescaleDB checks it.
void check_settings(const catalog::RelationObject& relation) {
  const auto& info = *relation.hypertable;
  const auto time = time_dimension(relation).column;
  for (const auto& name : info.compress_segmentby) {
    const bool orders = std::any_of(info.compress_orderby.begin(), info.compress_orderby.end(),
                                    [&](const auto& key) { return key.column == name; });
    if (orders)
      throw Error(ErrorCode::SyntaxError,
                  "cannot use column \"" + name + "\" for both ordering and segmenting", {},
                  "Use separate columns for the timescaledb.compress_orderby and "
                  "timescaledb.compress_segmentby options.");
    if (relation.find_column(name)->id == time)
      throw Error(ErrorCode::FeatureNotSupported,
                  "cannot use the time column \"" + name + "\" for segmenting", {},
                  "Rows of a segment are ordered by it.");
  }
}

bool has_columnstore_chunks(const HypertableInfo& info) {
  return std::any_of(info.chunk_notes.begin(), info.chunk_notes.end(),
                     [](const auto& note) { return note.is_columnstore; });
}

}  // namespace

bool option_is_on(const sql::Option& option) {
  if (option.value.empty()) return true;
  try {
    return parse_value(SqlType::of(TypeId::Boolean), option.value).integer != 0;
  } catch (const Error&) {
    throw Error(ErrorCode::InvalidParameterValue,
                "invalid value for " + option.name + " '" + option.value + "'", {},
                option.name + " must be a valid bool");
  }
}

void set_table_options(SessionContext& context, catalog::RelationObject& relation,
                       const std::vector<sql::Option>& options, bool reset) {
  bool has_changed_columnstore = false;
  bool has_settings = false, has_interval = false;
  for (const auto& option : options) {
    const auto dot = option.name.find('.');
    const std::string prefix = dot == std::string::npos ? "" : option.name.substr(0, dot),
                      name = option.name.substr(dot == std::string::npos ? 0 : dot + 1);
    if (prefix != "timescaledb" && prefix != "tsdb" && prefix != "tickstone") {
      std::erase_if(relation.options, [&](const auto& kept) { return kept.first == option.name; });
      if (!reset) relation.options.emplace_back(option.name, option.value);
      continue;
    }
    if (relation.aggregate && name == "materialized_only") {
      relation.aggregate->materialized_only = reset || option_is_on(option);
      continue;
    }
    if (relation.aggregate && name == "create_group_indexes") {
      throw Error(ErrorCode::FeatureNotSupported,
                  "cannot alter create_group_indexes option for continuous aggregates");
    }
    if (relation.hypertable && name == "chunk_interval" && !reset) {
      auto& dimensions = relation.hypertable->dimensions;
      const auto time = std::find_if(dimensions.begin(), dimensions.end(),
                                     [](const auto& dimension) { return dimension.is_time; });
      time->interval =
          interval_in_units(context, relation.find_column(time->column)->type, Value::of_text(option.value));
      has_interval = true;
      continue;
    }
    if (relation.aggregate && name == "eager") {
      set_eager(context, relation, !reset && option_is_on(option));
      continue;
    }
    if (!relation.hypertable) {
      throw Error(ErrorCode::HypertableNotExist, "table \"" + relation.name + "\" is not a hypertable", {},
                  "Compression needs a hypertable: call create_hypertable() first.");
    }
    auto& info = *relation.hypertable;
    const std::string value = reset ? "" : option.value;
    if (name == "compress" || name == "enable_columnstore" || name == "columnstore") {
      const bool is_on = !reset && option_is_on(option);
      if (!is_on && has_columnstore_chunks(info))
        throw Error(ErrorCode::FeatureNotSupported,
                    "cannot disable columnstore on hypertable with columnstore chunks");
      info.compression_enabled = is_on;
      has_changed_columnstore = true;
    } else if (name == "compress_segmentby" || name == "segmentby" || name == "segment_by") {
      info.compress_segmentby = read_segmentby(relation, value);
      has_settings = true;
    } else if (name == "compress_orderby" || name == "orderby" || name == "order_by") {
      info.compress_orderby = read_orderby(relation, value);
      has_settings = true;
    } else if (name == "compress_chunk_time_interval" || name == "compress_chunk_interval") {
      const SqlType time_type = time_type_of(relation);
      info.compress_chunk_interval =
          value.empty() || value == "0" ? 0 : interval_in_units(context, time_type, Value::of_text(value));
      has_settings = true;
    } else if (name == "index" || name == "sparse_index" || name == "compress_index" ||
               name == "compress_sparse_index" || name == "direct_compress" ||
               name == "direct_compress_schedule_interval" || name == "enable_granular_refresh" ||
               name.starts_with("granular_refresh_")) {
      // Segments have ranges and filters of each column anyway, large transactions write segments, and what
      // is refreshed are the buckets that changed.
      std::erase_if(relation.options, [&](const auto& kept) { return kept.first == option.name; });
      if (!reset) relation.options.emplace_back(option.name, option.value);
    } else {
      throw Error(ErrorCode::InvalidParameterValue, "unrecognized parameter \"" + option.name + "\"", {},
                  relation.aggregate ? kAggregateParameters : "");
    }
  }
  if (!has_settings && !has_interval) return;
  // As in TimescaleDB, an option of it that is set turns the columnstore on.
  if (has_settings && !has_changed_columnstore && !reset) relation.hypertable->compression_enabled = true;
  check_settings(relation);
  const auto old = *context.catalog()->find_relation(relation.oid);
  const auto schema = storage_schema(relation);
  context.refresh_view();
  if (storage_schema(old).series_key == schema.series_key || context.view().row_count(old.table()) == 0) {
    context.writes("ALTER TABLE").alter_table(schema, {});
    return;
  }
  // What rows are sorted by first: those that are there are written again.
  rewrite_table(context, old, relation, {});
  relation = *context.edit_catalog("ALTER TABLE").catalog().find_relation(relation.oid);
}

}  // namespace tickstone::engine
