"""What a recording's predictions are flagged with and which of them are one expression."""

from types import SimpleNamespace

from gamdss.align import AlignConfig
from gamdss.prediction.covered import COVERED
from gamdss.prediction.predictions import UNRELIABLE
from gamdss.prediction.predictor import _distinct, _flags
from gamdss.prediction.trained_on import TrainedOn
from gamdss.records import KeyFrames

SAME = {"cas2": AlignConfig().identity}


def prediction(onset, offset, quality):
    return SimpleNamespace(keys=KeyFrames(onset, onset + 1, offset), quality=quality)


def test_fits_of_one_expression_are_one_prediction():
    parts = [prediction(10, 40, 0.7), prediction(12, 44, 0.9), prediction(60, 80, 0.2)]
    assert list(_distinct(zip([0, 2, 50], parts, strict=True))) == parts[1:]


def test_predictions_are_complete_as_soon_as_no_later_one_can_overlap():
    parts = [prediction(10, 40, 0.7), prediction(60, 90, 0.2), prediction(58, 90, 0.3)]
    given = []

    def found():
        for start, one in zip([0, 41, 45], parts, strict=True):
            given.append(one)
            yield start, one

    assert next(_distinct(found())) is parts[0]
    assert given == parts[:2]
    assert list(_distinct(found())) == [parts[0], parts[2]]


def test_flags_name_what_to_keep_in_mind():
    stretch = SimpleNamespace(others=1, relaxed=False)
    good = SimpleNamespace(fit=SimpleNamespace(quality=0.9))
    assert _flags("micro", SimpleNamespace(others=0, relaxed=False), good, "fear", 1.0, False) == ()
    found = _flags("macro", stretch, None, "not sure", 0.8, True)
    assert found[:2] == (UNRELIABLE, "not sure")
    assert "other faces" in found
    assert "face partly outside" in found
    assert COVERED in found


def test_differences_from_the_training_data_are_warnings():
    trained = TrainedOn("CASME II", False, True, False, (200.0,), SAME)
    small = SimpleNamespace(pose=SimpleNamespace(size=60.0))
    found = trained.differences(SimpleNamespace(fps=30.0, stretches=[small]), AlignConfig())
    assert "30 frames per second, but the training data has 200" in found[0]
    assert "the face is 60 pixels wide" in found[1]
    large = SimpleNamespace(pose=SimpleNamespace(size=300.0))
    same = SimpleNamespace(fps=210.0, stretches=[large])
    assert trained.differences(same, AlignConfig()) == []
    grey = TrainedOn("SAMM", False, True, True, (), SAME)
    assert "grey" in grey.differences(same, AlignConfig())[-1]
    leaky = TrainedOn("CASME II", False, True, False, (), SAME, seen=True)
    assert "too certain" in leaky.differences(same, AlignConfig())[-1]
    many = TrainedOn("lab", False, True, False, (25.0, 50.0, 90.0, 120.0), SAME)
    (found,) = many.differences(same, AlignConfig())
    assert "the training data has 25 to 120" in found


def test_other_or_unknown_crops_are_warnings():
    def warned(crops, settings, synthetic=False):
        return TrainedOn("x", synthetic, True, False, (), crops).other_crops(settings)

    assert warned(SAME, AlignConfig(width=140, height=170, quality=80)) == []
    (text,) = warned(SAME, AlignConfig(margin=0.3, width=340))
    assert "crops differ from cas2's: margin 0.1 in training, 0.3 here" in text
    assert "width / height 0.82 in training, 1.00 here" in text
    packaged = {"cas2": {**SAME["cas2"], "detector": "mtcnn 1a 2b"}}
    (text,) = warned(packaged, AlignConfig())
    assert "detector mtcnn in training, dlib here" in text
    for crops, shown in (
        ({"cas2": None}, "data of cas2 are not known"),
        ({}, "data are not known"),
    ):
        assert shown in warned(crops, AlignConfig())[0]
        assert warned(crops, AlignConfig(), synthetic=True) == []
