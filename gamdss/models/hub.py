"""A network as a folder of weights, config and model card, on disk or on the Hugging Face Hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from huggingface_hub import ModelCard, PyTorchModelHubMixin, hf_hub_download
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from gamdss.errors import CheckpointError, ConfigError, GamdssError, first_line, unfit_weights
from gamdss.files import write_bytes, write_json
from gamdss.models.model_card import TEMPLATE, card_values

if TYPE_CHECKING:
    from typing_extensions import Self

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
ABOUT = "gamdss"  # the field of the config for what is known about the weights
_STARTS = ("pretrained", "weights", "temporal", "one_pass")  # arguments that a config leaves out
_REMEDY = "Name a folder that `save_pretrained` or `gamdss export --format pretrained` wrote."


class HubWeights(
    PyTorchModelHubMixin,
    library_name="gamdss",
    paper_url="https://arxiv.org/abs/2603.04766",
    pipeline_tag="image-classification",
    tags=["micro-expression", "gamdss"],
    model_card_template=TEMPLATE,
):
    """`save_pretrained`, `from_pretrained` and `push_to_hub` of the two-branch network.

    A folder has `config.json` (the arguments of the network, and `about`), `model.safetensors` and
    `README.md`, the model card. A folder is read without a network connection.

    Attributes:
        about: data, protocol and held-out score of the weights, as `gamdss export` writes them;
            empty for a network whose origin is unknown.
    """

    about: dict[str, Any]

    def config(self) -> dict[str, Any]:
        """The arguments that build this network, and `about`."""
        given = dict(cast(dict[str, Any], self._hub_mixin_config))
        net = cast(Any, self)
        found = {name: value for name, value in given.items() if name not in _STARTS}
        found |= {"num_classes": net.num_classes, "global_pool": str(net.head.pool.pool_type)}
        found |= {"antialias": net.spatial.antialias}
        if net.custom_stream:
            found["custom_temporal"] = net.custom_stream
        return {**found, ABOUT: self.about}

    def _save_pretrained(self, save_directory: Path) -> None:
        net = cast(Any, self)
        tensors = {name: value.cpu().contiguous() for name, value in net.state_dict().items()}
        write_bytes(save_directory / WEIGHTS, save(tensors, metadata={"format": "pt"}))
        write_json(save_directory / CONFIG, self.config())

    def generate_model_card(self, *args: Any, **kwargs: Any) -> ModelCard:
        """The model card: what `about` says, and how to load the weights."""
        return super().generate_model_card(*args, **card_values(self.config()), **kwargs)

    @classmethod
    def from_pretrained(cls, name: str | Path, **options: Any) -> Self:  # type: ignore[override]
        """The network of a folder, or of a repository of the Hub, in evaluation mode.

        Args:
            name: a folder, or the name of a repository, `owner/name`.
            options: those of the Hub (`revision`, `token`, `cache_dir`, `local_files_only`,
                `force_download`), and arguments of the network in place of the stored ones.

        Raises:
            ConfigError: the stored arguments are refused, or `temporal` is needed.
            CheckpointError: a file is missing or corrupt, or weights of another network.
        """
        folder = Path(name).expanduser()
        if folder.exists():
            read_config_json(folder)
            name = folder
        try:
            return super().from_pretrained(name, **options)
        except GamdssError:
            raise
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise CheckpointError(
                f"no network can be loaded from {str(name)!r} ({first_line(error)})",
                remedy=f"{_REMEDY} Or name a repository of the Hub that can be reached.",
            ) from error

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        config: dict[str, Any] | None = None,
        map_location: str = "cpu",
        **options: Any,
    ) -> Any:
        hub = ("revision", "cache_dir", "force_download", "local_files_only", "token")
        where = {key: options.pop(key) for key in hub if key in options}
        options.pop("strict", None)
        if config is None:
            raise CheckpointError(f"{model_id} has no {CONFIG}", remedy=_REMEDY)
        custom = config.get("custom_temporal")
        if custom and options.get("temporal") is None:
            raise ConfigError(
                f"the network of {model_id} has a custom temporal stream, {custom}",
                remedy="Pass it: TwoBranchNet.from_pretrained(name, temporal=...).",
            )
        net = cast(Any, cls)(**options)
        file = Path(model_id) / WEIGHTS
        if not file.parent.is_dir():
            file = Path(hf_hub_download(repo_id=model_id, filename=WEIGHTS, **where))
        load(net, file, map_location)
        net.about = dict(config.get(ABOUT) or {})
        return net.eval()


def load(net: Any, file: Path, device: str = "cpu") -> None:
    """Load weights into a network.

    Raises:
        CheckpointError: missing, corrupt, or of another network.
    """
    try:
        tensors = load_file(file, device=device)
        net.to(device).load_state_dict(tensors)
    except (OSError, SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"missing or corrupt weights ({first_line(error)})", file=file, remedy=_REMEDY
        ) from error
    except RuntimeError as error:
        raise CheckpointError(
            f"the weights are of another network: {unfit_weights(error)}",
            file=file,
            remedy="Build the network with the arguments of its config.json.",
        ) from error


def read_config_json(folder: Path) -> dict[str, Any]:
    """The config of a folder that `save_pretrained` wrote.

    Raises:
        CheckpointError: not such a folder, or a broken config.
    """
    file = folder / CONFIG
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(config, dict) or not isinstance(config.get(ABOUT), dict):
            raise ValueError(f"no field {ABOUT}")
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"missing or broken config of a network ({first_line(error)})",
            file=file,
            remedy=_REMEDY,
        ) from error
    return config
