// SPDX-License-Identifier: Apache-2.0
// Anything a client may send: startup packets, frames, message bodies, parameters, COPY data. The first byte
// says which.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "fuzz_types.hpp"
#include "pgwire/frame_reader.hpp"
#include "pgwire/frontend_message.hpp"
#include "pgwire/row_encoder.hpp"
#include "pgwire/startup_packet.hpp"
#include "types/binary_format.hpp"
#include "types/copy_format.hpp"

namespace {

using namespace tickstone;

using fuzzing::kTypes;
using fuzzing::refuse_or;

void read_body(char type, std::string_view body) {
  switch (type) {
    case 'Q':
      pgwire::read_query(body);
      break;
    case 'P':
      pgwire::read_parse(body);
      break;
    case 'B': {
      const auto bind = pgwire::read_bind(body);
      for (std::size_t i = 0; i < bind.parameters.size(); ++i) bind.parameter_format(i);
      break;
    }
    case 'D':
      pgwire::read_describe(body);
      break;
    case 'E':
      pgwire::read_execute(body);
      break;
    case 'C':
      pgwire::read_close(body);
      break;
    case 'f':
      pgwire::read_copy_fail(body);
      break;
    case 'p':
      pgwire::read_sasl_initial(body);
      break;
    default:
      pgwire::expect_empty(body);
      break;
  }
}

void read_connection(std::string_view input, std::size_t step) {
  pgwire::FrameReader reader;
  bool is_started = false;
  while (!input.empty()) {
    const auto size = std::min(step, input.size());
    const auto room = reader.room(size);
    std::memcpy(room.data(), input.data(), size);
    reader.took(size);
    input.remove_prefix(size);
    if (!is_started) {
      const auto packet = reader.next_startup();
      if (!packet) continue;
      pgwire::read_startup_packet(*packet);
      is_started = true;
      reader.set_logged_in();
    }
    while (const auto frame = reader.next()) refuse_or([&] { read_body(frame->type, frame->body); });
  }
}

/// A value that is accepted is sent, and what is sent is accepted as the same.
void read_parameter(std::string_view input) {
  if (input.empty()) return;
  const auto& type = kTypes[static_cast<unsigned char>(input[0]) % std::size(kTypes)];
  const auto format = (input[0] & 0x80) != 0 ? pgwire::ValueFormat::Binary : pgwire::ValueFormat::Text;
  const auto value = pgwire::decode_parameter(type, format, input.substr(1), FormatContext{});
  Batch batch;
  batch.columns.emplace_back(type);
  append_value(batch.columns[0], value);
  for (const auto sent : {pgwire::ValueFormat::Text, pgwire::ValueFormat::Binary}) {
    std::string out;
    pgwire::RowEncoder({sent}, FormatContext{}).append_rows(out, batch, 0, 1);
    const auto again =
        pgwire::decode_parameter(type, sent, std::string_view(out).substr(11), FormatContext{});
    TICKSTONE_CHECK(compare_values(again, value_at(batch.columns[0].view(), 0)) ==
                    std::strong_ordering::equal);
  }
}

CopyOptions copy_options(unsigned char choice) {
  auto options = CopyOptions::text();
  if (choice % 3 == 1) options = CopyOptions::csv();
  if (choice % 3 == 2) return CopyOptions::binary();
  if ((choice & 0x10) != 0) options.header = CopyHeader::Present;
  if ((choice & 0x20) != 0) options.delimiter = '|';
  if ((choice & 0x40) != 0) options.escape = '\\';
  return options;
}

/// Rows do not depend on how the input is cut.
void read_copy(std::string_view input) {
  if (input.size() < 2) return;
  const auto options = copy_options(static_cast<unsigned char>(input[0]));
  const std::size_t step = static_cast<unsigned char>(input[1]) % 17 + 1U;
  input.remove_prefix(2);
  const std::vector<CopyColumn> columns = {{"a", SqlType::of(TypeId::Text)},
                                           {"b", SqlType::of(TypeId::Numeric)},
                                           {"c", SqlType::of(TypeId::TimestampTz)}};
  const auto rows_in_steps = [&](std::size_t bytes) {
    CopyReader reader(options, columns, "t");
    reader.set_bad_row_handler([](const CopyBadRow&) {});
    auto batch = reader.make_batch();
    bool is_whole = true;
    try {
      for (std::size_t at = 0; at < input.size(); at += bytes)
        reader.feed(std::string(input.substr(at, bytes)), batch);
      reader.finish(batch);
    } catch (const Error&) {
      is_whole = false;
    }
    for (const auto& column : batch.columns) TICKSTONE_CHECK(column.size() == batch.row_count());
    std::string out;
    CopyWriter(CopyOptions::csv(), columns).append_batch(out, batch);
    return std::pair(is_whole, out);
  };
  const auto whole = rows_in_steps(input.size() + 1);
  TICKSTONE_CHECK(rows_in_steps(step) == whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  const auto kind = static_cast<unsigned char>(input[0]);
  input.remove_prefix(1);
  refuse_or([&] {
    switch (kind % 4) {
      case 0:
        pgwire::read_startup_packet(input);
        break;
      case 1:
        read_connection(input, kind / 4 + 1U);
        break;
      case 2:
        read_parameter(input);
        break;
      default:
        read_copy(input);
        break;
    }
  });
  return 0;
}
