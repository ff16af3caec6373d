// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "types/copy_format.hpp"
#include "types/field_parser.hpp"

namespace tickstone {
namespace {

using Cells = std::vector<std::vector<std::optional<std::string>>>;

/// Text of the characters that formats treat in their own ways, and others.
rc::Gen<std::string> hard_text() {
  return rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab,;\"'\\\n\r\t.N|xt1 \b\v\f")));
}

rc::Gen<CopyOptions> any_options() {
  return rc::gen::exec([] {
    auto options =
        *rc::gen::elementOf(std::vector{CopyOptions::text(), CopyOptions::csv(), CopyOptions::binary()});
    if (options.format == CopyFormat::Csv) {
      options.delimiter = *rc::gen::elementOf(std::string(",;|\t"));
      options.escape = *rc::gen::elementOf(std::string("\"\\'"));
      options.null_text = *rc::gen::elementOf(std::vector<std::string>{"", "NULL", "\\N"});
    } else if (options.format == CopyFormat::Text) {
      options.delimiter = *rc::gen::elementOf(std::string(",;|\t"));
    }
    return options;
  });
}

/// Whatever the texts, the options and the chunks: what is written reads back.
RC_GTEST_PROP(CopyProperty, WhatIsWrittenReadsBack, ()) {
  const auto options = *any_options();
  const auto column_count = *rc::gen::inRange<std::size_t>(1, 4);
  const auto row_count = *rc::gen::inRange<std::size_t>(0, 12);
  std::vector<CopyColumn> columns;
  Batch batch;
  for (std::size_t i = 0; i < column_count; ++i) {
    columns.push_back({"c" + std::to_string(i), SqlType::of(TypeId::Text)});
    batch.columns.emplace_back(SqlType::of(TypeId::Text));
  }
  for (std::size_t row = 0; row < row_count; ++row) {
    for (auto& column : batch.columns) {
      if (*rc::gen::inRange(0, 5) == 0) {
        column.append_null();
      } else {
        column.append_bytes(*hard_text());
      }
    }
  }
  const CopyWriter writer(options, columns);
  std::string text;
  writer.append_start(text);
  writer.append_batch(text, batch);
  writer.append_end(text);

  CopyReader reader(options, columns, "t");
  auto back = reader.make_batch();
  for (std::size_t at = 0; at < text.size();) {
    const auto size = *rc::gen::inRange<std::size_t>(1, 30);
    reader.feed(std::string(text.substr(at, size)), back);
    at += size;
  }
  reader.finish(back);
  RC_ASSERT(back.row_count() == row_count);
  for (std::size_t i = 0; i < column_count; ++i) {
    for (std::size_t row = 0; row < row_count; ++row) {
      RC_ASSERT(back.columns[i].is_null(row) == batch.columns[i].is_null(row));
      if (!back.columns[i].is_null(row)) RC_ASSERT(back.columns[i].bytes(row) == batch.columns[i].bytes(row));
    }
  }
}

