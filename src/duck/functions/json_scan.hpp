// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tickstone::duck {

/// A JSON text taken apart without building a tree. Texts have been checked when they were stored; on others
/// the functions return nothing or less, never fail.
enum class JsonKind : std::uint8_t { Null, Boolean, Number, String, Array, Object };

/// The text without surrounding white space.
std::string_view json_trimmed(std::string_view text);
JsonKind json_kind(std::string_view text);
/// The value of a member of an object; the last of equal names.
std::optional<std::string_view> json_member(std::string_view object, std::string_view name);
/// The element of an array; negative indexes count from its end.
std::optional<std::string_view> json_element(std::string_view array, std::int64_t index);
std::vector<std::string_view> json_elements(std::string_view array);
std::vector<std::pair<std::string, std::string_view>> json_members(std::string_view object);
/// The characters of a JSON string, without its quotes and escapes.
std::string json_string(std::string_view text);
/// What `->>` gives: a string's characters, any other value's text; nothing for null.
std::optional<std::string> json_text_value(std::string_view text);
/// `->` with a text: a member of an object.
std::optional<std::string_view> json_at_path(std::string_view text, const std::vector<std::string>& path);

void append_json_string(std::string& out, std::string_view text);

}  // namespace tickstone::duck
