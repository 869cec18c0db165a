"""`gamdss train`, which the scripts per dataset spell out."""

from gamdss.experiment import TRAIN

COMMAND = TRAIN
