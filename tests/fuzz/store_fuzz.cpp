// SPDX-License-Identifier: Apache-2.0
// Any bytes as the log or the manifest of a store, as they are and with checksums made right: opening it is
// refused with an error, or every row can be read.
#include <cstdint>
#include <cstdlib>

#include "fuzz_types.hpp"
#include "store_files.hpp"

namespace {

using namespace tickstone;
using namespace tickstone::storage;
using fuzzing::StoreFiles;
using fuzzing::StoreInput;
using Bytes = PowerLossFileSystem::Bytes;

/// Records as the input gives them: kind, transaction, u16 size, body.
Bytes log_of(std::span<const std::byte> input, std::uint64_t number) {
  Bytes log = log_file_header(number);
  for (std::uint64_t commit = 1'000'000; input.size() >= 4; ++commit) {
    LogRecordHeader header;
    header.kind = static_cast<LogRecordKind>(1 + static_cast<unsigned>(input[0]) % 7);
    const bool is_commit = header.kind == LogRecordKind::Commit ||
                           header.kind == LogRecordKind::CommitWithSegments ||
                           header.kind == LogRecordKind::TimedCommit;
    header.id = is_commit ? commit : static_cast<std::uint64_t>(input[1]);
    std::uint16_t size = 0;
    std::memcpy(&size, input.data() + 2, sizeof(size));
    input = input.subspan(4);
    const auto body = input.first(std::min<std::size_t>(size, input.size()));
    put_log_record(log, number, header, body);
    input = input.subspan(body.size());
  }
  return log;
}

void read_everything(FileSystem& files) {
  auto options = testing_store::fault_options(files);
  options.read_only = true;
  const auto store = Store::open(testing_store::kFaultPath, options);
  const auto view = store->read_view();
  for (const TableId table : view->tables()) {
    fuzzing::refuse_or([&] {
      ScanRequest request;
      request.table = table;
      for (const auto& column : view->schema(table)->columns) request.columns.push_back(column.id);
      const auto scan = view->scan(request);
      const auto state = scan->make_state();
      ScanBatch batch;
      std::uint64_t sum = 0;
      while (scan->read(*state, batch)) {
        for (const auto& column : batch.columns) {
          if (column.layout.physical != Physical::Bytes) continue;
          for (std::size_t row = 0; row < batch.row_count; ++row) {
            if (column.is_null(row)) continue;
            for (const char c : column.bytes(row)) sum += static_cast<unsigned char>(c);
          }
        }
      }
      if (sum == 0x1234'5678'9ABC'DEF0) std::abort();  // keeps the loop
      view->row_count(table);
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto whole = fuzzing::make_store_files(SIZE_MAX);
  if (size == 0) return 0;
  const std::span input(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  const auto files = whole->files.copy();
  switch (static_cast<StoreInput>(data[0] % static_cast<unsigned>(StoreInput::Count))) {
    case StoreInput::LogFile:
      files->bytes_of(whole->log).assign(input.begin(), input.end());
      break;
    case StoreInput::LogRecords:
      files->bytes_of(whole->log) = log_of(input, whole->log_number);
      break;
    case StoreInput::Manifest:
      files->bytes_of(whole->manifest).assign(input.begin(), input.end());
      break;
    case StoreInput::ManifestBody:
    case StoreInput::Count:
      files->bytes_of(whole->manifest) = fuzzing::manifest_of(input);
      break;
  }
  fuzzing::refuse_or([&] { read_everything(*files); });
  return 0;
}
