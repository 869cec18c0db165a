"""The model card of weights: data, protocol, held-out score, and what they must not be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gamdss.metrics import MEASURES, interval_text
from gamdss.records import AU_TASK

TEMPLATE = """\
---
{{ card_data }}
---

# {{ title }}

The two-branch network of GAMDSS ([arXiv 2603.04766]({{ paper_url }})): three key
frames of a clip (onset, apex, offset) to the classes {{ classes }}.

{% for warning in warnings -%}
> **Warning.** {{ warning }}

{% endfor -%}
## Data and protocol

{% for line in facts -%}
- {{ line }}
{% endfor %}
## Held-out score

{{ score }}

## Use

In this folder, with noise in place of the three key frames of a clip:

```python
import numpy as np
import torch
from torch.nn.functional import interpolate

import gamdss

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def prepare(face):  # uint8 RGB (height, width, 3)
    image = torch.from_numpy(face.copy()).permute(2, 0, 1)[None]
    image = interpolate(image, ({{ size }}, {{ size }}), mode="bilinear", antialias=True)
    return (image / 255 - MEAN) / DEVIATION  # (1, 3, {{ size }}, {{ size }})


faces = np.random.default_rng(0).integers(0, 256, (3, 340, 280, 3), np.uint8)  # put yours here
onset, apex, offset = map(prepare, faces)
net = gamdss.TwoBranchNet.from_pretrained({{ arguments }})  # or the repository's name
{{ call }}
```

Frames are face crops in RGB. As in training, they are resized as uint8 by bilinear interpolation
with antialiasing, divided by 255, minus ImageNet's mean, divided by its deviation.{{ inputs }}

"""
LIMITS = """\
The licence of the data decides whether these weights may be shared. They recognise elicited
expressions in cropped faces of a laboratory, not what a person feels.
"""
TEMPLATE += LIMITS
SYNTHETIC = (
    "The training clips are synthetic. The classes mean nothing on real faces, and the score says "
    "nothing about them."
)
UNKNOWN = "Unknown."


def card_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """The values of `TEMPLATE` from the config of a folder."""
    about = config["gamdss"]
    classes = about.get("classes") or [str(i) for i in range(config["num_classes"])]
    custom = config.get("custom_temporal")
    call, inputs = _call(about, config["image_size"])
    return {
        "title": f"GAMDSS, {about.get('title', 'weights of unknown origin')}",
        "classes": ", ".join(classes),
        "warnings": card_warnings(about),
        "facts": _facts(about, config),
        "score": card_score(about, "these weights are one of those networks"),
        "size": config["image_size"],
        "arguments": f'".", temporal={custom}()' if custom else '"."',
        "call": call,
        "inputs": inputs,
    }


def _call(about: Mapping[str, Any], size: int) -> tuple[str, str]:
    """The lines that call the network, and what is to be said of its inputs."""
    lines, given, said = [], "onset, apex, offset", ""
    motion = next((text for text in about.get("inputs", ()) if text.startswith("motion")), None)
    if motion is not None:
        lines.append(f"motion = torch.zeros(1, 2, 3, {size}, {size})  # put yours here")
        given = f"{given}, motion"
        said = (
            " The temporal stream takes the feature of both phases, rising and falling, as fourth "
            f"argument (`gamdss.features`). Of one phase it is {motion.partition(': ')[2]}."
        )
    lines.append(f"logits = net.predict_logits({given})  # (1, classes)")
    units = about.get("task") == AU_TASK
    lines.append(
        "print(logits > 0)  # which of the action units above move"
        if units
        else "print(logits.softmax(1))  # probabilities of the classes above"
    )
    return "\n".join(lines), said


def card_warnings(about: Mapping[str, Any]) -> list[str]:
    """Why the weights or their score mean less than they seem to."""
    found = [SYNTHETIC] if about.get("synthetic") else []
    if seen := about.get("seen"):
        found.append(
            "The score cannot be trusted: the weights that training started from "
            f"({about.get('started_from')}) had seen held-out subjects of {len(seen)} fold(s)."
        )
    return found


def _facts(about: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    lines = [f"Temporal stream: {config.get('custom_temporal') or config['backbone']}"]
    if not about:
        return [*lines, "Data and protocol: unknown"]
    people, held_out = about.get("people"), about.get("held_out") or []
    seen = f"of {len(people)} people" if people else "of unknown people"
    return [
        *lines,
        f"Data: {about['title']}, task {about['task']}; trained on clips {seen}",
        f"Protocol: {about['protocol']}, fold {about['fold']}"
        + (f"; held out: {', '.join(held_out)}" if held_out else "; nobody is held out"),
        f"Epochs: {about['epochs']} ({about['selection']} epoch), seed {about['seed']}",
        f"Started from: {about.get('started_from') or 'random weights'}",
        f"Written by gamdss {about['gamdss']}",
    ]


def card_score(about: Mapping[str, Any], which: str) -> str:
    """The held-out score of a run as Markdown; `which` says what the weights have to do with it."""
    scores: Mapping[str, Sequence[float | None]] | None = about.get("scores")
    if not scores:
        return f"{UNKNOWN} No clip that these weights were not trained on has been evaluated."
    rows = []
    for name, (value, low, high) in scores.items():
        ends = None if low is None or high is None else (low, high)
        if value is not None:
            rows.append(f"| {MEASURES[name]} | {value:.3f} | {interval_text(ends)} |")
    return "\n".join(
        [
            f"Of all folds of the run, {about['clips']} held-out clips of {about['subjects']} "
            f"subjects, each by the network that was not trained on it; {which}. Intervals (95%) "
            "are for other subjects.",
            "",
            "| measure | score | interval |",
            "|---|---|---|",
            *rows,
        ]
    )
