import subprocess
import sys
from pathlib import Path

import pytest

from lmcompare.errors import InputError
from lmcompare.registry import Registry, models, tokenizers


def toy() -> Registry[object]:
    return Registry("fruit", "lmcompare.no-such-group", {"apple": "json:dumps", "ghost": "no_such_module:x"})


def test_a_string_is_imported_when_it_is_first_asked_for() -> None:
    import json

    assert toy().names() == ["apple", "ghost"]  # and the ghost has done no harm
    assert toy().get("apple") is json.dumps


def test_an_unknown_name_gets_the_nearest_or_all() -> None:
    with pytest.raises(InputError) as caught:
        toy().get("aple", where="models[0].kind")
    assert str(caught.value) == "models[0].kind: there is no fruit 'aple'. Did you mean 'apple'?"
    with pytest.raises(InputError, match="There are apple, ghost"):
        toy().get("zzz")


@pytest.mark.parametrize("value", ["no_such_module:x", "json:no_such_attribute", "json"])
def test_what_cannot_be_imported_is_one_sentence_with_its_name(value: str) -> None:
    registry = toy()
    registry.register("pear", value)
    with pytest.raises(InputError, match="the fruit 'pear' cannot be loaded"):
        registry.get("pear")


def test_the_last_registered_wins() -> None:
    registry = toy()
    registry.register("apple", 7)
    assert registry.get("apple") == 7


def test_every_builtin_tokenizer_and_a_classical_model_are_there() -> None:
    assert tokenizers.names()[:4] == ["bpe", "byte", "char", "word"]
    for name in ("bpe", "byte", "char", "word"):
        assert tokenizers.get(name).kind == name
    assert models.get("ngram").name == "ngram"


def test_a_plug_in_is_found_by_its_entry_point_and_never_replaces_a_builtin(tmp_path: Path) -> None:
    (tmp_path / "shouting.py").write_text("class Shout:\n    kind = 'shout'\n")
    dist = tmp_path / "shouting-1.dist-info"
    dist.mkdir()
    (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    (dist / "entry_points.txt").write_text(
        "[lmcompare.tokenizers]\nshout = shouting:Shout\nword = shouting:Shout\nbroken = absent:X\n"
    )
    code = (
        "from lmcompare.errors import InputError\n"
        "from lmcompare.registry import tokenizers\n"
        "assert 'shout' in tokenizers.names()\n"
        "assert tokenizers.get('shout').kind == 'shout'\n"
        "assert tokenizers.get('word').kind == 'word'\n"
        "try: tokenizers.get('broken')\n"
        "except InputError as error: print(error)\n"
    )
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{code}"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "'broken' cannot be loaded" in answer.stdout


def test_naming_models_imports_no_torch() -> None:
    code = (
        "import sys\nfrom lmcompare.registry import models\n"
        "assert {'ngram', 'lstm', 'transformer'} <= set(models.names())\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
