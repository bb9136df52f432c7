import json
from pathlib import Path

import pytest

from lmcompare.commands.settings import read_settings
from lmcompare.errors import InputError
from lmcompare.experiment.spec import check_options, read_experiment, schema
from lmcompare.models.neural.options import LstmOptions


def rewritten(folder: Path, old: str, new: str) -> Path:
    file = folder / "experiment.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return file


def test_a_good_file_is_read_with_all_defaults(tiny: Path) -> None:
    experiment = read_experiment(tiny)
    assert [model.name for model in experiment.models] == ["3-gram", "lstm", "transformer"]
    assert experiment.name == "tiny"
    json.dumps(experiment.to_json())
    assert experiment.to_json()["models"][1]["dropout"] > 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("width = 16", "widht = 16", "models[1].widht: there is no such key. Did you mean 'width'?"),
        ("workers = 2", "wrokers = 2", "wrokers: there is no such key. Did you mean 'workers'?"),
        ("order = 3", "order = 0", "models[0].order"),
        ("order = 3", "order = 3\ntried = 0", "models[0].tried"),
        ('kind = "lstm"', 'kind = "lstn"', "models[1].kind: there is no model 'lstn'. Did you mean 'lstm'?"),
        ('name = "lstm"', 'name = "3-gram"', "models[1].name: '3-gram' is the name of another model"),
        ("[evaluation]", "[evaluatoin]", "Did you mean 'evaluation'?"),
        ("prompts = 4", "promts = 4", "evaluation.generation.promts"),
        ('[[models]]\nname = "3-gram"', "[[models]]", "models[0].name: is missing"),
        ("steps = 60", 'steps = "many"', "models[1].steps"),
        ("resamples = 200", "resamples = ", "not TOML"),
    ],
)
def test_a_fault_is_named_with_its_place_and_its_remedy(tiny: Path, old: str, new: str, said: str) -> None:
    file = rewritten(tiny, old, new)
    with pytest.raises(InputError) as caught:
        read_experiment(file)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_model_may_say_how_many_settings_were_tried_and_is_the_same_model(tiny: Path) -> None:
    first = read_experiment(tiny).models[0]
    again = read_experiment(rewritten(tiny, "order = 3", "order = 3\ntried = 12"))
    assert first.tried is None and again.models[0].tried == 12 and again.models[1].tried is None
    assert again.models[0].options == first.options
    told = again.to_json()["models"]
    assert told[0]["tried"] == 12 and "tried" not in told[1]


def test_all_faults_are_told_at_once(tiny: Path) -> None:
    rewritten(tiny, "order = 3", "order = 0")
    rewritten(tiny, "width = 16", "widht = 16")
    with pytest.raises(InputError, match=r"(?s)\d faults.*models\[0\].order.*models\[1\].widht"):
        read_experiment(tiny)


