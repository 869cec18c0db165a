"""`gamdss train`: what the scripts of the datasets write out."""

from gamdss.experiment import TRAIN

COMMAND = TRAIN
