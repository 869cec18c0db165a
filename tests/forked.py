"""Processes forked from one that has imported the package: starting one costs no import."""

import multiprocessing
import signal

CONTEXT = multiprocessing.get_context("forkserver")
# The server is one for all tests of a worker, so that this is what any of them runs.
CONTEXT.set_forkserver_preload(
    [
        *("gamdss.cli.align", "gamdss.cli.bias", "gamdss.cli.features", "gamdss.cli.merge"),
        *("gamdss.cli.spot", "gamdss.cli.synth", "gamdss.cli.table", "gamdss.cli.train"),
        *("gamdss.training.folds", "gamdss.studies.bias.figures", "gamdss.report.figures"),
        "torch.distributed.launcher.api",
        "stub_detector",
    ]
)
KILLED = -signal.SIGKILL
