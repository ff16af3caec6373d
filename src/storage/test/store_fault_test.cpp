// SPDX-License-Identifier: Apache-2.0
// A disk that fills up, fails or loses power at any one call while a store does everything that it can do.
#include <atomic>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "storage/test/fault_scenario.hpp"

namespace tickstone::storage {
namespace {

using namespace testing_store;
using Call = PowerLossFileSystem::Call;

std::unique_ptr<PowerLossFileSystem> files_with_store() { return std::make_unique<PowerLossFileSystem>(); }

PowerLossFileSystem::Chance random_chance(std::uint64_t seed) {
  return [random = std::make_shared<std::mt19937_64>(seed)](std::uint64_t n) { return (*random)() % n; };
}

/// What another program finds on these files, and that it can go on.
Contents found_on(PowerLossFileSystem& files, std::int64_t last_number) {
  const auto store = Store::open(kFaultPath, fault_options(files));
  Contents contents = read_contents(*store);
  EXPECT_GT(store->next_sequence_value(kFaultSequence, {}).value(), last_number);
  contents.last_number = last_number;
  return contents;
}

std::string differences(const Contents& found, const Contents& expected) {
  std::string text;
  for (const auto& [table, rows] : expected.tables) {
    if (!found.tables.contains(table)) {
      text += "table " + std::to_string(table) + " is missing; ";
      continue;
    }
    const auto& there = found.tables.at(table);
    std::size_t missing = 0;
    for (const auto& entry : rows)
      missing += !there.contains(entry.first) || there.at(entry.first) != entry.second;
    std::size_t unexpected = 0;
    for (const auto& entry : there) unexpected += !rows.contains(entry.first);
    if (missing + unexpected > 0) {
      text += "table " + std::to_string(table) + ": " + std::to_string(missing) + " rows missing or other, " +
              std::to_string(unexpected) + " unexpected; ";
    }
  }
  for (const auto& entry : found.tables) {
    if (!expected.tables.contains(entry.first))
      text += "table " + std::to_string(entry.first) + " is unexpected; ";
  }
  return text;
}

TEST(StorePowerLoss, AtAnyCallLeavesWhatWasAcknowledged) {
  const auto files = files_with_store();
  struct Loss {
    std::string when;
    std::size_t step = 0;
    std::unique_ptr<PowerLossFileSystem> survivors;
  };
  std::vector<Loss> losses;
  std::mutex losses_mutex;
  std::size_t step = 0;  // under the mutex
  std::size_t calls = 0;
  std::mt19937_64 random(7);
  files->set_hook([&](Call call, const std::filesystem::path& path) {
    if (call >= Call::Open) return;  // nothing changes
    const std::lock_guard lock(losses_mutex);
    const std::string when = "call " + std::to_string(calls) + " (" + std::to_string(static_cast<int>(call)) +
                             " on " + path.filename().string() + ")";
    ++calls;
    losses.push_back({when, step, files->after_power_loss([](std::uint64_t) { return 0; })});
    losses.push_back({when, step, files->after_power_loss([](std::uint64_t n) { return n - 1; })});
    for (int i = 0; i < 3; ++i)
      losses.push_back({when, step, files->after_power_loss(random_chance(random()))});
  });

  const auto steps = fault_steps();
  std::vector<Contents> after = {{}};
  {
    // Step 0 is opening, the last one closing.
    auto store = Store::open(kFaultPath, fault_options(*files));
    for (const auto& todo : steps) {
      {
        const std::lock_guard lock(losses_mutex);
        ++step;
      }
      after.push_back(after.back());
      todo.run(*store, after.back());
      ASSERT_EQ(read_contents(*store).tables, after.back().tables) << todo.name;
    }
    {
      const std::lock_guard lock(losses_mutex);
      ++step;
    }
    after.push_back(after.back());
  }
  files->set_hook({});
  ASSERT_GT(calls, 200U);

  for (std::size_t i = 0; i < losses.size(); i += stride(1)) {
    auto& loss = losses[i];
    SCOPED_TRACE("power loss at " + loss.when + ", step " +
                 (loss.step == 0 || loss.step > steps.size() ? "open or close" : steps[loss.step - 1].name));
    const Contents& before = after[loss.step == 0 ? 0 : loss.step - 1];
    try {
      // The recovery loses power too.
      std::vector<std::unique_ptr<PowerLossFileSystem>> again;
      if (i % 7 == 0) {
        loss.survivors->set_hook([&](Call call, const std::filesystem::path&) {
          if (call < Call::Open && again.size() < 12) {
            again.push_back(loss.survivors->after_power_loss(random_chance(random())));
          }
        });
      }
      const Contents found = found_on(*loss.survivors, before.last_number);
      loss.survivors->set_hook({});
      ASSERT_TRUE(found.tables == before.tables || found.tables == after[loss.step].tables)
          << differences(found, before) << "or " << differences(found, after[loss.step]);
      for (const auto& survivors : again) {
        const Contents second = found_on(*survivors, before.last_number);
        ASSERT_EQ(second.tables, found.tables) << "power loss in recovery: " << differences(second, found);
      }
    } catch (const Error& error) {
      FAIL() << error.what() << " " << error.detail();
    }
    loss.survivors.reset();
  }
}

TEST(StorePowerLoss, AfterAKilledProcessLeavesNoGapBeforeWhatWasAcknowledgedLater) {
  // A process killed at any call, another one that commits on what it finds, then a power loss.
  const auto files = files_with_store();
  std::vector<std::unique_ptr<PowerLossFileSystem>> kills;
  std::mutex kills_mutex;
  files->set_hook([&](Call call, const std::filesystem::path&) {
    if (call >= Call::Open) return;
    const std::lock_guard lock(kills_mutex);
    kills.push_back(files->after_process_crash());
  });
  {
    auto store = Store::open(kFaultPath, fault_options(*files));
    Contents contents;
    for (const auto& step : fault_steps()) step.run(*store, contents);
  }
  files->set_hook({});
  for (std::size_t i = 0; i < kills.size(); i += stride(1)) {
    SCOPED_TRACE("killed at call " + std::to_string(i));
    const auto store = Store::open(kFaultPath, fault_options(*kills[i]));
    Contents contents = read_contents(*store);
    if (contents.tables.contains(kFaultPlain)) {
      const auto transaction = store->begin();
      upsert_step(*transaction, contents, kFaultPlain, {{"later", 1, 1, "1"}});
      transaction->commit();
    }
    for (int again = 0; again < 3; ++again) {
      const auto survivors =
          kills[i]->after_power_loss(again == 0 ? PowerLossFileSystem::Chance([](std::uint64_t) { return 0; })
                                                : random_chance(i * 3 + static_cast<std::size_t>(again)));
      const Contents found = found_on(*survivors, 0);
      ASSERT_EQ(found.tables, contents.tables) << differences(found, contents);
    }
  }
}

/// Runs the scenario while `hook` makes calls fail; after each failure the step is taken again.
class FaultRun {
 public:
  explicit FaultRun(ErrorCode code) : code_(code) { files_ = files_with_store(); }

