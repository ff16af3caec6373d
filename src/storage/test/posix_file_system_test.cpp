// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "storage/file_system.hpp"

namespace tickstone::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::span<const std::byte> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

class PosixFileSystemTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tickstone_files_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  FileSystem& files_ = posix_file_system();
  std::filesystem::path directory_;
};

template <typename Action>
ErrorCode code_of(Action action, std::string* message = nullptr) {
  try {
    action();
  } catch (const Error& error) {
    if (message != nullptr) *message = error.message();
    return error.code();
  }
  return ErrorCode::SuccessfulCompletion;
}

TEST_F(PosixFileSystemTest, WritesAndReadsAtOffsets) {
  auto file = files_.open(directory_ / "a", FileSystem::Mode::Create);
  file->write_at(3, bytes_of("world"));
  file->write_at(0, bytes_of("abc"));
  std::string read(20, 'x');
  EXPECT_EQ(file->read_at(0, std::as_writable_bytes(std::span(read))), 8U);
  EXPECT_EQ(read.substr(0, 8), "abcworld");
  EXPECT_EQ(file->read_at(6, std::as_writable_bytes(std::span(read.data(), 2))), 2U);
  EXPECT_EQ(read.substr(0, 2), "ld");
  EXPECT_EQ(file->read_at(100, std::as_writable_bytes(std::span(read))), 0U);
  file->sync_data();
  EXPECT_EQ(file->size_bytes(), 8U);
  file->truncate(4);
  EXPECT_EQ(file->size_bytes(), 4U);
  file->allocate(10000);
  EXPECT_EQ(file->size_bytes(), 10000U);
  EXPECT_EQ(file->path(), directory_ / "a");
}

TEST_F(PosixFileSystemTest, CreateRefusesAFileThatExists) {
  files_.open(directory_ / "a", FileSystem::Mode::Create);
  std::string message;
  EXPECT_EQ(code_of([&] { files_.open(directory_ / "a", FileSystem::Mode::Create); }, &message),
            ErrorCode::IoError);
  EXPECT_EQ(message, "could not create file \"" + (directory_ / "a").string() + "\": File exists");
}

TEST_F(PosixFileSystemTest, NamesTheFileThatIsNotThere) {
  std::string message;
  EXPECT_EQ(code_of([&] { files_.open(directory_ / "none", FileSystem::Mode::Read); }, &message),
            ErrorCode::IoError);
  EXPECT_THAT(message, HasSubstr("none\": No such file or directory"));
  EXPECT_FALSE(files_.exists(directory_ / "none"));
  EXPECT_TRUE(files_.list(directory_ / "none").empty());
  EXPECT_EQ(code_of([&] { files_.remove(directory_ / "none"); }), ErrorCode::IoError);
}

TEST_F(PosixFileSystemTest, ReadOnlyFilesRefuseWrites) {
  files_.open(directory_ / "a", FileSystem::Mode::Create);
  auto file = files_.open(directory_ / "a", FileSystem::Mode::Read);
  EXPECT_EQ(code_of([&] { file->write_at(0, bytes_of("x")); }), ErrorCode::IoError);
}

TEST_F(PosixFileSystemTest, DirectoriesListRenameRemove) {
  files_.make_directory(directory_ / "d");
  files_.make_directory(directory_ / "d");
  files_.open(directory_ / "d" / "b", FileSystem::Mode::Create);
  files_.open(directory_ / "d" / "a", FileSystem::Mode::Create);
  files_.sync_directory(directory_ / "d");
  EXPECT_THAT(files_.list(directory_ / "d"), ElementsAre("a", "b"));
  files_.rename(directory_ / "d" / "b", directory_ / "d" / "c");
  files_.remove(directory_ / "d" / "a");
  EXPECT_THAT(files_.list(directory_ / "d"), ElementsAre("c"));
  EXPECT_GT(files_.free_bytes(directory_), 0U);
  EXPECT_EQ(code_of([&] { files_.make_directory(directory_ / "d" / "c"); }), ErrorCode::IoError);
}

TEST_F(PosixFileSystemTest, OpensMoreFilesThanTheSoftLimit) {
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  struct rlimit low = before;
  low.rlim_cur = 40;
  if (before.rlim_max < 200) GTEST_SKIP() << "the hard limit is low";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  std::vector<std::unique_ptr<File>> open;
  for (int i = 0; i < 100; ++i) {
    open.push_back(files_.open(directory_ / std::to_string(i), FileSystem::Mode::Create));
  }
  EXPECT_EQ(open.size(), 100U);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(PosixFileSystemTest, AFullDiskIsDiskFull) {
  // /dev/full answers every write with ENOSPC.
  auto file = files_.open("/dev/full", FileSystem::Mode::ReadWrite);
  std::string message;
  EXPECT_EQ(code_of([&] { file->write_at(0, bytes_of("x")); }, &message), ErrorCode::DiskFull);
  EXPECT_EQ(message, "could not write file \"/dev/full\": No space left on device");
}

}  // namespace
}  // namespace tickstone::storage
