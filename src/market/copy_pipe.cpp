// SPDX-License-Identifier: Apache-2.0
#include "market/copy_pipe.hpp"

#include <exception>
#include <thread>

#include <tickstone/error.hpp>

namespace tickstone::market {

void CopyPipe::push_chunk(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [&] { return has_given_up_ || chunks_.size() < kMostChunks; });
  chunks_.push_back(std::move(filling_));
  filling_.clear();
  changed_.notify_all();
}

bool CopyPipe::write(std::string_view bytes) {
  filling_ += bytes;
  if (filling_.size() < kChunkBytes) return true;
  std::unique_lock lock(mutex_);
  push_chunk(lock);
  return !has_given_up_;
}

void CopyPipe::end_writing() {
  std::unique_lock lock(mutex_);
  if (!filling_.empty()) push_chunk(lock);
  has_ended_ = true;
  changed_.notify_all();
}

bool CopyPipe::read(std::string& chunk) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return has_ended_ || !chunks_.empty(); });
  if (chunks_.empty()) return false;
  chunk = std::move(chunks_.front());
  chunks_.pop_front();
  changed_.notify_all();
  return true;
}

void CopyPipe::give_up() {
  const std::lock_guard lock(mutex_);
  has_given_up_ = true;
  changed_.notify_all();
}

std::uint64_t copy_across(Connection& source, const std::string& copy_out, Connection& target,
                          const std::string& copy_in) {
  CopyPipe pipe;
  std::exception_ptr failure;
  std::thread reader([&] {
    // Boundary: the thread's end; what went wrong is told by the other.
    try {
      source.copy_out(copy_out, [&](std::string_view bytes) {
        if (!pipe.write(bytes)) throw Error(ErrorCode::QueryCanceled, "the target takes no more rows");
      });
    } catch (...) {
      failure = std::current_exception();
    }
    pipe.end_writing();
  });
  std::uint64_t rows = 0;
  std::exception_ptr target_failure;
  try {
    rows = rows_of_tag(target.copy_in(copy_in, [&](std::string& chunk) {
      if (pipe.read(chunk)) return true;
      // All that there is, or the start of what could not be read: the thread has written `failure` before.
      if (failure) throw Error(ErrorCode::QueryCanceled, "the source gives no more rows");
      return false;
    }));
  } catch (...) {
    target_failure = std::current_exception();
    pipe.give_up();
  }
  reader.join();
  const bool is_source_first = failure && !target_failure;
  if (target_failure) {
    // Each side may have failed because the other had.
    try {
      std::rethrow_exception(target_failure);
    } catch (const Error& error) {
      if (!failure || error.message() != "the source gives no more rows") throw;
    }
    std::rethrow_exception(failure);
  }
  if (is_source_first) std::rethrow_exception(failure);
  return rows;
}

}  // namespace tickstone::market
