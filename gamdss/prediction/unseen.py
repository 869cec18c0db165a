"""Which networks of a run may classify the people of a long-video dataset.

Its micro-expressions are the clips of a dataset that runs are trained on. A network that has seen a
person must not be scored on that person.
"""

from __future__ import annotations

from gamdss.data.long_emotions import CLIPS_OF, label_class
from gamdss.data.long_videos import LongVideos
from gamdss.data.people import person
from gamdss.errors import ConfigError
from gamdss.prediction.ensemble import Ensemble


def unseen_networks(data: LongVideos, ensemble: Ensemble) -> dict[str, Ensemble]:
    """The networks that have not seen each subject, by subject; some may have none.

    Raises:
        ConfigError: no subject whose micro-expressions have one of the classes has any.
    """
    clips = CLIPS_OF.get(data.spec.name, data.spec.name)
    subjects = sorted({video.subject for video in data.videos})
    found = {subject: ensemble.unseen(person(clips, subject)) for subject in subjects}
    labelled = {
        video.subject
        for video in data.videos
        for event in video.events
        if event.type == "micro" and label_class(event, ensemble.classes) is not None
    }
    if not any(found[subject].folds for subject in labelled or subjects):
        raise ConfigError(
            "every network of --run was, or may have been, trained on the subjects that it would "
            "be scored on",
            remedy="Name a run that holds them out, such as one of --protocol.name loso, or omit "
            "--run.",
        )
    return found
