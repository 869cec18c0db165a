"""Real torchrun jobs: its agents are threads of the test, and their ranks are forked processes."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import forked  # noqa: F401  (what the server of forked ranks has imported)
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import elastic_launch
from torch.distributed.run import config_from_args, get_args_parser

from gamdss.cli import main

OPTIONS = ("--nproc-per-node=2", "--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0")
OPTIONS += ("--rdzv-id=job", "--start-method=forkserver", "--redirects=3")
move = os.replace


def rank(words, own, marker):
    """Run `gamdss`, with `own` words of each rank; with a `marker`, die as `die_once` does."""
    if marker:
        die_once(marker)
    sys.exit(main([*words, *own[int(os.environ["RANK"])]]))


def die_once(marker):
    """Let the first rank to save a training state kill itself, and leave the marker."""

    def replace(source, target):
        move(source, target)
        if str(target).endswith("training_state.pt") and not marker.exists():
            with marker.open("x"):
                os.kill(os.getpid(), signal.SIGKILL)

    os.replace = replace


def torchrun(words, logs, *options, nodes=1, own=((),) * 4, marker=None):
    """Run the command on two ranks of each node; returns whether all ended well, and their output.

    Args:
        words: words of `gamdss`.
        logs: a folder for the output of the ranks.
        options: options of torchrun.
        nodes: agents, which meet at a free port.
        own: more words for each rank.
        marker: a file that does not exist: one rank is killed when it first saves a state.
    """
    parser = get_args_parser()

    def agent(node):
        where = [f"--nnodes={nodes}", f"--log-dir={logs / str(node)}"]
        config = config_from_args(parser.parse_args([*OPTIONS, *where, *options, "rank"]))[0]
        try:
            elastic_launch(config, rank)(words, own, marker)
        except ChildFailedError:
            return False
        return True

    with ThreadPoolExecutor(nodes) as pool:
        ended = list(pool.map(agent, range(nodes)))
    shown = "".join(file.read_text() for file in sorted(logs.rglob("std*.log")))
    return all(ended), shown
