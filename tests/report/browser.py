"""Headless Chromium: how it renders a page, and its console messages."""

import os
import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium(profile, *words):
    """Output and log of a headless Chromium; without it the test is skipped, except in CI."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs a browser: one of {', '.join(NAMES)}")
        pytest.skip("Chromium is not installed")
    done = subprocess.run(
        [
            *(program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *("--enable-logging=stderr", f"--user-data-dir={profile}", *map(str, words)),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def console(log):
    """The console messages of pages."""
    return [line for line in log.splitlines() if "CONSOLE" in line]
