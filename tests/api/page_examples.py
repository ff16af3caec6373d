# SPDX-License-Identifier: Apache-2.0
"""page_examples.py PAGE OUT.cpp: the C++ blocks of a page as a program's functions.

A block that opens a manager is compiled alone; the others share one, and run in the page's order.
"""
import re
import sys

HEAD = """// Made of the page's examples.
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include <tickstone/database_manager.hpp>
"""


def main(page, out):
    with open(page, encoding="utf-8") as file:
        blocks = re.findall(r"^```cpp\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
    if len(blocks) < 2:
        sys.exit(f"{page}: no examples")
    includes, functions, calls = [], [], []
    for number, block in enumerate(blocks, 1):
        lines = block.splitlines()
        includes += [line for line in lines if line.startswith("#include")]
        body = "\n".join("  " + line for line in lines if not line.startswith("#include"))
        opens = "DatabaseManager db(" in block
        parameter = "" if opens else "tickstone::DatabaseManager& db"
        functions.append(f"[[maybe_unused]] static void example_{number}({parameter}) {{\n{body}\n}}\n")
        if not opens:
            calls.append(f"  example_{number}(db);\n")
    with open(out, "w", encoding="utf-8") as file:
        file.write(HEAD + "\n".join(sorted(set(includes))) + "\n\n" + "\n".join(functions))
        file.write("\nvoid run_page_examples(tickstone::DatabaseManager& db) {\n" + "".join(calls) + "}\n")


main(*sys.argv[1:])
