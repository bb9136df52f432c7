"""What may be set for each neural family, checked before anything is computed; knows nothing of torch."""

from lmcompare.models.neural.options.feedforward import FeedForwardOptions
from lmcompare.models.neural.options.recurrent import GruOptions, LstmOptions, RecurrentOptions, RnnOptions
from lmcompare.models.neural.options.training import NetworkOptions, TrainingOptions
from lmcompare.models.neural.options.transformer import TransformerOptions

__all__ = [
    "FeedForwardOptions",
    "GruOptions",
    "LstmOptions",
    "NetworkOptions",
    "RecurrentOptions",
    "RnnOptions",
    "TrainingOptions",
    "TransformerOptions",
]
