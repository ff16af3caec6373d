// SPDX-License-Identifier: Apache-2.0
// Any bytes as the rows of a log record: refused, or values that can be printed and written again as the
// same.
#include <cstdint>
#include <string>

#include "base/check.hpp"
#include "fuzz_types.hpp"
#include "types/column.hpp"
#include "types/value.hpp"

namespace {

using namespace tickstone;

std::string text_of(const Batch& batch) {
  std::string out;
  for (const auto& column : batch.columns) {
    const auto view = column.view();
    for (std::size_t row = 0; row < view.size; ++row) {
      if (!view.is_null(row)) {
        try {
          append_text(out, view, row, FormatContext{});
        } catch (const Error& error) {
          out += error.what();
        }
      }
      out += '\n';
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tickstone::fuzzing::refuse_or([&] {
    ByteReader in({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    const Batch batch = decode_batch(in);
    for (const auto& column : batch.columns) TICKSTONE_CHECK(column.size() == batch.row_count());
    ByteWriter out;
    encode_batch(batch, out);
    ByteReader again(out.bytes(), "fuzz again");
    const Batch copy = decode_batch(again);
    TICKSTONE_CHECK(again.at_end());
    TICKSTONE_CHECK(text_of(copy) == text_of(batch));
  });
  return 0;
}
