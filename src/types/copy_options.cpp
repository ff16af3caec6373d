// SPDX-License-Identifier: Apache-2.0
#include "types/copy_options.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

namespace tickstone {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return out;
}

std::optional<bool> read_bool(std::string_view text) {
  const auto word = lower(text);
  if (word == "true" || word == "on" || word == "1" || word == "yes" || word == "t") return true;
  if (word == "false" || word == "off" || word == "0" || word == "no" || word == "f") return false;
  return std::nullopt;
}

bool bool_option(const CopyOption& option) {
  if (!option.value) return true;
  if (const auto value = read_bool(*option.value)) return *value;
  throw Error(ErrorCode::SyntaxError, option.name + " requires a Boolean value");
}

const std::string& text_option(const CopyOption& option) {
  if (!option.value) throw Error(ErrorCode::SyntaxError, option.name + " requires a parameter");
  return *option.value;
}

CopyHeader header_option(const CopyOption& option, CopyDirection direction) {
  if (!option.value) return CopyHeader::Present;
  if (const auto value = read_bool(*option.value)) return *value ? CopyHeader::Present : CopyHeader::None;
  if (lower(*option.value) != "match") {
    throw Error(ErrorCode::SyntaxError, option.name + " requires a Boolean value or \"match\"");
  }
  if (direction == CopyDirection::To) {
    throw Error(ErrorCode::FeatureNotSupported, "cannot use \"match\" with HEADER in COPY TO");
  }
  return CopyHeader::Match;
}

CopyFormat format_option(const CopyOption& option) {
  const auto& value = text_option(option);
  if (value == "text") return CopyFormat::Text;
  if (value == "csv") return CopyFormat::Csv;
  if (value == "binary") return CopyFormat::Binary;
  throw Error(ErrorCode::InvalidParameterValue, "COPY format \"" + value + "\" not recognized");
}

std::string encoding_of(const CopyOption& option) {
  auto name = lower(text_option(option));
  std::erase_if(name, [](char c) { return c == '-' || c == '_' || c == '\'' || c == ' '; });
  if (name == "utf8" || name == "unicode" || name == "sqlascii" || name == "ascii") return "UTF8";
  if (name == "latin1" || name == "iso88591") return "LATIN1";
  if (name == "latin9" || name == "iso885915") return "LATIN9";
  if (name == "win1252" || name == "windows1252") return "WIN1252";
  throw Error(ErrorCode::InvalidParameterValue,
              "argument to option \"encoding\" must be a valid encoding name", {},
              "UTF8, SQL_ASCII, LATIN1, LATIN9 and WIN1252 are supported.");
}

struct Given {
  std::optional<std::string> delimiter, null_text, quote, escape;
  bool header = false, force_quote = false, force_not_null = false, force_null = false;
};

/// One byte, or PostgreSQL's complaint about `what`.
char single_byte(const std::string& text, std::string_view what) {
  if (text.size() == 1 && static_cast<unsigned char>(text[0]) < 0x80) return text[0];
  throw Error(ErrorCode::FeatureNotSupported,
              "COPY " + std::string(what) + " must be a single one-byte character");
}

void check_csv_only(const Given& given, CopyDirection direction) {
  const auto refuse = [](const char* message) { throw Error(ErrorCode::FeatureNotSupported, message); };
  const bool is_from = direction == CopyDirection::From;
  if (given.force_quote && is_from) refuse("COPY force quote only available using COPY TO");
  if (given.force_not_null && !is_from) refuse("COPY force not null only available using COPY FROM");
  if (given.force_null && !is_from) refuse("COPY force null only available using COPY FROM");
}

void check_not_csv(const Given& given) {
  const auto refuse = [](const char* message) { throw Error(ErrorCode::FeatureNotSupported, message); };
  if (given.quote) refuse("COPY quote available only in CSV mode");
  if (given.escape) refuse("COPY escape available only in CSV mode");
  if (given.force_quote) refuse("COPY force quote available only in CSV mode");
  if (given.force_not_null) refuse("COPY force not null available only in CSV mode");
  if (given.force_null) refuse("COPY force null available only in CSV mode");
}

