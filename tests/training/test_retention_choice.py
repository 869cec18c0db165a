"""The form of retention is chosen by measurement once for a run."""

import json
import threading
from contextlib import suppress
from dataclasses import replace

import pytest
import torch

from gamdss.config import Config, TrainingConfig
from gamdss.models import RMT
from gamdss.models.retention import RetentionTables
from gamdss.training import retention_choice
from gamdss.training.retention_choice import Measured, measure, use_fastest

CONFIG = Config(training=TrainingConfig(batch_size=2, precision="float32"))


def forms(net):
    return [module.form for module in net.modules() if isinstance(module, RetentionTables)]


def test_the_fastest_form_of_each_stage_is_stored_and_used_again(tmp_path, monkeypatch):
    seconds = {"written": 3.0, "fused": 2.0, "index": 4.0}
    monkeypatch.setattr(retention_choice, "measure", lambda *_: Measured(dict(seconds), True))
    file, cache = tmp_path / "run" / "retention.json", tmp_path / "cache"
    first, second, third = RMT(0, 32), RMT(0, 32), RMT(0, 32)
    use_fastest(first, CONFIG, file, cache)
    seconds["written"] = 1.0  # another rank, resumed, or another run: not measured again
    use_fastest(second, CONFIG, file, tmp_path / "another cache")
    use_fastest(third, CONFIG, tmp_path / "another run" / "retention.json", cache)
    assert forms(first) == forms(second) == forms(third) == ["fused"] * 4
    assert [stage["fused"] for stage in json.loads(file.read_text())] == [2.0] * 4
    larger = replace(CONFIG, training=replace(CONFIG.training, batch_size=4))
    use_fastest(third, larger, tmp_path / "larger" / "retention.json", cache)
    assert forms(third) == ["written"] * 4
    images = torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        plain = RMT(0, 32).eval()
        plain.load_state_dict(first.state_dict())
        torch.testing.assert_close(first.eval()(images), plain(images))


def test_ranks_with_caches_of_their_own_use_one_choice(tmp_path, monkeypatch):
    ways = {"a": {"written": 1.0, "fused": 2.0}, "b": {"written": 2.0, "fused": 1.0}}
    both = threading.Barrier(2)
    nets = {name: RMT(0, 32) for name in ways}

    def measured(*_):
        with suppress(threading.BrokenBarrierError):
            both.wait(1)  # until the other one measures too, if it does
        return Measured(dict(ways[threading.current_thread().name]), True)

    monkeypatch.setattr(retention_choice, "measure", measured)
    file = tmp_path / "run" / "retention.json"
    threads = [
        threading.Thread(target=use_fastest, args=(net, CONFIG, file, tmp_path / name), name=name)
        for name, net in nets.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert forms(nets["a"]) == forms(nets["b"])


FAULTS = {
    "none": lambda gradients: gradients,
    "wrong": lambda gradients: gradients * 1.2,
    "not a number": lambda gradients: gradients * torch.nan,
    "unsteady": lambda gradients: gradients + torch.rand(()) / 1000,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_form_that_fails_or_is_wrong_is_left_out(monkeypatch, fault):
    plain = retention_choice._gradients

    def gradients(mix, *given):
        if mix.form in ("index", "lines"):
            raise RuntimeError("no kernel")
        run = plain(mix, *given)
        return (lambda: FAULTS[fault](run())) if mix.form == "fused" else run

    monkeypatch.setattr(retention_choice, "_gradients", gradients)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    tables = RetentionTables((4, 4), 2, 8, 4, decomposed=True)
    found = measure(tables, 1, torch.float32, compiles=False)
    assert found.lasting
    assert list(found.seconds) == (["written", "fused"] if fault == "none" else ["written"])


def test_a_choice_made_while_memory_was_short_serves_one_run(tmp_path, monkeypatch, caplog):
    plain, net = retention_choice._gradients, RMT(0, 32)
    short = True

    def gradients(mix, *given):
        if mix.form != "written" and short:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        if mix.form in ("index", "lines"):
            raise RuntimeError("no kernel")
        return plain(mix, *given)

    monkeypatch.setattr(retention_choice, "_gradients", gradients)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    for run, forms_left in (("first", {"written"}), ("second", {"written", "fused"})):
        use_fastest(net, CONFIG, tmp_path / run / "retention.json", tmp_path / "cache")
        stages = json.loads((tmp_path / run / "retention.json").read_text())
        assert set().union(*stages) == forms_left
        assert bool(list((tmp_path / "cache").rglob("*.json"))) == (not short)
        assert ("out of memory" in caplog.text) == short
        caplog.clear()
        short = False


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
@pytest.mark.parametrize("compiles", [False, True])
def test_forms_are_measured_on_cuda(compiles):
    tables = RetentionTables((28, 28), 2, 64, 4, decomposed=True).cuda()
    found = measure(tables, 4, torch.bfloat16, compiles)
    assert {"written", "lines"} <= set(found.seconds)
