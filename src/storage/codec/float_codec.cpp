// SPDX-License-Identifier: Apache-2.0
#include "storage/codec/float_codec.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include <tickstone/error.hpp>

#include "storage/codec/integer_stream.hpp"

namespace tickstone::storage {

namespace {

/// Powers of ten that a double holds exactly.
constexpr std::array<double, 23> kPowers = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                            1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                            1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
/// Integers of this magnitude become doubles by adding them to the bits of 1.5 * 2^52.
constexpr double kMaxInteger = 2251799813685247.0;  // 2^51 - 1
constexpr std::uint64_t kIntegerBits = 0x4338'0000'0000'0000;
constexpr double kIntegerOffset = 6755399441055744.0;  // those bits as a double
constexpr std::size_t kSampleValues = 64;

template <typename Float>
using BitsOf = std::conditional_t<sizeof(Float) == 4, std::uint32_t, std::uint64_t>;

/// The integer that stands for `value` over `power`, if it gives back the same bits.
template <typename Float>
std::optional<std::int64_t> as_integer(Float value, double power) {
  const double scaled = static_cast<double>(value) * power;
  if (!(std::abs(scaled) <= kMaxInteger)) return std::nullopt;
  // From the integer, as decoding does: it has no negative zero.
  const auto integer = static_cast<std::int64_t>(scaled + kIntegerOffset - kIntegerOffset);  // rounded
  const auto back = static_cast<Float>(static_cast<double>(integer) / power);
  if (std::bit_cast<BitsOf<Float>>(back) != std::bit_cast<BitsOf<Float>>(value)) return std::nullopt;
  return integer;
}

/// The exponent under which all but a few of a sample are decimals; nothing where too few are.
template <typename Float>
std::optional<std::size_t> choose_exponent(std::span<const Float> values) {
  std::array<std::size_t, kPowers.size()> histogram{};
  std::size_t sampled = 0;
  std::size_t decimal_count = 0;
  const std::size_t step = std::max<std::size_t>(1, values.size() / kSampleValues);
  for (std::size_t i = 0; i < values.size(); i += step, ++sampled) {
    for (std::size_t exponent = 0; exponent < kPowers.size(); ++exponent) {
      if (as_integer(values[i], kPowers[exponent])) {
        ++histogram[exponent];
        ++decimal_count;
        break;
      }
    }
  }
  if (decimal_count * 2 < sampled) return std::nullopt;
  const std::size_t wanted = decimal_count - decimal_count / 16;
  std::size_t exponent = 0;
  for (std::size_t covered = histogram[0]; covered < wanted;) covered += histogram[++exponent];
  return exponent;
}

}  // namespace

template <typename Float>
bool encode_decimal_floats(std::span<const Float> values, std::size_t limit_bytes, ByteWriter& out) {
  const auto exponent = choose_exponent(values);
  if (!exponent) return false;
  std::vector<std::int64_t> integers(values.size());
  std::vector<std::uint16_t> positions;
  std::int64_t last = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto integer = as_integer(values[i], kPowers[*exponent]);
    if (!integer) positions.push_back(static_cast<std::uint16_t>(i));
    // An exception's place repeats its neighbour, which costs the least.
    last = integer.value_or(last);
    integers[i] = last;
  }
  if (positions.size() > values.size() / 4) return false;
  const IntegerPlan plan = plan_integers(integers);
  if (3 + positions.size() * (2 + sizeof(Float)) + plan.size_bytes >= limit_bytes) return false;
  out.put(static_cast<std::uint8_t>(*exponent));
  out.put(static_cast<std::uint16_t>(positions.size()));
  out.put_raw(positions.data(), positions.size() * sizeof(std::uint16_t));
  for (const std::uint16_t position : positions) out.put(values[position]);
  write_integers(plan, integers, out);
  return true;
}

template <typename Float>
void decode_decimal_floats(ByteReader& in, std::span<Float> into) {
  const std::size_t exponent = in.get<std::uint8_t>();
  if (exponent >= kPowers.size()) throw Error(ErrorCode::DataCorrupted, "floats have an unknown exponent");
  const double power = kPowers[exponent];
  const std::size_t exception_count = in.get<std::uint16_t>();
  ByteReader positions(in.get_bytes(exception_count * sizeof(std::uint16_t)));
  ByteReader exceptions(in.get_bytes(exception_count * sizeof(Float)));
  IntegerDecoder decoder(in, into.size());
  std::int64_t group[kGroupValues];
  for (std::size_t at = 0; at < into.size();) {
    const std::size_t decoded = decoder.next(group);
    Float* target = into.data() + at;
    for (std::size_t i = 0; i < decoded; ++i) {
      const auto bits = static_cast<std::uint64_t>(group[i]) + kIntegerBits;
      target[i] = static_cast<Float>((std::bit_cast<double>(bits) - kIntegerOffset) / power);
    }
    at += decoded;
  }
  for (std::size_t i = 0; i < exception_count; ++i) {
    const std::size_t position = positions.get<std::uint16_t>();
    if (position >= into.size())
      throw Error(ErrorCode::DataCorrupted, "floats have an exception out of place");
    into[position] = exceptions.get<Float>();
  }
}

template bool encode_decimal_floats<float>(std::span<const float>, std::size_t, ByteWriter&);
template bool encode_decimal_floats<double>(std::span<const double>, std::size_t, ByteWriter&);
template void decode_decimal_floats<float>(ByteReader&, std::span<float>);
template void decode_decimal_floats<double>(ByteReader&, std::span<double>);

}  // namespace tickstone::storage
