"""Installs Debian's Chromium for the browser tests where that is allowed: as root, with apt. Else says so and goes on."""

from __future__ import annotations

import os
import shutil
import subprocess


def main() -> None:
    if shutil.which("chromium"):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print("· no Chromium here, and no right to install it: the browser tests will be skipped")
        return
    print("· installing Chromium for the browser tests", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium", "fonts-noto-cjk"]):
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode != 0:
            print(f"· Chromium could not be installed: {done.stderr.strip()[-300:]}")
            return


if __name__ == "__main__":
    main()
