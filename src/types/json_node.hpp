// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tickstone {

struct JsonMember;

/// A JSON value as jsonb keeps it. The kinds are in PostgreSQL's order of jsonb values.
struct JsonNode {
  enum class Kind : std::uint8_t { Null, String, Number, False, True, Array, Object };
  Kind kind = Kind::Null;
  std::string text;                 // String: decoded; Number: without an exponent
  std::vector<JsonNode> elements;   // Array
  std::vector<JsonMember> members;  // Object: unique, ordered by length and bytes
};

struct JsonMember {
  std::string key;
  JsonNode value;
};

/// Whether the text becomes jsonb, whose strings and numbers must be decoded, or is only checked.
enum class JsonUse : std::uint8_t { Check, Decode };

/// Errors: InvalidTextRepresentation with PostgreSQL's detail; for `Decode` also UntranslatableCharacter for
/// \u0000 and NumericValueOutOfRange; ProgramLimitExceeded past a nesting of a thousand.
JsonNode parse_json(std::string_view text, JsonUse use);
void append_json(std::string& out, const JsonNode& node);
int compare_json(const JsonNode& a, const JsonNode& b);

}  // namespace tickstone
