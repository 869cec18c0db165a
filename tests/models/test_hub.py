"""Networks as folders: the same logits again without a network; broken folders are explained."""

import json
import re

import huggingface_hub
import pytest
import torch
from torch import nn

import gamdss
from gamdss.errors import CheckpointError, ConfigError
from gamdss.models import TemporalStream

SIZE = 32


class Patches(TemporalStream):
    num_features = 16
    reduction = 16

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 16, stride=16)

    def forward_features(self, x):
        return self.patch(x)


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def net():
    torch.manual_seed(0)
    return gamdss.TwoBranchNet(3, SIZE, temporal=Patches(), branches="rising", antialias=False)


@pytest.fixture
def folder(net, tmp_path):
    place = tmp_path / "weights"
    net.about = {"dataset": "cas2", "classes": ["a", "b", "c"], "synthetic": True, "people": []}
    net.about |= {"title": "CASME II", "task": "c3", "protocol": "leaving one subject out"}
    net.about |= {"fold": "01", "epochs": 3, "selection": "final", "seed": 2, "gamdss": "0.2"}
    net.about |= {"clips": 9, "subjects": 3, "held_out": ["01"]}
    net.about |= {"scores": {"uf1": [0.5, 0.25, 0.75], "uar": [0.4, None, None]}}
    net.save_pretrained(place)
    return place


def test_a_folder_gives_the_same_network(net, folder):
    again = gamdss.TwoBranchNet.from_pretrained(folder, temporal=Patches())
    assert not again.training
    assert (again.branches, again.spatial.antialias, again.num_classes) == ("rising", False, 3)
    assert again.about == net.about
    frames = torch.randn(2, 3, 3, SIZE, SIZE)
    assert torch.equal(again.predict_logits(frames), net.eval().predict_logits(frames))


def test_a_backbone_by_name_needs_nothing_else(tmp_path, monkeypatch):
    torch.manual_seed(0)
    net = gamdss.TwoBranchNet(3, 64, backbone="mobilenetv4_conv_small")
    net.reset_classifier(2)
    net.save_pretrained(tmp_path / "w")
    stored = json.loads((tmp_path / "w" / "config.json").read_text())
    assert stored["backbone"] == "mobilenetv4_conv_small"
    assert not stored.keys() & {"pretrained", "weights", "temporal"}
    monkeypatch.chdir(tmp_path)
    again = gamdss.TwoBranchNet.from_pretrained("w")
    assert again.num_classes == 2
    for name, values in net.state_dict().items():
        assert torch.equal(again.state_dict()[name], values), name
    assert "unknown origin" in (tmp_path / "w" / "README.md").read_text()


def test_the_model_card_states_data_score_and_interval(folder):
    card = huggingface_hub.ModelCard.load(folder / "README.md")
    assert card.data.library_name == "gamdss"
    text = " ".join(card.text.split())
    assert "The training clips are synthetic" in text
    assert "Data: CASME II, task c3" in text
    assert "leaving one subject out, fold 01; held out: 01" in text
    assert "| UF1 | 0.500 | 0.250 to 0.750 |" in text
    assert "| UAR | 0.400 | too few subjects |" in text


def test_the_example_of_a_model_card_passes_a_custom_stream(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    exec(code, {"Patches": Patches})
    assert "tensor([[" in capsys.readouterr().out


def test_a_custom_stream_must_be_passed(folder):
    with pytest.raises(ConfigError, match="custom temporal stream, Patches"):
        gamdss.TwoBranchNet.from_pretrained(folder)


def cut(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-7])


def without_weights(folder):
    (folder / "model.safetensors").unlink()


def without_config(folder):
    (folder / "config.json").unlink()


def not_json(folder):
    (folder / "config.json").write_text("{")


def other_config(folder):
    (folder / "config.json").write_text('{"num_classes": 3}')


def other_classes(folder):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"num_classes": 4}))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (cut, r"model\.safetensors: missing or corrupt weights"),
        (without_weights, r"model\.safetensors: missing or corrupt weights"),
        (without_config, r"config\.json: missing or broken config"),
        (not_json, r"config\.json: missing or broken config"),
        (other_config, r"config\.json: missing or broken config .*no field gamdss"),
        (other_classes, r"weights are of another network: .*head\.classify\.weight"),
    ],
)
def test_a_broken_folder_is_named(folder, harm, message):
    harm(folder)
    with pytest.raises(CheckpointError, match=message):
        gamdss.TwoBranchNet.from_pretrained(folder, temporal=Patches())


@pytest.mark.parametrize("name", ["nobody/nothing", "no/such/folder", "nothing"])
def test_without_a_folder_or_a_network_the_error_says_so(name):
    with pytest.raises(CheckpointError, match=f"no network can be loaded from '{name}'"):
        gamdss.TwoBranchNet.from_pretrained(name)


def test_pushing_uploads_the_folder(net, monkeypatch):
    sent = {}

    class Api:
        def __init__(self, **_):
            pass

        def create_repo(self, repo_id, **_):
            sent["repo"] = repo_id
            return huggingface_hub.RepoUrl(f"https://huggingface.co/{repo_id}")

        def upload_folder(self, folder_path, **_):
            sent["files"] = sorted(file.name for file in folder_path.iterdir())
            return "url"

    monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", Api)
    assert net.push_to_hub("owner/name") == "url"
    assert sent == {
        "repo": "owner/name",
        "files": ["README.md", "config.json", "model.safetensors"],
    }
