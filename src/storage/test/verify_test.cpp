// SPDX-License-Identifier: Apache-2.0
#include "storage/verify.hpp"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "base/checksum.hpp"
#include "storage/log.hpp"
#include "storage/log_format.hpp"
#include "storage/manifest.hpp"
#include "storage/row_order.hpp"
#include "storage/sealed_segment.hpp"
#include "storage/segment_check.hpp"
#include "storage/test/power_loss_file_system.hpp"
#include "storage/test/store_fixture.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;
using ::testing::HasSubstr;
using Kind = VerifyFinding::Kind;

class VerifyTest : public StoreFixture {
 protected:
  VerifyTest() {
    files = std::make_unique<PowerLossFileSystem>();
    options.files = files.get();
    options.log_file_bytes = 8192;
    options.row_group_rows = 16;
    options.background_compaction = false;  // segments stay as a test made them
    path = "/store";
  }
  ~VerifyTest() override { store.reset(); }

  /// Three segments of two tables, and rows and a deletion that are in the log only.
  std::unique_ptr<PowerLossFileSystem> make_store() {
    open();
    create(trades(kTrades));
    create(keyless(kTrades + 1));
    Rows rows;
    for (int i = 0; i < 40; ++i)
      rows.push_back({i % 2 == 0 ? "A" : "B", i * 10, i, std::to_string(i) + ".5"});
    insert(kTrades, rows);
    insert(kTrades + 1, rows);
    store->checkpoint();
    insert(kTrades, {{"A", 5, 1, "1"}, {"C", 2000, 1, ""}});
    store->checkpoint();
    insert(kTrades, {{"D", 7, 7, "7"}});
    auto transaction = store->begin();
    transaction->erase(kTrades, keys({{"A", 0, 0, ""}}));
    transaction->commit();
    return files->copy();
  }

  VerifyReport verify(PowerLossFileSystem& on) {
    VerifyOptions how;
    how.files = &on;
    return verify_directory(path, how);
  }
  static std::string describe(const VerifyReport& report) {
    std::string text;
    for (const auto& finding : report.findings) {
      text += finding.file.string() + "@" + std::to_string(finding.offset) + " " + finding.table_name + ": " +
              finding.what + "\n";
    }
    return text;
  }
  std::vector<std::filesystem::path> all_files(PowerLossFileSystem& on) {
    std::vector<std::filesystem::path> all = {path / "MANIFEST"};
    for (const char* folder : {"log", "segments"}) {
      for (const auto& name : on.list(path / folder)) all.push_back(path / folder / name);
    }
    return all;
  }

  std::unique_ptr<PowerLossFileSystem> files;
};

TEST_F(VerifyTest, AWholeStoreHasNoFindings) {
  const auto whole = make_store();
  const auto report = verify(*whole);
  EXPECT_TRUE(report.findings.empty()) << describe(report);
  EXPECT_EQ(report.table_count, 2U);
  EXPECT_GE(report.segment_count, 3U);
  EXPECT_EQ(report.sealed_rows, 82U);
  EXPECT_EQ(report.log_commits, 2U);
  EXPECT_FALSE(report.is_backup);
}

TEST_F(VerifyTest, ProgressReachesItsTotal) {
  const auto whole = make_store();
  std::uint64_t last_done = 0;
  std::uint64_t last_total = 0;
  VerifyOptions how;
  how.files = whole.get();
  how.progress = [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_GE(done, last_done);
    last_done = done;
    last_total = total;
  };
  const auto report = verify_directory(path, how);
  EXPECT_EQ(last_done, last_total);
  EXPECT_GT(last_total, 0U);
}

TEST_F(VerifyTest, EveryFlippedByteOfAFileIsFoundAndItsFileNamed) {
  const auto whole = make_store();
  for (const auto& file : all_files(*whole)) {
    const std::size_t size = whole->bytes_of(file).size();
    const bool is_log = file.extension() == ".log";
    for (std::size_t at = 0; at < size; ++at) {
      // What a log file has not written yet is zero and means nothing; bytes behind the last record are an
      // end that a crash may have left.
      if (is_log && at > 600) break;
      const auto damaged = whole->copy();
      damaged->bytes_of(file)[at] ^= std::byte{0x40};
      const auto report = verify(*damaged);
      const auto found =
          std::find_if(report.findings.begin(), report.findings.end(), [&](const auto& finding) {
            return finding.file == file && (is_log || finding.kind == Kind::Damage);
          });
      ASSERT_NE(found, report.findings.end()) << file << " at " << at << "\n" << describe(report);
    }
  }
}