void apply_characters(CopyOptions& options, const Given& given) {
  const bool is_csv = options.format == CopyFormat::Csv;
  const auto invalid = [](const std::string& message) {
    throw Error(ErrorCode::InvalidParameterValue, message);
  };
  if (given.delimiter) options.delimiter = single_byte(*given.delimiter, "delimiter");
  if (given.null_text) options.null_text = *given.null_text;
  if (options.delimiter == '\n' || options.delimiter == '\r') {
    invalid("COPY delimiter cannot be newline or carriage return");
  }
  if (options.null_text.find_first_of("\r\n") != std::string::npos) {
    invalid("COPY null representation cannot use newline or carriage return");
  }
  constexpr std::string_view kNotInText = "\\.abcdefghijklmnopqrstuvwxyz0123456789";
  if (!is_csv && kNotInText.find(options.delimiter) != std::string_view::npos) {
    invalid(std::string("COPY delimiter cannot be \"") + options.delimiter + "\"");
  }
  if (is_csv) {
    if (given.quote) options.quote = single_byte(*given.quote, "quote");
    if (options.delimiter == options.quote) invalid("COPY delimiter and quote must be different");
    options.escape = given.escape ? single_byte(*given.escape, "escape") : options.quote;
    if (options.null_text.find(options.quote) != std::string::npos) {
      throw Error(ErrorCode::FeatureNotSupported,
                  "CSV quote character must not appear in the NULL specification");
    }
  }
  if (options.null_text.find(options.delimiter) != std::string::npos) {
    throw Error(ErrorCode::FeatureNotSupported, "COPY delimiter must not appear in the NULL specification");
  }
}

}  // namespace

CopyOptions resolve_copy_options(std::span<const CopyOption> list, CopyDirection direction) {
  std::optional<CopyFormat> format;
  CopyHeader header = CopyHeader::None;
  Given given;
  std::vector<std::string> force_quote, force_not_null, force_null;
  bool force_quote_all = false;
  std::string encoding;
  std::vector<std::string_view> seen;
  for (const auto& option : list) {
    if (std::find(seen.begin(), seen.end(), option.name) != seen.end()) {
      throw Error(ErrorCode::SyntaxError, "conflicting or redundant options");
    }
    seen.push_back(option.name);
    if (option.name == "format") {
      format = format_option(option);
    } else if (option.name == "freeze") {
      bool_option(option);
    } else if (option.name == "delimiter") {
      given.delimiter = text_option(option);
    } else if (option.name == "null") {
      given.null_text = text_option(option);
    } else if (option.name == "header") {
      header = header_option(option, direction);
      given.header = true;
    } else if (option.name == "quote") {
      given.quote = text_option(option);
    } else if (option.name == "escape") {
      given.escape = text_option(option);
    } else if (option.name == "force_quote") {
      given.force_quote = true;
      force_quote = option.columns;
      force_quote_all = option.is_star;
    } else if (option.name == "force_not_null") {
      given.force_not_null = true;
      force_not_null = option.columns;
    } else if (option.name == "force_null") {
      given.force_null = true;
      force_null = option.columns;
    } else if (option.name == "encoding") {
      encoding = encoding_of(option);
    } else {
      throw Error(ErrorCode::SyntaxError, "option \"" + option.name + "\" not recognized");
    }
  }

  CopyOptions options;
  switch (format.value_or(CopyFormat::Text)) {
    case CopyFormat::Text:
      break;
    case CopyFormat::Csv:
      options = CopyOptions::csv();
      break;
    case CopyFormat::Binary:
      options = CopyOptions::binary();
      if (given.delimiter) throw Error(ErrorCode::SyntaxError, "cannot specify DELIMITER in BINARY mode");
      if (given.null_text) throw Error(ErrorCode::SyntaxError, "cannot specify NULL in BINARY mode");
      if (header != CopyHeader::None)
        throw Error(ErrorCode::FeatureNotSupported, "cannot specify HEADER in BINARY mode");
      check_not_csv(given);
      options.encoding = std::move(encoding);
      return options;
  }
  if (options.format == CopyFormat::Csv) {
    check_csv_only(given, direction);
  } else {
    check_not_csv(given);
  }
  apply_characters(options, given);
  options.header = header;
  options.encoding = std::move(encoding);
  options.force_quote = std::move(force_quote);
  options.force_quote_all = force_quote_all;
  options.force_not_null = std::move(force_not_null);
  options.force_null = std::move(force_null);
  return options;
}

}  // namespace tickstone
