// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>
#include <utility>

#include <tickstone/database_manager.hpp>

namespace tickstone {

/// Does what another executor does, and calls `after` with the text of each statement once it is done: to
/// count statements, or to let something happen between two of them.
class WatchedExecutor final : public Executor {
 public:
  using After = std::function<void(std::string_view sql)>;

  WatchedExecutor(Executor& inner, After after) : inner_(inner), after_(std::move(after)) {}

  tickstone::Home home() const override { return inner_.home(); }
  std::uint64_t copy_in(std::string_view statement, const std::function<bool(std::string&)>& next) override {
    const auto rows = inner_.copy_in(statement, next);
    after_(statement);
    return rows;
  }
  void copy_out(std::string_view statement, const std::function<void(std::string_view)>& on_data) override {
    inner_.copy_out(statement, on_data);
    after_(statement);
  }
  void in_transaction(const std::function<void(Executor&)>& work, bool is_idempotent) override {
    inner_.in_transaction(watched(work), is_idempotent);
  }
  void in_snapshot(const std::function<void(Executor&)>& work) override { inner_.in_snapshot(watched(work)); }

 private:
  std::uint64_t run(std::string_view sql, const Parameters& parameters, const OnPart& on_part,
                    bool is_idempotent) override {
    std::uint64_t rows = 0;
    if (on_part) {
      inner_.stream(sql, parameters, [&](const DataFrame& part) {
        rows += part.row_count();
        on_part(part);
      });
    } else {
      rows = is_idempotent ? inner_.execute_idempotent(sql, parameters) : inner_.execute(sql, parameters);
    }
    after_(sql);
    return rows;
  }
  std::function<void(Executor&)> watched(const std::function<void(Executor&)>& work) const {
    return [this, work](Executor& inner) {
      WatchedExecutor executor(inner, after_);
      work(executor);
    };
  }

  Executor& inner_;
  After after_;
};

}  // namespace tickstone
