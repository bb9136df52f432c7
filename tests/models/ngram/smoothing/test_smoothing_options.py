from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

from lmcompare.errors import InputError
from lmcompare.experiment.spec import read_experiment
from lmcompare.models.ngram.family import NGRAM
from lmcompare.models.ngram.options import NgramOptions
from lmcompare.models.ngram.smoothing import METHODS
from lmcompare.registry import Training
from lmcompare.text.tokenizers import TokenizerOptions, build

WRONG = [
    ('smoothing = "katz"\nk = 1', "k is a setting of add-k, not of katz"),
    ("k = 1", "k is a setting of add-k, not of modified-kneser-ney"),
    ('smoothing = "add-k"\nk = 0', "k.*greater than 0"),
    ('smoothing = "mle"\nalpha = 0.4', "alpha is a setting of stupid, not of mle"),
    (
        'smoothing = "katz"\ncomposition = "interpolated"',
        "composition is a setting of witten-bell, absolute, kneser-ney and modified-kneser-ney, not of katz",
    ),
    (
        'smoothing = "witten-bell"\ndiscounts = "tuned"',
        "discounts is a setting of absolute, kneser-ney and modified-kneser-ney, not of witten-bell",
    ),
    (
        'smoothing = "kneser-ney"\ndiscounts = "lmplz"',
        'discounts = "lmplz" is a setting of modified-kneser-ney, not of kneser-ney',
    ),
    (
        'composition = "back-off"\ndiscounts = "tuned"',
        'discounts = "tuned" needs composition = "interpolated"',
    ),
    ("discount_levels = 4", 'discount_levels needs discounts = "tuned"'),
    (
        'smoothing = "add-k"\ninterpolate_unigrams = false',
        "interpolate_unigrams = false does not go with add-k",
    ),
    ('smoothing = "kneser"', "smoothing"),
]


@pytest.mark.parametrize(("lines", "message"), WRONG)
def test_a_setting_of_another_method_is_one_clear_sentence_with_its_place(
    tiny: Path, lines: str, message: str
) -> None:
    file = tiny / "experiment.toml"
    file.write_text(file.read_text().replace("order = 3", f"order = 3\n{lines}", 1))
    with pytest.raises(InputError, match=message) as caught:
        read_experiment(file)
    assert "models" in str(caught.value)


def test_every_method_can_be_named_and_no_other() -> None:
    assert set(get_args(NgramOptions.model_fields["smoothing"].annotation)) == set(METHODS)
    with pytest.raises(ValidationError):
        NgramOptions.model_validate({"smoothing": "good-turing"})


def test_options_survive_being_written_and_read_again() -> None:
    for name in METHODS:
        options = NgramOptions.model_validate({"smoothing": name})
        assert NgramOptions.model_validate(options.model_dump()) == options


@pytest.mark.parametrize("name", ["add-k", "jelinek-mercer", "pitman-yor", "modified-kneser-ney"])
def test_the_family_fits_on_the_validation_text_and_says_so_where_there_is_none(
    name: str, tmp_path: Path
) -> None:
    lines = ["a b c", "a b d", "b c", "a", "d a b"] * 4
    tokenizer = build(TokenizerOptions(kind="word"), lines)
    tuned = "tuned" if name == "modified-kneser-ney" else None
    options = NgramOptions.model_validate({"order": 3, "smoothing": name, "discounts": tuned})
    text = tokenizer.encode_document(lines)

    def job(valid: list[np.ndarray]) -> Training:
        return Training(
            options=options, tokenizer=tokenizer, train=[text], valid=valid, seed=1, folder=tmp_path
        )

    model = NGRAM.train(job([tokenizer.encode_document(["a b c", "d b", "c"])]))
    assert np.isfinite(model.score([text])[0]).all()
    assert model.settings["smoothing"] == name and model.settings["estimated"]
    model.save(tmp_path / "model")
    assert NGRAM.load(tmp_path / "model").settings["smoothing"] == name
    for nothing in ([], [text[:0]]):
        with pytest.raises(InputError, match="is fitted on validation text, and there is none"):
            NGRAM.train(job(nothing))