  /// `fails` decides which calls fail, by number; false when no call failed any more.
  bool run(const std::function<bool(std::size_t number, Call call)>& fails, std::uint64_t seed) {
    std::atomic<std::size_t> calls{0};
    std::atomic<bool> has_failed{false};
    std::atomic<bool> is_faulty{true};
    // Nothing, some or all of what a failing write should write comes through.
    files_->set_torn_write(seed % 3 == 0 ? random_chance(seed)
                                         : [seed](std::uint64_t n) { return seed % 3 == 1 ? n - 1 : 0; });
    files_->set_hook([&](Call call, const std::filesystem::path& path) {
      if (!is_faulty || !fails(calls++, call)) return;
      has_failed = true;
      if (code_ == ErrorCode::DiskFull) {
        throw Error(code_, "could not write file \"" + path.string() + "\": No space left on device", {},
                    "Check free disk space.");
      }
      throw Error(code_, "could not access file \"" + path.string() + "\": Input/output error");
    });
    auto run_step = [&](const FaultStep& step) {
      SCOPED_TRACE(step.name);
      for (int attempt = 0;; ++attempt) {
        ASSERT_LT(attempt, 4) << "the store does not become usable again";
        Contents after = contents_;
        bool has_thrown = false;
        try {
          step.run(*store_, after);
        } catch (const Error& error) {
          has_thrown = true;
          ASSERT_TRUE(error.code() == code_ || error.code() == ErrorCode::IoError) << error.what();
          ASSERT_TRUE(has_failed) << error.what();
        }
        is_faulty = false;
        const Contents found = read_contents(*store_);
        if (!has_thrown) {
          ASSERT_EQ(found.tables, after.tables) << differences(found, after);
          contents_ = std::move(after);
          is_faulty = !has_failed;
          return;
        }
        ASSERT_EQ(found.tables, contents_.tables) << "after an error: " << differences(found, contents_);
        if (is_log_failed()) {
          // Only opening again helps; the step is then there in whole or not at all.
          open();
          const Contents opened = read_contents(*store_);
          ASSERT_TRUE(opened.tables == contents_.tables || opened.tables == after.tables)
              << "after opening: " << differences(opened, contents_) << "or " << differences(opened, after);
          if (opened.tables != contents_.tables) {
            contents_.tables = after.tables;
            return;
          }
        }
      }
    };
    // Opening fails too, and then works.
    for (int attempt = 0; store_ == nullptr; ++attempt) {
      EXPECT_LT(attempt, 2);
      if (attempt >= 2) return false;
      try {
        open();
      } catch (const Error& error) {
        EXPECT_TRUE(error.code() == code_) << error.what();
        EXPECT_TRUE(has_failed);
        is_faulty = false;
      }
    }
    is_faulty = !has_failed;
    for (const auto& step : fault_steps()) {
      run_step(step);
      if (::testing::Test::HasFatalFailure()) return false;
    }
    files_->set_hook({});
    for (const auto& chance :
         {random_chance(seed), PowerLossFileSystem::Chance([](std::uint64_t) { return 0; })}) {
      const auto survivors = files_->after_power_loss(chance);
      const Contents found = found_on(*survivors, contents_.last_number);
      EXPECT_EQ(found.tables, contents_.tables) << "after power loss: " << differences(found, contents_);
    }
    store_.reset();
    const Contents found = found_on(*files_, contents_.last_number);
    EXPECT_EQ(found.tables, contents_.tables) << "after closing: " << differences(found, contents_);
    return has_failed;
  }

