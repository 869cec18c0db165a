"""Importing the package: how long PyTorch's threads wait is set before PyTorch is loaded."""

import os
import subprocess
import sys

import pytest

SHOW = "import gamdss, os, sys; print('torch' in sys.modules, os.environ.get('GOMP_SPINCOUNT'))"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "False 30000"),
        ({"GOMP_SPINCOUNT": "7"}, "False 7"),
        ({"OMP_WAIT_POLICY": "active"}, "False None"),
    ],
)
def test_threads_wait_briefly_unless_the_user_says_how(given, expected):
    own = {n: v for n, v in os.environ.items() if n not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    command = [sys.executable, "-c", SHOW]
    done = subprocess.run(command, env=own | given, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