TEST_F(VerifyTest, DamageInEachFileIsFoundInOneRun) {
  const auto damaged = make_store();
  const auto segments = damaged->list(path / "segments");
  ASSERT_GE(segments.size(), 3U);
  for (const auto& name : segments) {
    // Behind the header: the first block.
    damaged->bytes_of(path / "segments" / name)[40] ^= std::byte{1};
  }
  const auto report = verify(*damaged);
  for (const auto& name : segments) {
    const auto found = std::find_if(report.findings.begin(), report.findings.end(),
                                    [&](const auto& finding) { return finding.file.filename() == name; });
    ASSERT_NE(found, report.findings.end()) << name;
    EXPECT_EQ(found->offset, 32U);
    EXPECT_THAT(found->what, HasSubstr("row group 0, column \"symbol\": the checksum does not match"));
    EXPECT_THAT(found->table_name, testing::AnyOf("trades", "keyless"));
  }
  EXPECT_TRUE(report.has_damage());
}

TEST_F(VerifyTest, TwoDamagedBlocksOfOneSegmentAreTwoFindings) {
  const auto damaged = make_store();
  const auto file = path / "segments" / damaged->list(path / "segments").front();
  std::vector<std::uint64_t> offsets;
  const auto footer =
      check_segment(*damaged, file, [](std::uint64_t, const std::string& what) { FAIL() << what; });
  ASSERT_TRUE(footer);
  ASSERT_GE(footer->row_groups.size(), 2U);
  for (const std::size_t block : {std::size_t{1}, footer->columns.size()}) {
    damaged->bytes_of(file)[footer->blocks[block].offset + 2] ^= std::byte{8};
    offsets.push_back(footer->blocks[block].offset);
  }
  std::vector<std::uint64_t> found;
  for (const auto& finding : verify(*damaged).findings) found.push_back(finding.offset);
  EXPECT_EQ(found, offsets);
}

TEST_F(VerifyTest, SegmentsAreCheckedWithoutAManifest) {
  const auto damaged = make_store();
  damaged->bytes_of(path / "MANIFEST")[50] ^= std::byte{1};
  const auto file = path / "segments" / damaged->list(path / "segments").back();
  damaged->bytes_of(file)[40] ^= std::byte{1};
  const auto report = verify(*damaged);
  EXPECT_THAT(describe(report), HasSubstr("MANIFEST@0"));
  EXPECT_THAT(describe(report), HasSubstr(file.string() + "@32"));
}

TEST_F(VerifyTest, MissingFilesAreFound) {
  const auto whole = make_store();
  for (const auto& file : all_files(*whole)) {
    const auto damaged = whole->copy();
    damaged->remove(file);
    const auto report = verify(*damaged);
    EXPECT_THAT(describe(report), HasSubstr(file.string() + "@0")) << file;
    EXPECT_TRUE(report.has_damage());
  }
}

TEST_F(VerifyTest, StrayFilesAreNotedAndNoDamage) {
  const auto whole = make_store();
  for (const auto& name : {"segments/0000000099.seg", "segments/notes.txt", "log/0000000000.log",
                           "MANIFEST.new", "core", "tmp/duckdb_temp_block-1.block"}) {
    whole->open(path / name, FileSystem::Mode::Create)->write_at(0, std::as_bytes(std::span("stray", 5)));
  }
  const auto report = verify(*whole);
  EXPECT_EQ(report.findings.size(), 5U) << describe(report);
  EXPECT_FALSE(report.has_damage()) << describe(report);
}

TEST_F(VerifyTest, ATornEndOfTheLogIsNotedAndNoDamage) {
  open();
  create(trades(kTrades));
  insert(kTrades, {{"A", 1, 1, "1"}});
  const auto torn = files->copy();
  const auto file = path / "log" / log_file_name(1);
  auto& bytes = torn->bytes_of(file);
  std::size_t end = bytes.size();
  while (bytes[end - 1] == std::byte{0}) --end;
  bytes[end + 100] = std::byte{1};
  const auto report = verify(*torn);
  ASSERT_EQ(report.findings.size(), 1U) << describe(report);
  EXPECT_EQ(report.findings[0].kind, Kind::Note);
  EXPECT_THAT(report.findings[0].what, HasSubstr("a crash cut off"));
  EXPECT_EQ(report.log_commits, 2U);
}

TEST_F(VerifyTest, DamageInTheLogIsFoundAndTheRecordsBehindItAreRead) {
  open();
  create(trades(kTrades));
  for (int i = 0; i < 4; ++i) insert(kTrades, {{"A", i, 1, "1"}});
  const auto damaged = files->copy();
  const auto file = path / "log" / log_file_name(1);
  damaged->bytes_of(file)[100] ^= std::byte{1};
  const auto report = verify(*damaged);
  EXPECT_TRUE(report.has_damage());
  EXPECT_GE(report.log_commits, 3U);
  EXPECT_THAT(describe(report), HasSubstr(file.string() + "@32"));
}