 private:
  void open() {
    store_.reset();
    store_ = Store::open(kFaultPath, fault_options(*files_));
  }
  bool is_log_failed() {
    try {
      store_->set_sequence(kFaultSequence + 1, 1);
      return false;
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), ::testing::HasSubstr("the log can no longer be written"));
      return true;
    }
  }

  ErrorCode code_;
  std::unique_ptr<PowerLossFileSystem> files_;
  std::unique_ptr<Store> store_;
  Contents contents_;
};

bool takes_space(Call call) {
  switch (call) {
    case Call::Write:
    case Call::Allocate:
    case Call::Create:
    case Call::Rename:
    case Call::Link:
      return true;
    case Call::Sync:
    case Call::SyncDirectory:
    case Call::Truncate:
    case Call::Remove:
    case Call::Open:
    case Call::Read:
    case Call::Look:
      return false;
  }
  return false;
}

TEST(StoreFault, DiskFullAtAnyCallIsRefusedAndLosesNothing) {
  for (std::size_t failing = 0;; failing += stride(1)) {
    SCOPED_TRACE("call " + std::to_string(failing));
    FaultRun run(ErrorCode::DiskFull);
    const bool has_failed =
        run.run([failing, taking = std::size_t{0}](
                    std::size_t, Call call) mutable { return takes_space(call) && taking++ == failing; },
                failing);
    if (HasFailure()) return;
    if (!has_failed) {
      ASSERT_GT(failing, 100U);
      return;
    }
  }
}

