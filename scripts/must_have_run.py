"""After the tests: fails when tests were skipped that this machine could have run.

Usage: must_have_run.py JUNIT_XML...
"""

from __future__ import annotations

import shutil
import socket
import sys
from xml.etree import ElementTree  # our own test runner's file


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main(files: list[str]) -> int:
    ran, skipped = [], []
    for case in (case for file in files for case in ElementTree.parse(file).iter("testcase")):
        name = f"{case.get('classname')}::{case.get('name')}"
        (skipped if case.find("skipped") is not None else ran).append(name)
    wanted = {"test_browser": shutil.which("chromium") is not None, "postgresql": answers(5432)}
    missing = [word for word, here in wanted.items() if here and not any(word in name for name in ran)]
    missing += [f"skipped: {name}" for name in skipped if any(word in name for word, here in wanted.items() if here)]
    for line in missing:
        print(f"did not run although it could: {line}")
    print(f"{len(ran)} tests ran, {len(skipped)} skipped")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
