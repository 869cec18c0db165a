"""CASME II as its owners deliver it: https://doi.org/10.1371/journal.pone.0086041."""

from __future__ import annotations

from gamdss.data.specs.spec import Columns, DatasetSpec, Task

_NEGATIVE = ("disgust", "repression", "fear", "sadness")

CAS2 = DatasetSpec(
    name="cas2",
    title="CASME II",
    reference="Yan et al., PLOS ONE 9(1):e86041, 2014, doi 10.1371/journal.pone.0086041",
    request_page="http://casme.psych.ac.cn/casme/e2",
    fps=200.0,
    colour=True,
    workbooks=(
        "CASME2-coding-20241216.xlsx",
        "CASME2-coding-20190701.xlsx",
        "CASME2-coding-20140508.xlsx",
        "CASME2-coding-updated.xlsx",
        "CASME2-coding.xlsx",
        "CASME2_label_Ver_2.xls",
    ),
    header=(
        "Subject",
        "Filename",
        None,
        "OnsetFrame",
        "ApexFrame",
        "OffsetFrame",
        None,
        "Action Units",
        "Estimated Emotion",
    ),
    columns=Columns(
        subject="Subject",
        clip="Filename",
        onset="OnsetFrame",
        apex="ApexFrame",
        offset="OffsetFrame",
        emotion="Estimated Emotion",
        action_units="Action Units",
    ),
    subject_width=2,
    frame_roots=("Cropped", "Cropped-updated/Cropped", "Cropped_original"),
    clip_folder="sub{subject}/{clip}",
    frame_file="reg_img{frame}.jpg",
    frame_suffixes=(".jpg", ".jpeg", ".png", ".bmp"),
    emotions=("happiness", "repression", "disgust", "surprise", "others", "fear", "sadness"),
    tasks={
        "c5": Task(
            classes=("happiness", "repression", "disgust", "surprise", "others"),
            emotions={
                name: name for name in ("happiness", "repression", "disgust", "surprise", "others")
            },
        ),
        "c3": Task(
            classes=("happiness", "surprise", "negative"),
            emotions={
                "happiness": "happiness",
                "surprise": "surprise",
                **dict.fromkeys(_NEGATIVE, "negative"),
            },
        ),
    },
)