TEST(StoreFault, DiskFullFromAnyCallOnIsRefusedAndLosesNothing) {
  for (std::size_t failing = 0;; failing += stride(1)) {
    SCOPED_TRACE("from call " + std::to_string(failing) + " on");
    FaultRun run(ErrorCode::DiskFull);
    const bool has_failed =
        run.run([failing, taking = std::size_t{0}](
                    std::size_t, Call call) mutable { return takes_space(call) && taking++ >= failing; },
                failing);
    if (HasFailure()) return;
    if (!has_failed) return;
  }
}

TEST(StoreFault, ErrorAtAnyCallLosesNothing) {
  for (std::size_t failing = 0;; failing += stride(1)) {
    SCOPED_TRACE("call " + std::to_string(failing));
    FaultRun run(ErrorCode::IoError);
    const bool has_failed =
        run.run([failing](std::size_t number, Call) { return number == failing; }, failing);
    if (HasFailure()) return;
    if (!has_failed) {
      ASSERT_GT(failing, 300U);
      return;
    }
  }
}

/// What a store without faults holds after `steps[last]`.
Contents contents_after(const std::vector<FaultStep>& steps, std::size_t last) {
  PowerLossFileSystem files;
  const auto store = Store::open(kFaultPath, fault_options(files));
  Contents contents;
  for (std::size_t i = 0; i <= last; ++i) steps[i].run(*store, contents);
  return contents;
}

TEST(StoreFault, NothingThatWasAcknowledgedGoesWithADiskThatNoLongerSyncs) {
  const auto steps = fault_steps();
  for (std::size_t failing = 0;; failing += stride(1)) {
    SCOPED_TRACE("from sync " + std::to_string(failing) + " on");
    const auto files = files_with_store();
    auto options = fault_options(*files);
    auto store = Store::open(kFaultPath, options);
    std::atomic<std::size_t> syncs{0};
    files->set_hook([&](Call call, const std::filesystem::path&) {
      if ((call == Call::Sync || call == Call::SyncDirectory) && syncs++ >= failing) {
        throw Error(ErrorCode::IoError, "could not fsync file: Input/output error");
      }
    });
    // The step that failed may be there or not: the disk may have done it and then said no.
    std::vector<Contents> allowed = {{}};
    for (std::size_t i = 0; i < steps.size() && allowed.size() == 1; ++i) {
      Contents after = allowed.front();
      try {
        steps[i].run(*store, after);
        allowed = {after};
      } catch (const Error& error) {
        ASSERT_GT(syncs, failing) << steps[i].name << ": " << error.what();
        allowed.push_back(contents_after(steps, i));
      }
    }
    // Another commit is there for good once it is acknowledged, and may be there when it is not.
    if (allowed.size() == 2 && allowed[0].tables.contains(kFaultPlain) &&
        allowed[1].tables.contains(kFaultPlain)) {
      auto with_another = allowed;
      for (auto& contents : with_another) contents.tables.at(kFaultPlain)[{"after", 1, 1}] = "1";
      try {
        const auto transaction = store->begin();
        transaction->insert(kFaultPlain, batch({{"after", 1, 1, "1"}}), OnDuplicate::Replace);
        transaction->commit();
        allowed = with_another;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::IoError) << error.what();
        allowed.insert(allowed.end(), with_another.begin(), with_another.end());
      }
    }
    for (int i = 0; i < 4; ++i) {
      const auto survivors =
          files->after_power_loss(i == 0 ? PowerLossFileSystem::Chance([](std::uint64_t) { return 0; })
                                         : random_chance(failing * 4 + i));
      const Contents found = found_on(*survivors, allowed.front().last_number);
      ASSERT_TRUE(std::any_of(allowed.begin(), allowed.end(), [&](const Contents& contents) {
        return contents.tables == found.tables;
      })) << differences(found, allowed.front());
    }
    store.reset();
    if (syncs <= failing) {
      ASSERT_GT(failing, 40U);
      return;
    }
  }
}

}  // namespace
}  // namespace tickstone::storage
