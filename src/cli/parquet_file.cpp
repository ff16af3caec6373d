// SPDX-License-Identifier: Apache-2.0
#include "cli/parquet_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <unistd.h>

#include <tickstone/error.hpp>

#include "duck/parquet_writer.hpp"
#include "types/array_value.hpp"
#include "types/value.hpp"

namespace tickstone::cli {
namespace {

constexpr std::size_t kBatchRows = 16384;

/// What a column is in the file. Parquet's INTERVAL has milliseconds and no sign; oids of names say nothing
/// elsewhere.
SqlType file_type(SqlType type) {
  switch (type.id) {
    case TypeId::Boolean:
    case TypeId::SmallInt:
    case TypeId::Integer:
    case TypeId::BigInt:
    case TypeId::Real:
    case TypeId::Double:
    case TypeId::Numeric:
    case TypeId::Bytea:
    case TypeId::Date:
    case TypeId::Time:
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
    case TypeId::TimestampNs:
    case TypeId::Uuid:
    case TypeId::Oid:
      return type;
    case TypeId::Unknown:
    case TypeId::Text:
    case TypeId::Varchar:
    case TypeId::Char:
    case TypeId::Interval:
    case TypeId::Json:
    case TypeId::Jsonb:
    case TypeId::Name:
    case TypeId::InternalChar:
    case TypeId::Regclass:
    case TypeId::Regtype:
    case TypeId::Regproc:
    case TypeId::Regnamespace:
    case TypeId::Regrole:
    case TypeId::Enum:
    case TypeId::Void:
    case TypeId::Record:
    case TypeId::Int2Vector:
    case TypeId::OidVector:
    case TypeId::AclItem:
    case TypeId::Candlestick:
      break;
  }
  SqlType text = SqlType::of(TypeId::Text);
  text.is_array = type.is_array;
  return text;
}

/// The file that standard output is given, once it is whole.
class TemporaryFile {
 public:
  TemporaryFile() : path_((std::filesystem::temp_directory_path() / "tickstone-XXXXXX").string()) {
    const int file = ::mkstemp(path_.data());
    if (file < 0)
      throw Error(ErrorCode::IoError,
                  "could not make a temporary file: " + std::string(std::strerror(errno)));
    ::close(file);
  }
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }
  void copy_to(OutputFile& out) const {
    std::FILE* file = std::fopen(path_.c_str(), "rb");
    if (file == nullptr) throw Error(ErrorCode::IoError, "could not read file \"" + path_ + "\"");
    std::string block(1 << 17, '\0');
    for (std::size_t size = 0; (size = std::fread(block.data(), 1, block.size(), file)) > 0;)
      out.write(std::string_view(block).substr(0, size));
    std::fclose(file);
    out.finish();
  }

 private:
  std::string path_;
};

duck::ParquetCompression codec_of(Compression compression) {
  switch (compression) {
    case Compression::None:
      return duck::ParquetCompression::None;
    case Compression::Gzip:
      return duck::ParquetCompression::Gzip;
    case Compression::Zstd:
      return duck::ParquetCompression::Zstd;
  }
  return duck::ParquetCompression::None;
}

/// The digits that the values of a NUMERIC have, for all of them.
class Digits {
 public:
  void add(std::string_view text) {
    const auto value = parse_decimal(text);
    if (!value)
      throw Error(ErrorCode::InvalidTextRepresentation, "\"" + std::string(text) + "\" is no number");
    whole_ = std::max(whole_, std::max(digit_count(value->unscaled) - value->scale, 1));
    scale_ = std::max<int>(scale_, value->scale);
    if (whole_ + scale_ > kMaxNumericDigits)
      throw Error(ErrorCode::NumericValueOutOfRange, "its values need more than 38 digits");
  }
  SqlType type(bool is_array) const {
    SqlType type = SqlType::numeric(whole_ + scale_, scale_);
    type.is_array = is_array;
    return type;
  }

 private:
  int whole_ = 1;
  int scale_ = 0;
};

bool has_digits(const SqlType& type) {
  return type.precision > 0 && type.precision <= kMaxNumericDigits && type.scale >= 0 &&
         type.scale <= type.precision;
}

/// A year comes first in ISO alone; what another DateStyle means, the text does not say.
bool is_iso(std::string_view text) {
  if (text == "infinity" || text == "-infinity") return true;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  return digits >= 4 && digits < text.size() && text[digits] == '-';
}

class ResultBatches {
 public:
  explicit ResultBatches(const market::TextResult& result) : result_(result) {
    for (std::size_t c = 0; c < result.columns.size(); ++c)
      columns_.push_back({result.columns[c].name, naming_column(c, [&] { return type_of(c); })});
  }

