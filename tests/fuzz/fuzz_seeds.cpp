// SPDX-License-Identifier: Apache-2.0
// Writes the inputs that fuzzing starts from: fuzz_seeds <directory>, a folder a target.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <tickstone/error.hpp>

#include "fuzz_types.hpp"
#include "storage/segment.hpp"
#include "storage/test/column_samples.hpp"
#include "storage/test/segment_fixture.hpp"
#include "store_files.hpp"

namespace {

using namespace tickstone;
using namespace tickstone::storage;

/// A plain table of every physical type, its values as `ColumnSampler` makes them.
TableSchema any_schema() {
  TableSchema schema;
  schema.id = 20003;
  schema.name = "any";
  ColumnId id = 0;
  for (const TypeId type : {TypeId::Boolean, TypeId::SmallInt, TypeId::Integer, TypeId::BigInt,
                            TypeId::Numeric, TypeId::Uuid, TypeId::Real, TypeId::Double, TypeId::Text}) {
    schema.columns.push_back({++id, "c" + std::to_string(id), SqlType::of(type), false});
  }
  return schema;
}

Batch any_batch(const TableSchema& schema, std::uint64_t seed) {
  ColumnSampler sampler(seed);
  const std::size_t rows = 1 + sampler.below(40);
  Batch batch = empty_batch(schema);
  for (std::size_t c = 0; c < schema.columns.size(); ++c) {
    const auto& type = schema.columns[c].type;
    batch.columns[c] = sampler.column(type, initial_layout(type), rows, sampler.below(4));
  }
  for (std::size_t row = 0; row < rows; ++row) batch.columns.back().append_fixed<std::int64_t>(row);
  return batch;
}

void write_segments(const std::filesystem::path& directory) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto schema = any_schema();
    auto writer = SegmentWriter::create(posix_file_system(),
                                        directory / ("any" + std::to_string(seed) + ".seg"), schema, 16);
    writer->append(any_batch(schema, seed));
    writer->finish();
  }
  for (const int rows : {1, 20, 100}) {
    auto writer = SegmentWriter::create(
        posix_file_system(), directory / ("bars" + std::to_string(rows) + ".seg"), bars_schema(), 64);
    writer->append(make_bars(3, rows));
    writer->finish();
  }
}

/// Numbers its files.
class Folder {
 public:
  explicit Folder(std::filesystem::path path) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
  }
  void put(std::string_view bytes) {
    std::ofstream out(path_ / std::to_string(count_++), std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) throw Error(ErrorCode::IoError, "could not write \"" + path_.string() + "\"");
  }
  void put(std::string head, std::span<const std::byte> bytes) {
    head.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    put(head);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int count_ = 0;
};

std::string head_of(fuzzing::StoreInput kind) { return std::string(1, static_cast<char>(kind)); }

void write_batches(Folder folder) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    ByteWriter out;
    encode_batch(any_batch(any_schema(), seed), out);
    folder.put("", out.bytes());
  }
}

void write_stores(Folder folder) {
  using fuzzing::StoreInput;
  for (const std::size_t steps : {2U, 4U, 7U, 11U, 18U, 23U, 100U}) {
    const auto store = fuzzing::make_store_files(steps);
    const auto& log = store->files.bytes_of(store->log);
    folder.put(head_of(StoreInput::LogFile), log);
    std::string records = head_of(StoreInput::LogRecords);
    for (std::uint64_t at = kLogHeaderBytes;;) {
      const auto rest = std::span<const std::byte>(log).subspan(at);
      const auto header = get_log_record_header(rest, store->log_number);
      if (!header || header->body_bytes > UINT16_MAX) break;
      records += static_cast<char>(static_cast<int>(header->kind) - 1);
      records += static_cast<char>(header->id);
      records += static_cast<char>(header->body_bytes & 0xFF);
      records += static_cast<char>(header->body_bytes >> 8);
      records.append(reinterpret_cast<const char*>(rest.data()) + kLogRecordHeaderBytes, header->body_bytes);
      at += kLogRecordHeaderBytes + header->body_bytes;
    }
    folder.put(records);
    const auto& manifest = store->files.bytes_of(store->manifest);
    folder.put(head_of(StoreInput::Manifest), manifest);
    folder.put(head_of(StoreInput::ManifestBody), std::span(manifest).subspan(fuzzing::kManifestHeaderBytes));
  }
}