TEST_F(VerifyTest, RecordsThatAreGoneFromTheEndOfALogFileAreFound) {
  open();
  create(trades(kTrades));
  for (int i = 0; i < 100; ++i) insert(kTrades, {{"A", i, 1, "1"}});
  const auto damaged = files->copy();
  ASSERT_GE(damaged->list(path / "log").size(), 2U);
  const auto file = path / "log" / log_file_name(1);
  auto& bytes = damaged->bytes_of(file);
  // The last record that is whole becomes zeros, as what was never written is.
  std::uint64_t last = 0;
  for (std::uint64_t at = kLogHeaderBytes;;) {
    const auto rest = std::span<const std::byte>(bytes).subspan(at);
    const auto header = get_log_record_header(rest, 1);
    if (!header || !is_log_record_whole(rest, *header, 1)) break;
    last = at;
    at += kLogRecordHeaderBytes + header->body_bytes;
  }
  ASSERT_GT(last, 0U);
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(last), bytes.end(), std::byte{0});
  const auto report = verify(*damaged);
  EXPECT_TRUE(report.has_damage());
  EXPECT_THAT(describe(report), HasSubstr(file.string() + "@" + std::to_string(last)));
}

TEST_F(VerifyTest, ASegmentOfAnotherTableInItsPlaceIsFound) {
  const auto damaged = make_store();
  const auto manifest = read_manifest(*damaged, path);
  ASSERT_TRUE(manifest);
  std::vector<std::uint64_t> numbers;  // one segment of each table
  for (const auto& table : manifest->tables) numbers.push_back(table.chunks.front().segments.front().number);
  ASSERT_EQ(numbers.size(), 2U);
  const auto name = [&](std::uint64_t number) {
    return path / "segments" / SealedSegment::file_name(number);
  };
  damaged->bytes_of(name(numbers[0])) = PowerLossFileSystem::Bytes(damaged->bytes_of(name(numbers[1])));
  const auto report = verify(*damaged);
  EXPECT_THAT(describe(report), HasSubstr("it belongs to table " + std::to_string(kTrades + 1)));
}

TEST_F(VerifyTest, AManifestThatDisagreesWithItsSegmentsIsFound) {
  const auto whole = make_store();
  const auto manifest = read_manifest(*whole, path);
  ASSERT_TRUE(manifest);
  struct Change {
    const char* what;
    std::function<void(Manifest&)> make;
  };
  const auto first = [](Manifest& changed) -> ManifestSegment& {
    return changed.tables.front().chunks.front().segments.front();
  };
  const std::vector<Change> changes = {
      {"rows, the manifest says", [&](Manifest& m) { first(m).row_count += 1; }},
      {"bytes, the manifest says", [&](Manifest& m) { first(m).size_bytes -= 1; }},
      {"the manifest ends rows that it does not have",
       [&](Manifest& m) { first(m).ended_rows = {first(m).row_count}; }},
      {"the manifest ends rows that it does not have",
       [&](Manifest& m) {
         first(m).ended_rows = {3, 2};
       }},
      {"it has times outside of its chunk",
       [&](Manifest& m) {
         m.tables.front().chunks.front().range = {-1, 5};
       }},
      {"overlaps another one",
       [&](Manifest& m) {
         m.tables.front().chunks.front().range = {-1, 2500};
       }},
      {"is not its own", [&](Manifest& m) { m.next_chunk = 1; }},
      {"another use for its number", [&](Manifest& m) { m.next_segment = 1; }},
      {"has another type than in its table",
       [&](Manifest& m) { m.tables.front().schema.columns[2].type = SqlType::of(TypeId::Double); }},
  };
  for (const auto& change : changes) {
    auto changed = *manifest;
    change.make(changed);
    const auto damaged = whole->copy();
    write_manifest(*damaged, path, changed, [] {});
    const auto report = verify(*damaged);
    EXPECT_THAT(describe(report), HasSubstr(change.what));
    EXPECT_TRUE(report.has_damage()) << change.what;
  }
}