def test_no_model_and_no_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such experiment file"):
        read_experiment(tmp_path / "absent.toml")
    (tmp_path / "experiment.toml").write_text('[corpus]\npath = "x.txt"\n')
    with pytest.raises(InputError, match="no model is named"):
        read_experiment(tmp_path)
    (tmp_path / "experiment.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        read_experiment(tmp_path)


def test_the_schema_knows_every_kind_and_its_options() -> None:
    kinds = {k["title"]: k for k in schema()["properties"]["models"]["items"]["oneOf"]}
    assert {"ngram", "kenlm", "lstm", "transformer"} <= set(kinds)
    assert "order" in kinds["ngram"]["properties"]
    assert "dropout" in kinds["lstm"]["properties"]


MIXED = """
[[models]]
name = "mixed"
kind = "mixture"
members = ["3-gram", "cache", {kind = "cache", over = "lstm"}]

"""


def mixed(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in MIXED
    return rewritten(folder, "[evaluation]\n", MIXED.replace(old, new) + "[evaluation]\n")


def test_a_model_made_of_others_knows_them_and_is_trained_after_them(tiny: Path) -> None:
    mixed(tiny)
    rewritten(
        tiny,
        '[[models]]\nname = "3-gram"',
        MIXED.replace('"mixed"', '"first"') + '[[models]]\nname = "3-gram"',
    )
    experiment = read_experiment(tiny)
    assert [model.name for model in experiment.models] == ["first", "3-gram", "lstm", "transformer", "mixed"]
    assert experiment.models[0].members == {"members[0]": "3-gram", "members[2].over": "lstm"}
    order = [model.name for model in experiment.in_order()]
    assert sorted(order) == sorted(model.name for model in experiment.models)
    assert order == ["3-gram", "lstm", "first", "transformer", "mixed"]
    json.dumps(experiment.to_json())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"3-gram"', '"3-gran"', "models[3].members[0]: there is no model '3-gran'. Did you mean '3-gram'?"),
        ('over = "lstm"', 'over = "lstn"', "models[3].members[2].over: there is no model 'lstn'"),
        ('"3-gram"', '"mixed"', "models[3].members[0]: a model cannot be made of itself: 'mixed' -> 'mixed'"),
        ('"3-gram"', '"kenlm"', "models[3].members[0]: there is no model 'kenlm'"),
        ('kind = "cache"', 'kind = "cahce"', "models[3].members[2]: there is no model 'cahce'"),
    ],
)
def test_a_member_that_cannot_be_is_told_before_anything_is_trained(
    tiny: Path, old: str, new: str, said: str
) -> None:
    mixed(tiny, old, new)
    with pytest.raises(InputError) as caught:
        read_experiment(tiny)
    assert said in str(caught.value)
    assert "faults" not in str(caught.value)


def test_a_circle_of_models_is_told_once(tiny: Path) -> None:
    mixed(tiny, '"3-gram"', '"other"')
    other = MIXED.replace('"mixed"', '"other"').replace('"3-gram"', '"mixed"')
    rewritten(tiny, "[evaluation]\n", other + "[evaluation]\n")
    with pytest.raises(InputError) as caught:
        read_experiment(tiny)
    assert "models[3].members[0]: a model cannot be made of itself: 'mixed' -> 'other' -> 'mixed'" in str(
        caught.value
    )
    assert "faults" not in str(caught.value)


def test_a_model_may_be_trained_on_a_text_of_its_own(tiny: Path) -> None:
    rewritten(tiny, "order = 3", 'order = 3\ncorpus = {path = "other.txt"}')
    model = read_experiment(tiny).models[0]
    assert model.corpus is not None
    assert model.corpus.path == "other.txt"
    assert model.summary().endswith("corpus other.txt")
    rewritten(tiny, "corpus = {path", "corpus = {paht")
    with pytest.raises(InputError, match=r"models\[0\].corpus.*"):
        read_experiment(tiny)


def test_values_are_changed_for_one_run_table_by_table(tiny: Path) -> None:
    before = read_experiment(tiny)
    settings = ["seeds=[4, 5]", "models.lstm.width=8", "evaluation.gap.enabled=true", "tokenizer.kind=word"]
    after = read_experiment(tiny, read_settings(settings))
    assert [model.seeds for model in after.models] == [(4, 5)] * 3
    assert after.models[1].options.model_dump() == before.models[1].options.model_dump() | {"width": 8}
    assert after.models[2].options == before.models[2].options
    assert after.head.evaluation.gap.enabled and not before.head.evaluation.gap.enabled
    assert after.head.evaluation.generation == before.head.evaluation.generation
    assert after.head.tokenizer.kind == "word"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("models.lstn.width=8", "there is no model 'lstn'. Did you mean 'lstm'?"),
        ("models.lstm.widht=8", "models[1].widht: there is no such key. Did you mean 'width'?"),
        ("models.lstm=8", "a model is no single value"),
        ("models=8", "a list of models cannot be set"),
        ("sedes=[1]", "Did you mean 'seeds'?"),
        ("models.lstm.", "cannot read 'models.lstm.'"),
    ],
)
def test_a_fault_in_a_changed_value_is_told_as_one_in_the_file(tiny: Path, setting: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_experiment(tiny, read_settings([setting]))
    assert said in str(caught.value)


def test_what_several_keys_say_together_is_told_without_the_table() -> None:
    with pytest.raises(InputError) as caught:
        check_options(LstmOptions, {"momentum": 0.9}, "models[0]")
    assert "has its own: leave momentum out" in str(caught.value) and "{" not in str(caught.value)
