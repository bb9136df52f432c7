import subprocess
import sys

import pytest
import torch
from pydantic import ValidationError

from lmcompare import registry
from lmcompare.experiment.spec import check_options
from lmcompare.models.neural.options import LstmOptions, TransformerOptions
from lmcompare.models.neural.recurrent_model import LstmModel
from lmcompare.models.neural.transformer_model import TransformerModel

KINDS = ("feedforward", "rnn", "gru", "lstm", "transformer")
MODELS = {"lstm": LstmModel, "transformer": TransformerModel}
PRESETS = [(kind, name) for kind in MODELS for name in MODELS[kind].options_class.presets]


def test_options_and_families_are_read_without_torch():
    code = "import sys, lmcompare.models.neural.family; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_registered_and_needs_no_option(kind):
    family = registry.models.get(kind)
    assert family.name == kind and family.options().batch >= 1


def test_defaults_fit():
    assert LstmOptions().layers >= 1
    assert TransformerOptions().slide * 2 <= TransformerOptions().window


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"width": 30, "heads": 4}, "even multiple of heads"),
        ({"width": 64, "heads": 4, "kv_heads": 3}, "heads 4 must be a multiple of kv_heads 3"),
        ({"window": 16, "length": 16, "stride": 9}, "more than half of window"),
        ({"window": 16, "length": 32}, "length 32 is more than window 16"),
        ({"memory": 8, "positions": "learned"}, "'rotary' or 'alibi' where memory is set"),
        ({"memory": 8, "attention_window": 4}, "set one of them"),
        ({"ngram_embeddings": [2, 3, 2]}, "named twice"),
        ({"ngram_embeddings": [1]}, "greater than or equal to 2"),
        ({"preset": "huge"}, "'nano', 'laptop', 'gpt2-small' or 'wikitext-2'"),
        ({"widht": 3}, "Extra inputs"),
        ({"steps": 10, "epochs": 2}, "told twice: set one of epochs 2.0, steps 10"),
        ({"budget": "10min", "tokens": 5, "steps": 1}, "set one of steps 1, tokens 5, budget 10min"),
        ({"budget": "soon"}, "a time is written as"),
        ({"budget": "0s"}, "greater than 0"),
        ({"schedule": "trapezoid", "warmup": 0.5, "cooldown": 0.6}, "more than the whole"),
        ({"ema": 0.9, "averaging": 5}, "set one of them"),
        ({"averaging": 5, "evaluations": 7, "patience": 0}, "there are 7: set evaluations to 8 or more"),
        ({"averaging": 1, "evaluations": 6, "patience": 2}, "set patience to 0, or to 3 or more"),
        ({"momentum": 0.9}, "leave momentum out"),
        ({"optimiser": "sgd", "lr": 30, "weight_decay": 0.1}, "takes 300% of every matrix away in each step"),
        ({"optimiser": "sgd", "lr": 10, "weight_decay": 0.05}, "leave weight_decay out, or set some 1e-6"),
        (
            {"optimiser": "sgd", "clip": 0},
            "clip 0 needs an lr of its own: set one from 1 to 10 for clip 0.25",
        ),
        ({"optimiser": "sgd", "momentum": 0.9}, "momentum 0.9 needs an lr of its own"),
        ({"lr": 0}, "greater than 0"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(changes, said):
    with pytest.raises(ValidationError, match=said):
        TransformerOptions(**changes)


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_that_are_made_for_adamw_are_not_those_of_plain_descent(kind):
    options = registry.models.get(kind).options
    plain = options(optimiser="sgd", lr=10)
    assert plain.weight_decay == 0 and plain.embedding_lr is None
    assert options.model_validate(plain.model_dump()) == plain
    bare = options(optimiser="sgd")
    assert (bare.lr, bare.clip) == (10, 0.25) and options.model_validate(bare.model_dump()) == bare
    assert options(optimiser="sgd", clip=1, lr=2).clip == 1
    own = options(optimiser="sgd", lr=10, weight_decay=1e-6, embedding_lr=3)
    assert (own.weight_decay, own.embedding_lr) == (1e-6, 3)
    for other in ("adamw", "muon"):
        values = options(optimiser=other).model_dump(exclude={"optimiser"})
        assert values == options().model_dump(exclude={"optimiser"}) and values["weight_decay"] == 0.1


def test_only_a_transformer_that_asks_for_them_has_vectors_of_ngrams():
    presets = TransformerOptions.presets
    assert not any(TransformerOptions(preset=name).ngram_embeddings for name in presets)


def test_with_a_memory_a_step_may_be_longer_than_the_window():
    assert TransformerOptions(memory=64, length=128).reach == 65


@pytest.mark.parametrize(("kind", "name"), PRESETS)
def test_a_preset_sets_what_it_says_and_nothing_else(kind, name):
    options = MODELS[kind].options_class
    values = options.presets[name]
    chosen, plain = options(preset=name).model_dump(mode="json"), options().model_dump(mode="json")
    assert {key: chosen[key] for key in values} == values
    assert {key for key in chosen if chosen[key] != plain[key]} <= {*values, "preset"}


@pytest.mark.parametrize(("kind", "name"), PRESETS)
def test_what_is_set_rules_over_the_preset_and_a_saved_preset_is_read_back(kind, name):
    options = MODELS[kind].options_class
    own = options(preset=name, batch=7, dropout=0.01)
    assert own.batch == 7 and own.dropout == 0.01 and own.width == options.presets[name]["width"]
    assert options.model_validate(own.model_dump()) == own
    assert options.model_validate(own.model_dump(mode="json")) == own


@pytest.mark.parametrize(
    ("written", "seconds", "told"),
    [
        ("10min", 600, "10min"),
        ("90s", 90, "90s"),
        ("600", 600, "10min"),
        ("2h", 7200, "2h"),
        (1.5, 1.5, "1.5s"),
    ],
)
def test_a_budget_is_read_as_seconds_and_written_as_people_do(written, seconds, told):
    options = LstmOptions(budget=written)
    assert options.budget == seconds and options.model_dump()["budget"] == told
    assert LstmOptions.model_validate(options.model_dump()) == options


@pytest.mark.parametrize("length", [{"steps": 10}, {"tokens": 10}, {"budget": "1min"}])
def test_a_length_that_is_set_replaces_that_of_the_preset(length):
    options = LstmOptions(preset="awd-lstm", **length)
    assert options.epochs is None and LstmOptions(preset="awd-lstm").epochs == 750


def test_an_experiment_file_may_name_a_preset():
    chosen = check_options(LstmOptions, {"preset": "awd-lstm", "width": 200}, "models[0]")
    assert chosen.widths == [1150, 1150, 200] and chosen.dropped(chosen.dropout_hidden) == 0.2


def test_presets_are_told_where_the_options_are_told():
    for kind, name in PRESETS:
        description = MODELS[kind].options_class.model_fields["preset"].description
        assert f"{name} (width {MODELS[kind].options_class.presets[name]['width']}, " in description


def test_gpt2_small_has_as_many_weights_as_gpt2():
    """124,439,808 with positions for 1,024 tokens (its own table has one bias an id more)."""
    with torch.device("meta"):
        network = TransformerModel.build(TransformerOptions(preset="gpt2-small"), 50_257, 0)
    biases = network.embedding.bias.numel()
    assert sum(parameter.numel() for parameter in network.parameters()) - biases == 124_439_808


def test_awd_lstm_is_trained_as_the_papers_is():
    """Merity et al. (2018), section 5: NT-ASGD with n = 5, a constant rate, 750 epochs, each validated."""
    options = LstmOptions(preset="awd-lstm")
    assert (options.optimiser, options.averaging, options.schedule) == ("sgd", 5, "constant")
    assert options.weight_decay == 1.2e-6 and options.embedding_lr is None
    assert options.epochs == options.evaluations == 750 and options.restart == options.patience == 0
    other = LstmOptions(preset="awd-lstm", weight_decay=1e-5)
    assert other.weight_decay == 1e-5 and other.averaging == 5


def test_awd_lstm_has_as_many_weights_as_the_papers():
    """33 million on WikiText-2 with 33,278 types: Merity et al. (2018), table 2."""
    with torch.device("meta"):
        network = LstmModel.build(LstmOptions(preset="awd-lstm"), 33_278, 0)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count // 10**6 == 33
