"""`gamdss`, but with DIE_ONCE=FILE the first rank to save a training state kills itself, once."""

import os
import signal
import sys

from gamdss.cli import main

move = os.replace


def replace(source, target):
    move(source, target)
    marker = os.environ.get("DIE_ONCE")
    if marker and str(target).endswith("training_state.pt") and not os.path.exists(marker):
        with open(marker, "x"):
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    os.replace = replace
    sys.exit(main())
