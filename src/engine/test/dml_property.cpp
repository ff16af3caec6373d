// SPDX-License-Identifier: Apache-2.0
// Random statements on a table with a primary key and a UNIQUE, against a map: savepoints, checkpoints,
// reopening.
#include <map>
#include <optional>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

struct Row {
  std::optional<int> u;
  std::optional<int> v;
};
using Model = std::map<int, Row>;

std::string text(std::optional<int> value) { return value ? std::to_string(*value) : "NULL"; }

class Statements : public SessionTest {
 protected:
  /// The row that holds a unique value, other than `except`.
  std::optional<int> holder(std::optional<int> u, std::optional<int> except = std::nullopt) const {
    if (!u) return std::nullopt;
    for (const auto& [id, row] : model) {
      if (row.u == u && id != except) return id;
    }
    return std::nullopt;
  }

  /// Runs the statement; the model changes where it should succeed.
  void expect(const std::string& sql, bool succeeds) {
    const auto error = session->error(sql);
    if (!succeeds) {
      RC_ASSERT(error.has_value());
      RC_ASSERT(error->code() == ErrorCode::UniqueViolation);
      if (in_block) {
        session->run("ROLLBACK TO s");
        model = at_savepoint;
      }
      return;
    }
    RC_ASSERT(!error.has_value());
  }

  void insert(int id, const Row& row, int how) {
    const std::string values =
        "INSERT INTO t VALUES (" + std::to_string(id) + ", " + text(row.u) + ", " + text(row.v) + ")";
    const bool id_taken = model.contains(id);
    const auto other = holder(row.u);
    switch (how) {
      case 0:  // plain
        expect(values, !id_taken && !other);
        if (!id_taken && !other) model[id] = row;
        break;
      case 1:
        expect(values + " ON CONFLICT DO NOTHING", true);
        if (!id_taken && !other) model[id] = row;
        break;
      case 2: {  // replaces the row
        const auto third = holder(row.u, id);
        expect(values + " ON CONFLICT (id) DO UPDATE SET u = EXCLUDED.u, v = EXCLUDED.v", !third);
        if (!third) model[id] = row;
        break;
      }
      case 3: {  // by the unique key
        const bool succeeds = other || !id_taken;
        expect(values + " ON CONFLICT (u) DO UPDATE SET v = t.v + EXCLUDED.v", succeeds);
        if (!succeeds) break;
        if (other) {
          auto& existing = model[*other];
          existing.v = existing.v && row.v ? std::optional(*existing.v + *row.v) : std::nullopt;
        } else {
          model[id] = row;
        }
        break;
      }
      default: {  // a part of the row
        const bool succeeds = id_taken || !other;
        expect(values + " ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v", succeeds);
        if (!succeeds) break;
        if (id_taken)
          model[id].v = row.v;
        else
          model[id] = row;
      }
    }
  }

  void update(int id, const Row& row, int new_id, int how) {
    const bool exists = model.contains(id);
    const std::string where = " WHERE id = " + std::to_string(id);
    if (how == 0) {
      expect("UPDATE t SET v = " + text(row.v) + where, true);
      if (exists) model[id].v = row.v;
    } else if (how == 1) {
      const bool succeeds = !exists || !holder(row.u, id);
      expect("UPDATE t SET u = " + text(row.u) + where, succeeds);
      if (exists && succeeds) model[id].u = row.u;
    } else {
      const bool succeeds = !exists || new_id == id || !model.contains(new_id);
      expect("UPDATE t SET id = " + std::to_string(new_id) + where, succeeds);
      if (exists && succeeds && new_id != id) {
        model[new_id] = model[id];
        model.erase(id);
      }
    }
  }

  void erase(int id, const Row& row, int how) {
    if (how == 0) {
      expect("DELETE FROM t WHERE id = " + std::to_string(id), true);
      model.erase(id);
    } else if (how == 1) {
      expect("DELETE FROM t WHERE u = " + text(row.u), true);
      if (const auto other = holder(row.u)) model.erase(*other);
    } else {
      expect(how == 2 ? "DELETE FROM t" : "TRUNCATE t", true);
      model.clear();
    }
  }

  void step_block(int how) {
    if (!in_block) {
      session->run("BEGIN; SAVEPOINT s");
      in_block = true;
      at_begin = at_savepoint = model;
    } else if (how == 0) {
      session->run("SAVEPOINT s");
      at_savepoint = model;
    } else if (how == 1) {
      session->run("ROLLBACK TO s");
      model = at_savepoint;
    } else {
      session->run(how == 2 ? "ROLLBACK" : "COMMIT");
      if (how == 2) model = at_begin;
      in_block = false;
    }
  }

  void compare() {
    std::vector<std::string> expected;
    for (const auto& [id, row] : model) {
      const auto shown = [](std::optional<int> value) { return value ? std::to_string(*value) : "null"; };
      expected.push_back(std::to_string(id) + "|" + shown(row.u) + "|" + shown(row.v));
    }
    RC_ASSERT(rows("SELECT * FROM t ORDER BY id") == expected);
  }

  Model model, at_begin, at_savepoint;
  bool in_block = false;
};

TEST_F(Statements, DoWhatAMapDoes) {
  // One database for all cases: it is the slowest thing to make.
  const bool holds = rc::check([&] {
    if (in_block) session->run("ROLLBACK");
    in_block = false;
    model.clear();
    session->run("SET synchronous_commit = off");
    session->run("DROP TABLE IF EXISTS t");
    tag("CREATE TABLE t (id INTEGER PRIMARY KEY, u INTEGER UNIQUE, v NUMERIC)");
    const auto small = rc::gen::inRange(0, 8);
    const auto value =
        rc::gen::map(rc::gen::inRange(-1, 8), [](int x) { return x < 0 ? std::nullopt : std::optional(x); });
    const int steps = *rc::gen::inRange(1, 50);
    for (int i = 0; i < steps; ++i) {
      const int id = *small;
      const Row row{*value, *value};
      const int kind = *rc::gen::inRange(0, 20);
      if (kind < 8) {
        insert(id, row, kind % 5);
      } else if (kind < 12) {
        update(id, row, *small, *rc::gen::inRange(0, 3));
      } else if (kind < 15) {
        erase(id, row, kind == 14 ? *rc::gen::inRange(0, 4) : kind - 12);
      } else if (kind < 18) {
        step_block(*rc::gen::inRange(0, 4));
      } else if (kind == 18) {
        database().checkpoint();
      } else if (!in_block && *small == 0) {
        reopen();
      }
      compare();
    }
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace tickstone::engine