void write_values(Folder folder) {
  const std::string_view texts[] = {
      "true",
      "f",
      "-12",
      "32768",
      "9223372036854775807",
      "1.5e10",
      "NaN",
      "-Infinity",
      "0.00001234",
      "123456789012345678901234567890.12345678",
      "text",
      "\\x00ff",
      "\\001\\\\",
      "2024-02-29",
      "24:00:00",
      "23:59:59.999999",
      "2024-01-15 09:30:00.123456-05",
      "Jan 15 09:30:00 2024 BC",
      "2024-01-15T09:30:00Z",
      "2024-01-15 09:30:00.123456789",
      "infinity",
      "epoch",
      "now",
      "20240115 093000 America/New_York",
      "2024.015",
      "J2451187",
      "1 mon -2 days 03:04:05.6",
      "P1Y2M3DT4H5M6.7S",
      "@ 1 year 2 mons ago",
      "1.5 weeks",
      "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
      R"({"a": [1, 2.5e3, null, true], "b": {"c": "\u00e9\ud83d\ude00"}, "a": ""})",
      "[]",
      R"("x")",
      "{1,NULL,3}",
      R"({"a b",NULL,"c\"d"})",
      "{{1,2},{3,4}}",
      "[2:3]={1,2}",
      "1 day|2024-03-10 02:30:00|America/New_York",
      "1 month|2024-01-31 00:00|UTC",
      "00:05:00|1999-12-31 23:59:59.999999|EST5EDT,M3.2.0,M11.1.0",
      R"({"a":1}|{"b":1})",
      "Europe/Berlin",
      "EST5EDT",
      "<+03>-3",
      "+05:30",
      "-08"};
  for (const auto text : texts) {
    for (int type = 0; type < static_cast<int>(fuzzing::kTypeCount); ++type) {
      for (const int mode : {0, 3, 4, 5, 6, 7}) {
        if (mode > 4 && type > 0) continue;  // the type does not matter
        std::string input{static_cast<char>(type), static_cast<char>(mode)};
        folder.put(input += text);
      }
    }
  }
}

void write_statements(Folder folder) {
  const std::string_view statements[] = {
      "SELECT symbol, last(close, timestamp) FROM ohlcv WHERE symbol = 'AAPL' AND timestamp > now() - "
      "interval '1 day' GROUP BY 1;",
      "INSERT INTO ohlcv (symbol, close) VALUES ('AAPL', 1.5), (E'A\\'B', -2e3), ($1, NULL) ON CONFLICT DO "
      "NOTHING",
      "INSERT INTO t VALUES ('a', TRUE, ARRAY[1,2], '{\"a\": 1}'::jsonb, DEFAULT)",
      "UPDATE t SET a = $tag$x$tag$ || U&'\\0061' WHERE b IN (1, 2.5, .5, 1e9) /* a /* nested */ comment */ "
      "-- end",
      "WITH x AS (SELECT 1) SELECT * FROM x JOIN LATERAL (SELECT 2) y ON true WINDOW w AS (ORDER BY 1)",
      "SELECT time_bucket('5 minutes', t) AS b, count(*) FILTER (WHERE a > 0) FROM q GROUP BY b HAVING "
      "count(*) > 1 LIMIT 5",
      "CREATE TABLE t (a INT PRIMARY KEY, b NUMERIC(10,2) DEFAULT 0 CHECK (b > 0)); SELECT "
      "create_hypertable('t', 'a')",
      "COPY t (a, b) FROM STDIN WITH (FORMAT csv, HEADER true)",
      "SELECT B'101', X'ff', N'x', 'a' 'b', \"q\"\"q\", 1::int8, :x"};
  for (const auto statement : statements) {
    std::string input(1, '\0');
    folder.put(input += statement);
    input[0] = '\1';
    folder.put(input);
  }
}

