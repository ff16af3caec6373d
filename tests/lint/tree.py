# SPDX-License-Identifier: Apache-2.0
"""What the lints look at: the files of the repository, and the module table."""
import pathlib
import re
import subprocess

# What .gitignore leaves out.
NOT_OURS = re.compile(r"(build[^/]*|\.git|\.deps|data)/|(.*/)?(node_modules|__pycache__)/")


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self._texts = {}
        self.paths = sorted(self._list())

    def _list(self):
        """Relative paths of what is tracked or would be; every file where there is no git."""
        listed = subprocess.run(
            ["git", "-C", self.root, "ls-files", "-z", "-co", "--exclude-standard"], capture_output=True, text=True
        )
        if listed.returncode == 0:
            names = [name for name in listed.stdout.split("\0") if name]
        else:
            names = [str(p.relative_to(self.root)) for p in self.root.rglob("*")]
            names = [name for name in names if not NOT_OURS.match(name)]
        return [name for name in names if (self.root / name).is_file()]

    def select(self, *suffixes, under=""):
        return [path for path in self.paths if path.endswith(suffixes) and path.startswith(under)]

    def sources(self):
        return self.select(".hpp", ".cpp")

    def text(self, path):
        """The text of a file, or None for one that is not UTF-8."""
        if path not in self._texts:
            try:
                self._texts[path] = (self.root / path).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                self._texts[path] = None
        return self._texts[path]

    def modules(self):
        """Module name to the list of modules it may include, in build order."""
        table = {}
        for line in self.text("tools/modules.txt").splitlines():
            if line.strip() and not line.startswith("#"):
                name, _, allowed = line.partition(":")
                table[name.strip()] = allowed.split()
        return table
