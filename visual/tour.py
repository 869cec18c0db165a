"""A tour of the library in cells, from synthetic clips to the expressions in a recording."""

# %% [markdown]
# # A tour of gamdss
#
# From synthetic clips to an answer for a recording, in a few minutes on two CPU cores. The cells
# (`# %%`) run one by one in an editor that knows them, or in Jupyter by way of Jupytext; all at
# once with `python visual/tour.py`. What is drawn goes to `runs/tour/`. The faces are synthetic:
# scores show that the parts work together, and nothing about real faces.

# %%
from pathlib import Path

import timm
import torch
from torch.utils.data import DataLoader, Subset

import gamdss
from gamdss.data.truth import GROUND_TRUTH, read_truth
from gamdss.prediction.prediction_files import predict_recordings
from gamdss.report.motion_curve import Curve, motion_curves
from gamdss.reselection.motion.fit import fit_motion
from gamdss.synthetic import SynthConfig, write_dataset
from gamdss.synthetic.recording_events import RecordingSettings
from gamdss.synthetic.recording_files import write_recordings
from gamdss.tsne import TsneOptions, TsnePicture

HERE = Path("runs/tour")
SUBJECTS, CLIPS, EPOCHS, SECONDS = 4, 10, 10, 20.0
torch.manual_seed(0)

# %% [markdown]
# ## 1. Data
#
# Clips in CASME II's native layout, with an annotator who labels inaccurately. The true key frames
# are known, and only used to look at. With the real CASME II, `data_root` is its folder, and all
# else stays.

# %%
people = SynthConfig(
    subjects=SUBJECTS, clips_per_subject=CLIPS, fps=100, height=128, width=112,
    amplitude=(2.5, 3.5), onset_jitter=0.3, apex_jitter=0.3, offset_jitter=0.3, seed=3,
)  # fmt: skip
clips = write_dataset(HERE / "clips", people)
config = gamdss.Config(
    data_root=str(clips),
    output=str(HERE / "run"),
    model=gamdss.ModelConfig(image_size=64),
    reselection=gamdss.ReselectionConfig(preset="motion"),
    training=gamdss.TrainingConfig(epochs=EPOCHS, batch_size=8),
)
with gamdss.Experiment(config) as experiment:
    annotations = experiment.open_dataset().annotations
print(f"{len(annotations.clips)} clips in the classes {', '.join(annotations.classes)}")

# %% [markdown]
# ## 2. Reselection
#
# A model of rise and fall is fitted to the motion of one clip. Blue: annotated; red: reselected,
# with 80% intervals; triangles: true.

# %%
clip = annotations.clips[1]
frames = gamdss.FrameSequence(next(clips.rglob(f"*{clip.subject}/{clip.name}")))
fit = fit_motion({number: frames[number] for number in frames}, clip.annotated)
true = (read_truth(clips / GROUND_TRUTH) or {})[clip.id]
curve = Curve(clip.id, fit.times, fit.level, fit.course, clip.annotated, fit.keys, true)
motion_curves(HERE / "reselection.png", [curve])
print(f"annotated {clip.annotated.numbers}, reselected {fit.keys.numbers}, true {true.numbers}")

# %% [markdown]
# ## 3. A custom model
#
# Both phases around any image classifier, without new parameters. One subject is held out.

# %%
data = gamdss.KeyFrameDataset("cas2", clips, task="c5", preset="motion", image_size=64)
held_out = data.subjects[0]
training = Subset(data, [i for i, subject in enumerate(data.subjects) if subject != held_out])
testing = Subset(data, [i for i, subject in enumerate(data.subjects) if subject == held_out])
net = gamdss.two_phase(timm.create_model("resnet10t", num_classes=len(data.classes)))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(EPOCHS):
    net.train()
    for onset, apex, offset, labels in DataLoader(training, batch_size=8, shuffle=True):
        rising, falling = net(onset, apex, offset)
        loss = gamdss.two_phase_loss(rising, falling, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch + 1}: loss {loss.item():.2f}")
net.eval()
with torch.inference_mode():
    onset, apex, _, labels = next(iter(DataLoader(testing, batch_size=len(testing))))
    right = int((net.predict_logits(onset, apex).argmax(1) == labels).sum())
print(f"held-out subject {held_out}: {right} of {len(testing)} right")

# %% [markdown]
# ## 4. The paper's network and protocol
#
# Every subject is held out once. The report has tables with intervals over subjects, a confusion
# matrix, and more; `gamdss report runs/tour/run` writes a page that shows all of it.

# %%
with gamdss.Experiment(config) as experiment:
    dataset = experiment.open_dataset()
    for fold in experiment.folds(dataset):
        experiment.trainer(dataset, fold).run()
    print(experiment.report(dataset))

# %% [markdown]
# ## 5. Embeddings
#
# t-SNE of the held-out clips, all folds in one space.

# %%
picture = TsnePicture(TsneOptions(runs=[config.output]))
for run in picture.runs:
    picture.draw(run)
print(picture.save())

# %% [markdown]
# ## 6. Prediction
#
# A recording without labels: the face is tracked, expressions are spotted, their key frames fitted,
# and the networks of all folds classify them. A video of a person works the same way.

# %%
recording = RecordingSettings(seconds=SECONDS, micro=(2, 2), macro=(1, 1), turns=1, seed=1)
filmed = write_recordings(HERE / "filmed", recording, subjects=1, layout="casme2sq")
(shown,) = {file.parent for file in filmed.rglob("*.jpg")}
predictor = gamdss.Predictor(config.output)
answer = predict_recordings(predictor, shown, HERE / "predictions", fps=recording.fps)
for found in answer["recordings"]:
    for item in found["predictions"]:
        print(item["type"], item["seconds"], item["label"], *item["flags"])
print(f"page: {HERE / 'predictions' / 'predictions.html'}")