void write_messages(Folder folder) {
  using namespace std::string_view_literals;
  // Startup packet; a connection with a query; parameters; COPY data.
  folder.put("\x00\x00\x00\x00\x26\x00\x03\x00\x00user\x00inavvi_user\x00database\x00inavvi\x00\x00"sv);
  folder.put(
      "\x01\x00\x00\x00\x13\x00\x03\x00\x00user\x00me\x00\x00\x00Q\x00\x00\x00\x0dSELECT 1\x00X\x00\x00\x00\x04"sv);
  folder.put("\x3d\x00\x00\x00\x08\x04\xd2\x16\x2f"sv);
  for (int type = 0; type < static_cast<int>(fuzzing::kTypeCount); ++type) {
    for (const char format : {'\0', '\x80'}) {
      std::string input{'\x02', static_cast<char>(type | format)};
      folder.put(input + "1");
      folder.put(input + std::string(8, '\0'));
      folder.put(input + "2024-01-15 09:30:00+00");
    }
  }
  for (const char options : {'\0', '\1', '\2', '\x10', '\x11', '\x21', '\x41', '\x51'}) {
    std::string input{'\x03', options, '\x05'};
    folder.put(input + "AAPL\t1.5\t2024-01-15 09:30:00+00\n\\N\t\\N\t\\N\n\\.\n");
    folder.put(input + "a,b,c\n\"A \"\"x\"\"\n\",1.5,2024-01-15 09:30:00+00\n,,\n");
  }
  std::string binary{'\x03', '\2', '\x05'};
  binary +=
      "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x01x\xff\xff\xff\xff\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff"sv;
  folder.put(binary);
}

void write_files(Folder folder) {
  using namespace std::string_view_literals;
  folder.put(
      "\x00ticker,conditions,price,sequence_number,sip_timestamp,size\nA,\"12,37\",142.99,3807,"
      "1712306654208740096,5\n"
      "A,,x,3807,1.5,5\n"sv);
  folder.put(
      "\x01Ticker,ask_price,bid_exchange,bid_price,conditions,sequence_number,sip_timestamp\nA,1,2,3,,5,1712306654208740096\n"sv);
  folder.put(
      "\x02ticker,volume,open,close,high,low,window_start,transactions\nA,1,2,3,4,5,1712306640000000000,7\n"sv);
  folder.put("\x04X-1m-2\n1,1735689600000,1,2,3,4,5,6,7,8,9,10,11\n"sv);
  folder.put("\x05X-trades\n1,4359799650,93576.0,0.00055,51.4,1735689600012345,True,True\n"sv);
  folder.put(
      "\x07{\"columns\": {\"price\": {\"from\": \"a\", \"multiply\": \"0.01\"}}, \"delimiter\": \";\", \"header\": false, \"fields\": [\"a\"]}"sv);
  folder.put(
      "\x08{\"columns\": {\"timestamp\": {\"from\": \"a\", \"zone\": \"America/New_York\"}, \"exact\": "
      "{\"from\": \"b\", "
      "\"unit\": \"auto\"}, \"id\": {\"line\": true}}}\x00"
      "2026-01-05 09:30:00,1712306640.5,A\n"sv);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: fuzz_seeds <directory>\n", stderr);
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  try {
    write_segments(Folder(directory / "segment_fuzz").path());
    write_batches(Folder(directory / "batch_fuzz"));
    write_stores(Folder(directory / "store_fuzz"));
    write_values(Folder(directory / "types_fuzz"));
    write_statements(Folder(directory / "sql_fuzz"));
    write_messages(Folder(directory / "wire_fuzz"));
    write_files(Folder(directory / "import_fuzz"));
  } catch (const Error& error) {  // Boundary: the program's end
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
