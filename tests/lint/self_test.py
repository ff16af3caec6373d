# SPDX-License-Identifier: Apache-2.0
"""Each lint is silent on a small good tree and speaks about each kind of fault put into it."""
import os
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import file_rules  # noqa: E402
import formatting  # noqa: E402
import layering  # noqa: E402
import links  # noqa: E402
import registered  # noqa: E402
import timescale_names  # noqa: E402
from tree import Tree  # noqa: E402

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
CMAKE_SPDX = "# SPDX-License-Identifier: Apache-2.0\n"
GOOD = {
    "tools/modules.txt": "# table\nbase:\nduck: base\nengine: base duck\n",
    "include/tickstone/error.hpp": SPDX + "#pragma once\n\n#include <string>\n",
    "src/base/clock.hpp": SPDX + "#pragma once\n\n#include <tickstone/error.hpp>\n",
    "src/base/clock.cpp": SPDX + '#include "base/clock.hpp"\n',
    "src/base/test/clock_test.cpp": SPDX + "TEST(Clock, Ticks) {}\n",
    "src/base/CMakeLists.txt": CMAKE_SPDX + "tickstone_module(base SOURCES clock.cpp)\ntickstone_test(base test/clock_test.cpp)\n",
    "src/duck/instance.cpp": SPDX + "#include <duckdb.hpp>\n\n" + '#include "base/clock.hpp"\n',
    "src/duck/CMakeLists.txt": CMAKE_SPDX + "tickstone_module(duck SOURCES instance.cpp)\n",
    "tests/CMakeLists.txt": CMAKE_SPDX + "foreach(suite IN ITEMS sql)\n",
    "tests/sql/CMakeLists.txt": CMAKE_SPDX,
    "tests/sql/area/select.test": "query I\nSELECT 1\n----\n1\n",
    "README.md": "# Good page\n\nSee [the clock](src/base/clock.hpp), [here](#good-page), [sql](tests/sql).\n",
}


