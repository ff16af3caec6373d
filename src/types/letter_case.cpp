// SPDX-License-Identifier: Apache-2.0
#include "types/letter_case.hpp"

#include <clocale>
#include <cwctype>

#include <locale.h>

#include "types/utf8.hpp"

namespace tickstone {

namespace {

/// Nothing where the system lacks it: then letters are those of ASCII.
locale_t letters() {
  static const locale_t found = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return found;
}

wint_t upper(wint_t c) {
  if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
  return letters() != nullptr ? towupper_l(c, letters()) : c;
}

wint_t lower(wint_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  return letters() != nullptr ? towlower_l(c, letters()) : c;
}

bool is_of_word(wint_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letters() == nullptr || iswalnum_l(c, letters()) != 0;
}

/// Texts here are valid UTF-8.
template <typename Change>
std::string changed(std::string_view text, Change&& change) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t size = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    std::uint32_t number = size == 1 ? byte : byte & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size && at + i < text.size(); ++i)
      number = number << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
    append_utf8(out, static_cast<std::uint32_t>(change(static_cast<wint_t>(number))));
    at += size;
  }
  return out;
}

}  // namespace

std::string in_upper_case(std::string_view text) { return changed(text, upper); }
std::string in_lower_case(std::string_view text) { return changed(text, lower); }

std::string with_initials(std::string_view text) {
  bool is_in_word = false;
  return changed(text, [&is_in_word](wint_t c) {
    const wint_t made = is_in_word ? lower(c) : upper(c);
    is_in_word = is_of_word(c);
    return made;
  });
}

}  // namespace tickstone
