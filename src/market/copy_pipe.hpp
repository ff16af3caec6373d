// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

#include "market/connection.hpp"

namespace tickstone::market {

/// What one side reads of COPY on its way to the other: a bounded number of bytes wait. Threads: one writer,
/// one reader.
class CopyPipe {
 public:
  /// Waits for room. False once the reader has given up.
  bool write(std::string_view bytes);
  void end_writing();
  /// Waits for bytes. False at the end.
  bool read(std::string& chunk);
  /// Nothing more will be read: the writer need not wait.
  void give_up();

 private:
  static constexpr std::size_t kChunkBytes = 1 << 18;
  static constexpr std::size_t kMostChunks = 16;

  void push_chunk(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> chunks_;
  std::string filling_;  // the writer's
  bool has_ended_ = false;
  bool has_given_up_ = false;
};

/// Runs `COPY ... TO STDOUT` on one connection into `COPY ... FROM STDIN` on another. Returns the rows.
/// Errors: the source's where both failed. Afterwards a source behind libpq that was left in the middle is
/// not open any more.
std::uint64_t copy_across(Connection& source, const std::string& copy_out, Connection& target,
                          const std::string& copy_in);

}  // namespace tickstone::market