class Lints(unittest.TestCase):
    def findings(self, lint, changes, executable=()):
        with tempfile.TemporaryDirectory() as folder:
            for path, text in {**GOOD, **changes}.items():
                if text is None:
                    continue
                file = pathlib.Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
                if path in executable:
                    os.chmod(file, 0o755)
            return list(lint.check(Tree(folder)))

    def expect(self, lint, changes, *wanted):
        """Exactly one finding, which holds each of the wanted words."""
        found = self.findings(lint, changes)
        self.assertEqual(len(found), 1, found)
        for word in wanted:
            self.assertIn(word, found[0])

    def test_good_tree_is_good(self):
        for lint in (layering, registered, file_rules, links, timescale_names, formatting):
            self.assertEqual(self.findings(lint, {}), [], lint.__name__)

    def test_layering(self):
        up = SPDX + '#include "base/clock.hpp"\n\n#include "engine/database.hpp"\n'
        self.expect(layering, {"src/base/clock.cpp": up}, "src/base/clock.cpp:4", "may not include engine")
        up = SPDX + '  #  include "duck/instance.hpp"\n'
        self.expect(layering, {"src/base/test/clock_test.cpp": up}, "may not include duck")
        self.expect(layering, {"src/base/clock.cpp": SPDX + "#include <duckdb.hpp>\n"}, "only duck includes DuckDB")
        self.expect(layering, {"src/base/clock.cpp": SPDX + '#include "duckdb/main/config.hpp"\n'}, "only duck")
        self.expect(layering, {"src/base/clock.cpp": SPDX + "#include <libpq-fe.h>\n"}, "only client includes libpq")
        self.expect(layering, {"src/base/clock.cpp": SPDX + '#include "clock.hpp"\n'}, "module/header.hpp")
        self.expect(layering, {"src/base/clock.cpp": SPDX + "#include <base/clock.hpp>\n"}, "with quotes")
        self.expect(layering, {"src/other/a.hpp": SPDX}, "other is not a module")
        self.expect(layering, {"tools/modules.txt": "duck: base\nbase:\nengine: base duck\n"}, "does not stand above")

    def test_layering_of_public_headers(self):
        name = "include/tickstone/error.hpp"
        for bad in ('"base/clock.hpp"', "<fmt/format.h>", "<duckdb.hpp>"):
            self.expect(layering, {name: SPDX + f"#pragma once\n#include {bad}\n"}, name, "standard library")

    def test_registered_sources(self):
        self.expect(registered, {"src/base/lost.cpp": SPDX}, "src/base/lost.cpp", "not in src/base/CMakeLists.txt")
        self.expect(registered, {"src/base/test/lost_test.cpp": SPDX}, "lost_test.cpp")
        self.expect(registered, {"src/base/test/lost_property.cpp": SPDX}, "lost_property.cpp")
        commented = CMAKE_SPDX + "tickstone_module(base SOURCES clock.cpp)\n# tickstone_test(base test/clock_test.cpp)\n"
        self.expect(registered, {"src/base/CMakeLists.txt": commented}, "clock_test.cpp")
        self.expect(registered, {"src/duck/CMakeLists.txt": None}, "there is no src/duck/CMakeLists.txt")

    def test_registered_test_names(self):
        listed = GOOD["src/base/CMakeLists.txt"] + "tickstone_test(base test/tests.cpp)\n"
        changes = {"src/base/test/tests.cpp": SPDX + "TEST(A, B) {}\n", "src/base/CMakeLists.txt": listed}
        self.expect(registered, changes, "not called *_test.cpp")

    def test_registered_corpus(self):
        self.expect(registered, {"tests/other/a.test": "x\n"}, "tests/other/a.test", "runner")
        self.expect(registered, {"tests/other/deep/a.pgtest": "x\n"}, "runner")
        self.expect(registered, {"tests/other/CMakeLists.txt": CMAKE_SPDX}, "does not name other")
        self.expect(registered, {"tests/clients/run.sh": "#!/bin/sh\n"}, "not executable")
        self.assertEqual(
            self.findings(registered, {"tests/clients/run.sh": "#!/bin/sh\n"}, executable=["tests/clients/run.sh"]), []
        )

    def test_file_rules(self):
        name = "src/base/clock.cpp"
        self.expect(file_rules, {name: "int a;\n"}, "SPDX")
        self.expect(file_rules, {"src/base/clock.hpp": SPDX + "int a;\n"}, "#pragma once")
        self.expect(file_rules, {name: SPDX + '#include "../base/clock.hpp"\n'}, ":2: relative include")
        self.expect(file_rules, {name: SPDX + "// see /ho" + "me/ann/notes\n"}, "path of one machine")
        self.expect(file_rules, {"README.md": "in /wo" + "rk/main\n"}, "path of one machine")
        self.expect(file_rules, {"a.json": '{"resolved": "ht' + 'tps://x/y.tgz"}\n'}, "registry")
        self.expect(file_rules, {"README.md": "from registry." + "npmjs.org\n"}, "registry")
        self.expect(file_rules, {name: SPDX + "int a;"}, "end of line")
        self.expect(file_rules, {name: SPDX + "<" * 7 + " HEAD\n"}, "merge")
        self.expect(file_rules, {name: SPDX + "int a;\n" * 800}, "801 lines")
        self.expect(file_rules, {"src/base/string_utils.hpp": SPDX + "#pragma once\n"}, "says nothing")
        self.expect(file_rules, {"src/common/a.hpp": SPDX + "#pragma once\n"}, "says nothing")
        self.expect(file_rules, {"src/base/clock.hpp": SPDX + "#pragma once\nusing namespace std;\n"}, "using namespace")
        wait = SPDX + "void f() { std::this_thread::sleep_for(1s); }\n"
        self.expect(file_rules, {"src/base/test/clock_test.cpp": wait}, "fixed time")

    def test_timescale_names(self):
        page = "# Names\n\n| name | state | notes |\n|---|---|---|\n| `first` | {} | |\n"
        test = {"tests/sql/area/select.test": "query I\nSELECT first(1, 2)\n----\n1\n"}
        self.expect(timescale_names, {"docs/timescaledb.md": page.format("works")}, "docs/timescaledb.md:5", "no test")
        self.expect(timescale_names, {"docs/timescaledb.md": page.format("perhaps")}, "docs/timescaledb.md:5", "perhaps")
        self.assertEqual(self.findings(timescale_names, {"docs/timescaledb.md": page.format("works"), **test}), [])
        self.assertEqual(self.findings(timescale_names, {"docs/timescaledb.md": page.format("not")}), [])

    def test_links(self):
        self.expect(links, {"README.md": "[a](docs/none.md)\n"}, "README.md:1", "leads nowhere")
        self.expect(links, {"README.md": "# A\n\n[a](#b)\n"}, "no such heading")
        self.expect(links, {"docs/a.md": "[a](../README.md#nothing)\n"}, "no such heading")
        self.expect(links, {"README.md": "[a]: gone.md\n"}, "leads nowhere")
        fine = "```\n[a](none.md)\n```\n`[b](none.md)` [c](https://example.org/x)\n"
        self.assertEqual(self.findings(links, {"README.md": fine}), [])

    def test_formatting(self):
        style = (pathlib.Path(__file__).resolve().parents[2] / ".clang-format").read_text()
        good = {".clang-format": style}
        self.assertEqual(self.findings(formatting, good), [])
        bad = SPDX + '#include "base/clock.hpp"\nint  f( ){return 1 ;}\n'
        self.expect(formatting, {**good, "src/base/clock.cpp": bad}, "src/base/clock.cpp:", "make format")


if __name__ == "__main__":
    unittest.main()
