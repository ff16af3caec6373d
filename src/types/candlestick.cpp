// SPDX-License-Identifier: Apache-2.0
#include "types/candlestick.hpp"

#include <cmath>

#include <tickstone/error.hpp>

#include "types/float_text.hpp"
#include "types/timestamp.hpp"

namespace tickstone {

namespace {

/// A number that reads back, with a point in it; `inf` and `NaN` as the toolkit writes them.
void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-inf" : "inf";
    return;
  }
  const std::size_t start = out.size();
  append_double(out, value);
  if (out.find_first_of(".e", start) == std::string::npos) out += ".0";
}

void append_point(std::string& out, std::string_view name, const Candlestick::Point& point) {
  out += name;
  out += ":(ts:\"";
  append_timestamptz(out, point.us, utc_zone());
  out += "\",val:";
  append_number(out, point.value);
  out += "),";
}

/// Reads one part of a text after another.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text), rest_(text) {}

  void expect(std::string_view part) {
    if (!take(part)) fail();
  }
  bool take(std::string_view part) {
    skip_blanks();
    if (!rest_.starts_with(part)) return false;
    rest_.remove_prefix(part.size());
    return true;
  }
  std::string_view until(std::string_view ends) {
    const std::size_t at = rest_.find_first_of(ends);
    if (at == std::string_view::npos) fail();
    const std::string_view part = rest_.substr(0, at);
    rest_.remove_prefix(at);
    return part;
  }
  double number() {
    skip_blanks();
    return parse_double(until(",)"));
  }
  Candlestick::Point point(std::string_view name) {
    Candlestick::Point point;
    expect(name);
    for (const std::string_view part : {":", "(", "ts", ":", "\""}) expect(part);
    const auto us = parse_timestamptz(until("\""), utc_zone());
    if (!us) fail();
    point.us = *us;
    for (const std::string_view part : {"\"", ",", "val", ":"}) expect(part);
    point.value = number();
    expect(")");
    expect(",");
    return point;
  }
  void end() {
    skip_blanks();
    if (!rest_.empty()) fail();
  }
  [[noreturn]] void fail() const {
    throw Error(ErrorCode::InvalidTextRepresentation,
                "invalid input syntax for type candlestick: \"" + std::string(text_) + "\"");
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t'))
      rest_.remove_prefix(1);
  }
  std::string_view text_;
  std::string_view rest_;
};

}  // namespace

Candlestick Candlestick::of_trade(std::int64_t us, double price, std::optional<double> volume) {
  Candlestick made = of_bar(us, price, price, price, price, std::nullopt);
  if (volume) made.volume = Volume{*volume, *volume * price};
  return made;
}

Candlestick Candlestick::of_bar(std::int64_t us, double open, double high, double low, double close,
                                std::optional<double> volume) {
  Candlestick made{{us, open}, {us, high}, {us, low}, {us, close}, std::nullopt};
  if (volume) made.volume = Volume{*volume, *volume * ((high + low + close) / 3)};
  return made;
}

void Candlestick::add(const Candlestick& other) {
  if (other.open.us < open.us) open = other.open;
  if (other.high.value > high.value) high = other.high;
  if (other.low.value < low.value) low = other.low;
  if (other.close.us > close.us) close = other.close;
  if (volume && other.volume) {
    volume->volume += other.volume->volume;
    volume->price_volume += other.volume->price_volume;
  } else {
    volume.reset();
  }
}

std::optional<double> Candlestick::vwap() const {
  if (!volume || !(volume->volume > 0) || !std::isfinite(volume->price_volume)) return std::nullopt;
  return volume->price_volume / volume->volume;
}

void append_candlestick(std::string& out, const Candlestick& value) {
  out += "(version:1,";
  append_point(out, "open", value.open);
  append_point(out, "high", value.high);
  append_point(out, "low", value.low);
  append_point(out, "close", value.close);
  if (!value.volume) {
    out += "volume:Missing())";
    return;
  }
  out += "volume:Transaction(vol:";
  append_number(out, value.volume->volume);
  out += ",vwap:";
  append_number(out, value.volume->price_volume);
  out += "))";
}

Candlestick parse_candlestick(std::string_view text) {
  Reader reader(text);
  Candlestick value;
  for (const std::string_view part : {"(", "version", ":", "1", ","}) reader.expect(part);
  value.open = reader.point("open");
  value.high = reader.point("high");
  value.low = reader.point("low");
  value.close = reader.point("close");
  reader.expect("volume");
  reader.expect(":");
  if (reader.take("Missing")) {
    reader.expect("(");
    reader.expect(")");
  } else {
    for (const std::string_view part : {"Transaction", "(", "vol", ":"}) reader.expect(part);
    const double volume = reader.number();
    for (const std::string_view part : {",", "vwap", ":"}) reader.expect(part);
    value.volume = Candlestick::Volume{volume, reader.number()};
    reader.expect(")");
  }
  reader.expect(")");
  reader.end();
  return value;
}

std::string normalize_candlestick(std::string_view text) {
  std::string normal;
  append_candlestick(normal, parse_candlestick(text));
  return normal;
}

}  // namespace tickstone