/// The everyday forms that are read on a path of their own give what the input functions give.
RC_GTEST_PROP(CopyProperty, FastFieldsEqualParsedOnes, ()) {
  const auto type = *rc::gen::elementOf(
      std::vector{SqlType::of(TypeId::SmallInt), SqlType::of(TypeId::Integer), SqlType::of(TypeId::BigInt),
                  SqlType::of(TypeId::Double), SqlType::of(TypeId::Numeric), SqlType::numeric(8, 2),
                  SqlType::of(TypeId::Boolean), SqlType::of(TypeId::Text), SqlType::of(TypeId::Date),
                  SqlType::of(TypeId::Timestamp), SqlType::of(TypeId::TimestampTz)});
  const auto near_number =
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789.-+e ")));
  const auto near_time = rc::gen::exec([] {
    const auto two = [](int below) {
      const auto text = std::to_string(*rc::gen::inRange(0, below));
      return text.size() < 2 ? "0" + text : text;
    };
    std::string text = "20" + two(100) + "-" + two(14) + "-" + two(33);
    if (*rc::gen::arbitrary<bool>())
      text += *rc::gen::elementOf(std::string(" T")) + two(25) + ":" + two(61) + ":" + two(61);
    if (*rc::gen::arbitrary<bool>()) text += "." + std::to_string(*rc::gen::inRange(0, 10'000'000));
    text += *rc::gen::elementOf(
        std::vector<std::string>{"", "Z", "+00", "-05", "+05:30", "+0530", " UTC", "+16", "x"});
    return text;
  });
  const auto near_word = rc::gen::elementOf(
      std::vector<std::string>{"t", "f", "true", "false", "yes", "NaN", "inf", "h\xC3\xA9", "\xFF", ""});
  const auto text = *rc::gen::oneOf(near_number, near_time, near_word);

  const auto outcome = [&](auto append) -> std::string {
    Column column(type);
    try {
      append(column);
      return to_text(value_at(column.view(), 0));
    } catch (const Error& error) {
      RC_ASSERT(column.size() == 0U);
      return std::string("! ") + error.what();
    }
  };
  const auto parsed = outcome([&](Column& column) { append_parsed(column, text); });
  CopyOptions options = CopyOptions::text();
  options.delimiter = '|';
  options.null_text = "(null)";
  const auto copied = outcome([&](Column& column) {
    CopyReader reader(options, {{"c", type}}, "t");
    Batch batch = reader.make_batch();
    reader.feed(text + "\n", batch);
    reader.finish(batch);
    column.append_from(batch.columns[0].view(), 0);
  });
  RC_ASSERT(copied == parsed);
}

/// Numbers and moments one after another, in a column that the first of them made wider.
RC_GTEST_PROP(CopyProperty, FastFieldsInARowEqualParsedOnes, ()) {
  const auto type =
      *rc::gen::elementOf(std::vector{SqlType::of(TypeId::Numeric), SqlType::of(TypeId::TimestampTz)});
  const auto digits = [](int most) {
    std::string text;
    for (int left = *rc::gen::inRange(0, most + 1); left > 0; --left)
      text += *rc::gen::elementOf(std::string("0123456789"));
    return text;
  };
  const auto any_text = [&]() -> std::string {
    if (type.id == TypeId::TimestampTz) {
      std::string text = "2024-02-29 23:59:58.123456+00";
      const int changes = *rc::gen::inRange(0, 3);
      for (int i = 0; i < changes; ++i)
        text[*rc::gen::inRange<std::size_t>(0, text.size())] =
            *rc::gen::elementOf(std::string("0123459:/-. "));
      return text.substr(0, *rc::gen::inRange<std::size_t>(17, text.size() + 1));
    }
    std::string text = *rc::gen::elementOf(std::vector<std::string>{"", "-", "", "+", " "});
    text += digits(9);
    if (*rc::gen::arbitrary<bool>()) text += "." + digits(6);
    if (*rc::gen::inRange(0, 12) == 0) text += *rc::gen::elementOf(std::string(".-e5 x:/"));
    return text;
  };
  const auto parser = find_field_parser(type, {});
  Column fast(type);
  Column parsed(type);
  if (*rc::gen::arbitrary<bool>() && type.id == TypeId::Numeric) {
    append_parsed(fast, "0.00001");
    append_parsed(parsed, "0.00001");
  }
  for (int round = *rc::gen::inRange(1, 30); round > 0; --round) {
    const auto text = any_text();
    bool is_number = true;
    try {
      append_parsed(parsed, text);
    } catch (const Error&) {
      is_number = false;
    }
    // Where it is the end of what there is, nothing behind it may be read.
    const std::vector<char> exact(text.begin(), text.end());
    const std::string_view view(exact.data(), exact.size());
    if (parser(fast, view, {})) {
      RC_ASSERT(is_number);
    } else if (is_number) {
      append_parsed(fast, text);
    }
    RC_ASSERT(fast.size() == parsed.size());
    if (is_number)
      RC_ASSERT(to_text(value_at(fast.view(), fast.size() - 1)) ==
                to_text(value_at(parsed.view(), parsed.size() - 1)));
  }
  for (std::size_t row = 0; row < fast.size(); ++row)
    RC_ASSERT(to_text(value_at(fast.view(), row)) == to_text(value_at(parsed.view(), row)));
}

}  // namespace
}  // namespace tickstone
