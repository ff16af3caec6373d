// SPDX-License-Identifier: Apache-2.0
#include "types/float_text.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include <fast_float/fast_float.h>
#include <fmt/format.h>

#include <tickstone/error.hpp>

namespace tickstone {

namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

template <typename T>
struct FloatTraits;
template <>
struct FloatTraits<double> {
  static constexpr std::string_view kName = "double precision";
  static constexpr int kSafeDigits = 15;
  static double read(const char* text, char** end) { return std::strtod(text, end); }
};
template <>
struct FloatTraits<float> {
  static constexpr std::string_view kName = "real";
  static constexpr int kSafeDigits = 6;
  static float read(const char* text, char** end) { return std::strtof(text, end); }
};

template <typename T>
void append_float(std::string& out, T value, int extra_float_digits) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  char buffer[64];
  if (extra_float_digits <= 0) {
    const int digits = std::max(FloatTraits<T>::kSafeDigits + extra_float_digits, 1);
    const int size = std::snprintf(buffer, sizeof(buffer), "%.*g", digits, static_cast<double>(value));
    out.append(buffer, static_cast<std::size_t>(size));
    return;
  }
  // d.ddde+xx: the shortest digits, laid out below as PostgreSQL does.
  const auto written = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific);
  std::string_view text(buffer, static_cast<std::size_t>(written.ptr - buffer));
  if (text.front() == '-') {
    out.push_back('-');
    text.remove_prefix(1);
  }
  const auto e = text.find('e');
  int exponent = 0;
  const char* digits_of_exponent = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits_of_exponent, text.data() + text.size(), exponent);
  const std::string_view mantissa = text.substr(0, e);
  if (exponent < -4 || exponent >= FloatTraits<T>::kSafeDigits) {
    out.append(text);
    return;
  }
  char digits[32];
  std::size_t count = 0;
  for (const char c : mantissa) {
    if (c != '.') digits[count++] = c;
  }
  if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    out.append(digits, count);
    return;
  }
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (count <= whole) {
    out.append(digits, count);
    out.append(whole - count, '0');
  } else {
    out.append(digits, whole);
    out.push_back('.');
    out.append(digits + whole, count - whole);
  }
}

template <typename T>
[[noreturn]] void throw_not_a_float(std::string_view text) {
  throw Error(ErrorCode::InvalidTextRepresentation,
              fmt::format("invalid input syntax for type {}: \"{}\"", FloatTraits<T>::kName, text));
}

template <typename T>
T parse_float(std::string_view text) {
  std::string_view number = text;
  while (!number.empty() && is_space(number.front())) number.remove_prefix(1);
  while (!number.empty() && is_space(number.back())) number.remove_suffix(1);
  if (number.empty()) throw_not_a_float<T>(text);
  T value{};
  const auto fast = fast_float::from_chars(number.data(), number.data() + number.size(), value);
  if (fast.ec == std::errc() && fast.ptr == number.data() + number.size() && std::isfinite(value) &&
      value != 0) {
    return value;
  }
  // Signs, words, hexadecimals, zero and what is out of range: the C library decides, as in PostgreSQL.
  const std::string copy(number);
  char* end = nullptr;
  errno = 0;
  value = FloatTraits<T>::read(copy.c_str(), &end);
  const int problem = errno;
  if (end != copy.c_str() && problem == ERANGE && (value == 0 || std::isinf(value))) {
    throw Error(ErrorCode::NumericValueOutOfRange,
                fmt::format("\"{}\" is out of range for type {}", std::string_view(copy.c_str(), end),
                            FloatTraits<T>::kName));
  }
  if (end != copy.c_str() + copy.size() || end == copy.c_str()) throw_not_a_float<T>(text);
  return value;
}

}  // namespace

void append_double(std::string& out, double value, int extra_float_digits) {
  append_float(out, value, extra_float_digits);
}
void append_real(std::string& out, float value, int extra_float_digits) {
  append_float(out, value, extra_float_digits);
}
double parse_double(std::string_view text) { return parse_float<double>(text); }
float parse_real(std::string_view text) { return parse_float<float>(text); }

}  // namespace tickstone
