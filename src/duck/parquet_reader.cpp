// SPDX-License-Identifier: Apache-2.0
#include "duck/parquet_reader.hpp"

#include <filesystem>

#include <tickstone/error.hpp>

#include "duck/connection.hpp"
#include "duck/error_translation.hpp"
#include "duck/logical_types.hpp"

namespace tickstone::duck {

namespace {

using duckdb::LogicalTypeId;

std::string in_quotes(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

bool is_nested(const duckdb::LogicalType& type) {
  const auto id = type.id();
  return id == LogicalTypeId::STRUCT || id == LogicalTypeId::MAP || id == LogicalTypeId::LIST ||
         id == LogicalTypeId::ARRAY || id == LogicalTypeId::UNION || id == LogicalTypeId::VARIANT;
}

/// What a column is read as; empty where no table has such a thing. Our arrays are flat: what is nested
/// deeper is JSON, whose numbers keep their digits.
std::string expression_of(const std::string& name, const duckdb::LogicalType& type) {
  const auto cast = [&](const char* to) { return "CAST(" + name + " AS " + to + ") AS " + name; };
  switch (type.id()) {
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
      return cast("TIMESTAMP");
    case LogicalTypeId::TIME_TZ:
    case LogicalTypeId::ENUM:
      return cast("VARCHAR");
    case LogicalTypeId::UHUGEINT:
      return cast("DECIMAL(38,0)");
    case LogicalTypeId::STRUCT:
    case LogicalTypeId::MAP:
      return "to_json(" + name + ") AS " + name;
    case LogicalTypeId::LIST:
      return is_nested(duckdb::ListType::GetChildType(type)) ? "to_json(" + name + ") AS " + name : name;
    case LogicalTypeId::UNION:
    case LogicalTypeId::VARIANT:
      return {};
    default:
      return name;
  }
}

class DuckParquetReader final : public ParquetReader {
 public:
  explicit DuckParquetReader(const std::string& path) : path_(path), connection_(make_database()) {
    const std::string source = "read_parquet(" + in_quotes(escaped(path), '\'') + ")";
    auto shape = connection_.Query("SELECT * FROM " + source + " LIMIT 0");
    if (shape->HasError()) throw damaged(shape->GetErrorObject());
    std::string list;
    for (std::size_t i = 0; i < shape->types.size(); ++i) {
      const std::string name = in_quotes(shape->names[i], '"');
      const std::string expression = expression_of(name, shape->types[i]);
      if (expression.empty()) {
        throw Error(ErrorCode::FeatureNotSupported,
                    "column \"" + shape->names[i] + "\" of file \"" + path + "\" has type " +
                        shape->types[i].ToString() + ", which no table has",
                    {}, "Write the file without it.");
      }
      list += (i > 0 ? ", " : "") + expression;
    }
    auto count = connection_.Query("SELECT count(*) FROM " + source);
    if (count->HasError()) throw damaged(count->GetErrorObject());
    row_count_ = count->GetValue(0, 0).GetValue<std::uint64_t>();
    auto rows = connection_.SendQuery("SELECT " + list + " FROM " + source);
    if (rows->HasError()) throw damaged(rows->GetErrorObject());
    stream_ = make_stream(std::move(rows));
  }

  const std::vector<ResultColumn>& columns() const override { return stream_->columns(); }
  std::uint64_t row_count() const override { return row_count_; }
  bool next(Batch& out) override {
    try {
      return stream_->next(out);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::OutOfMemory) throw;
      throw Error(ErrorCode::DataCorrupted, "Parquet file \"" + path_ + "\" is damaged or cut short",
                  error.message());
    }
  }

 private:
  duckdb::DuckDB& make_database() {
    duckdb::DBConfig config;
    config.options.autoload_known_extensions = false;
    config.options.autoinstall_known_extensions = false;
    config.options.use_temporary_directory = false;
    database_ = std::make_unique<duckdb::DuckDB>(nullptr, &config);
    return *database_;
  }

  /// A name that is a pattern to read_parquet is still a name to us.
  static std::string escaped(const std::string& path) {
    std::string out;
    for (const char c : path) {
      if (c == '*' || c == '?' || c == '[')
        out += std::string("[") + c + "]";
      else
        out += c;
    }
    return out;
  }

  Error damaged(const duckdb::ErrorData& error) const {
    if (!std::filesystem::exists(path_))
      return Error(ErrorCode::UndefinedFile, "could not open file \"" + path_ + "\"");
    const Error translated = translate(error);
    if (translated.code() == ErrorCode::OutOfMemory) return translated;
    return Error(ErrorCode::DataCorrupted, "file \"" + path_ + "\" is no Parquet file, or damaged",
                 translated.message());
  }

  std::string path_;
  std::unique_ptr<duckdb::DuckDB> database_;
  duckdb::Connection connection_;
  std::uint64_t row_count_ = 0;
  std::unique_ptr<ResultStream> stream_;
};

}  // namespace

std::unique_ptr<ParquetReader> ParquetReader::open(const std::string& path) {
  // Boundary: DuckDB's errors end here.
  try {
    return std::make_unique<DuckParquetReader>(path);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& exception) {
    throw translate(duckdb::ErrorData(exception));
  }
}

}  // namespace tickstone::duck