  const std::vector<market::ResultColumn>& columns() const { return columns_; }

  bool next(Batch& rows) {
    if (next_row_ == result_.rows.size()) return false;
    const std::size_t end = std::min(result_.rows.size(), next_row_ + kBatchRows);
    rows = {};
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      Column& column = rows.columns.emplace_back(columns_[c].type);
      naming_column(c, [&] {
        for (std::size_t row = next_row_; row < end; ++row) {
          if (const auto& text = result_.rows[row][c])
            append_parsed(column, *text);
          else
            column.append_null();
        }
        return 0;
      });
    }
    next_row_ = end;
    return true;
  }

 private:
  template <typename Do>
  auto naming_column(std::size_t c, const Do& work) -> decltype(work()) {
    try {
      return work();
    } catch (const Error& error) {
      throw Error(
          error.code(),
          "column \"" + result_.columns[c].name + "\" cannot be written as Parquet: " + error.message(),
          error.detail(), "Cast it, to DOUBLE PRECISION or TEXT, or write CSV.");
    }
  }

  SqlType type_of(std::size_t c) const {
    const SqlType type = file_type(result_.columns[c].type);
    if (type.id == TypeId::Numeric && (type.is_array || !has_digits(type)))
      return digits_of(c, type.is_array);
    if (type.id == TypeId::Date || type.id == TypeId::Timestamp || type.id == TypeId::TimestampTz) {
      for (const auto& row : result_.rows) {
        if (row[c] && !type.is_array && !is_iso(*row[c]))
          throw Error(ErrorCode::InvalidDatetimeFormat, "\"" + *row[c] + "\" is no ISO time");
      }
    }
    return type;
  }

  SqlType digits_of(std::size_t c, bool is_array) const {
    Digits digits;
    for (const auto& row : result_.rows) {
      if (!row[c]) continue;
      if (!is_array) {
        digits.add(*row[c]);
        continue;
      }
      Column elements(SqlType::array_of(TypeId::Text));
      append_parsed(elements, *row[c]);
      for (const auto& element : decode_array(elements.bytes(0))) {
        if (element) digits.add(*element);
      }
    }
    return digits.type(is_array);
  }

  const market::TextResult& result_;
  std::vector<market::ResultColumn> columns_;
  std::size_t next_row_ = 0;
};

}  // namespace

void require_parquet_output(const std::string& path) {
  if (path != "-" || ::isatty(STDOUT_FILENO) == 0) return;
  throw Error(ErrorCode::FeatureNotSupported, "Parquet is not written to a terminal", {},
              "Name a file with --output.");
}

std::uint64_t write_parquet_file(const std::string& path, const std::vector<market::ResultColumn>& columns,
                                 Compression compression, const std::function<bool(Batch&)>& next) {
  std::vector<duck::ResultColumn> declared;
  std::vector<std::size_t> changed;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    declared.push_back({columns[c].name, file_type(columns[c].type)});
    if (physical_of(declared[c].type) != physical_of(columns[c].type)) changed.push_back(c);
  }
  const auto give = [&](Batch& batch) {
    if (!next(batch)) return false;
    for (const auto c : changed)
      batch.columns[c] = cast_column(batch.columns[c].view(), declared[c].type, CastStrength::Explicit);
    return true;
  };
  if (path == "-") {
    const TemporaryFile file;
    const std::uint64_t rows = duck::write_parquet(file.path(), declared, codec_of(compression), give);
    file.copy_to(*OutputFile::create(path, Compression::None));
    return rows;
  }
  std::uint64_t rows = 0;
  try {
    rows = duck::write_parquet(unfinished_path(path), declared, codec_of(compression), give);
  } catch (...) {
    ::unlink(unfinished_path(path).c_str());
    throw;
  }
  give_name(path);
  return rows;
}

std::uint64_t write_parquet_result(const std::string& path, const market::TextResult& result) {
  ResultBatches batches(result);
  return write_parquet_file(path, batches.columns(), Compression::Zstd,
                            [&](Batch& rows) { return batches.next(rows); });
}

}  // namespace tickstone::cli
