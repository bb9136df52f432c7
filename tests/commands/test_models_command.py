from lmcompare.commands.models import _documented
from lmcompare.models.neural.options import TransformerOptions


def test_an_option_that_a_family_tells_anew_is_told_in_its_words_alone():
    told = _documented(TransformerOptions.__mro__)
    assert told["dropout"].startswith("share of units") and told["dropout"].endswith("are not dropped.")
    assert told["weight_decay"].endswith("1.2e-6).")
