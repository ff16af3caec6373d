# SPDX-License-Identifier: Apache-2.0
"""readme_blocks.py PAGE OUT.cpp: the C++ program of a page, which has one."""
import dataclasses
import re
import sys

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


@dataclasses.dataclass
class Block:
    language: str
    text: str
    line: int  # of its first line


def blocks_of(page):
    return [Block(match[1], match[2], page.count("\n", 0, match.start(2)) + 1) for match in FENCE.finditer(page)]


def main(page, out):
    with open(page, encoding="utf-8") as file:
        programs = [block for block in blocks_of(file.read()) if block.language == "cpp"]
    if len(programs) != 1:
        sys.exit(f"{page}: {len(programs)} C++ programs, not one")
    with open(out, "w", encoding="utf-8") as file:
        file.write(f'#line {programs[0].line} "{page}"\n{programs[0].text}')


if __name__ == "__main__":
    main(*sys.argv[1:])