TEST_F(VerifyTest, AKeyThatLivesInTwoSegmentsIsFound) {
  open();
  create(trades(kTrades));
  Rows rows;
  for (int i = 0; i < 30; ++i) rows.push_back({"A", i, i, "1"});
  insert(kTrades, rows);
  store->checkpoint();
  insert(kTrades, {{"A", 2, 2, "2"}, {"C", 1, 1, "1"}}, OnDuplicate::Replace);
  store->checkpoint();
  const auto whole = files->copy();
  auto manifest = *read_manifest(*whole, path);
  auto& segments = manifest.tables.front().chunks.front().segments;
  ASSERT_EQ(segments.size(), 2U);
  EXPECT_TRUE(verify(*whole).findings.empty());
  for (auto& segment : segments) segment.ended_rows.clear();  // the older version lives again
  write_manifest(*whole, path, manifest, [] {});
  EXPECT_THAT(describe(verify(*whole)), HasSubstr("has the key of a living row of segment"));
}

/// Writes a segment whose checksums are right over changed contents of its footer.
void rewrite_footer(PowerLossFileSystem& files, const std::filesystem::path& file,
                    const std::function<void(SegmentFooter&)>& change) {
  auto& bytes = files.bytes_of(file);
  const std::span<const std::byte> all = bytes;
  const SegmentHeader header = read_header(all.first(kSegmentHeaderBytes));
  const std::uint64_t seed = header.seed;
  auto trailer = read_trailer(all.last(kSegmentTrailerBytes), seed);
  auto footer = read_footer(all.subspan(trailer.footer_offset, trailer.footer_bytes), trailer.footer_offset,
                            header.version);
  change(footer);
  ByteWriter out;
  out.put_bytes(all.first(trailer.footer_offset));
  ByteWriter footer_bytes;
  write_footer(footer, header.version, footer_bytes);
  trailer.footer_bytes = footer_bytes.size();
  trailer.footer_checksum = checksum64(footer_bytes.bytes(), seed);
  out.put_bytes(footer_bytes.bytes());
  write_trailer(trailer, seed, out);
  bytes = out.take();
}

TEST_F(VerifyTest, AFooterThatDisagreesWithItsRowsIsFound) {
  const auto whole = make_store();
  const auto manifest = *read_manifest(*whole, path);
  const auto file = path / "segments" /
                    SealedSegment::file_name(manifest.tables.front().chunks.front().segments.front().number);
  struct Change {
    const char* what;
    std::function<void(SegmentFooter&)> make;
  };
  const std::vector<Change> changes = {
      {"lie outside of the range", [](SegmentFooter& f) { f.ranges[1].maximum.integer -= 1; }},
      {"lie outside of the range", [](SegmentFooter& f) { f.ranges[1].minimum.integer += 1; }},
      {"lie outside of the range",
       [](SegmentFooter& f) { f.ranges[3].minimum.is_null = f.ranges[3].maximum.is_null = true; }},
      {"lie outside of the range", [](SegmentFooter& f) { f.ranges[3].null_count = 1; }},
      {"more digits than the footer says", [](SegmentFooter& f) { f.columns[3].integer_digits = 0; }},
      {"series directory", [](SegmentFooter& f) { f.series.back().max_time_inclusive += 1; }},
      {"series directory", [](SegmentFooter& f) { f.series.front().min_time += 1; }},
      {"series directory",
       [](SegmentFooter& f) {
         f.series.front().row_count -= 1;
         f.series.back().row_count += 1;
       }},
      {"series directory", [](SegmentFooter& f) { f.series.back().key[0].text = "Z"; }},
      {"the first key of row group 1", [](SegmentFooter& f) { std::swap(f.first_keys[1], f.first_keys[2]); }},
  };
  for (const auto& change : changes) {
    const auto damaged = whole->copy();
    rewrite_footer(*damaged, file, change.make);
    std::string found;
    check_segment(*damaged, file, [&](std::uint64_t, const std::string& what) { found += what + "\n"; });
    EXPECT_THAT(found, HasSubstr(change.what));
  }
}

TEST_F(VerifyTest, NothingIsChanged) {
  const auto whole = make_store();
  std::map<std::string, PowerLossFileSystem::Bytes> before;
  for (const auto& file : all_files(*whole)) before[file.string()] = whole->bytes_of(file);
  verify(*whole);
  std::map<std::string, PowerLossFileSystem::Bytes> after;
  for (const auto& file : all_files(*whole)) after[file.string()] = whole->bytes_of(file);
  EXPECT_TRUE(before == after);
}

TEST_F(VerifyTest, ADirectoryThatIsNoStoreIsRefused) {
  PowerLossFileSystem empty;
  try {
    verify(empty);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::UndefinedFile);
    EXPECT_EQ(error.message(), "\"/store\" is no data directory");
  }
}

using VerifyOnDisk = StoreFixture;

TEST_F(VerifyOnDisk, ADirectoryInUseIsRefused) {
  open();
  try {
    verify_directory(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::ObjectInUse);
  }
  store.reset();
  EXPECT_TRUE(verify_directory(path).findings.empty());
}

}  // namespace
}  // namespace tickstone::storage
