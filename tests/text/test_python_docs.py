import json
import shutil
import subprocess
import sys
import sysconfig
import types
from pathlib import Path

import pytest

from lmcompare.errors import InputError
from lmcompare.files import home
from lmcompare.text import compiled_docs
from lmcompare.text.corpus import SPLITS, Corpus, Document
from lmcompare.text.encoded import duplicates
from lmcompare.text.python_docs import python_docs
from lmcompare.text.sources import open_corpus


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return python_docs()


@pytest.fixture(scope="module")
def corpus(documents: list[Document]) -> Corpus:
    return open_corpus("python-docs")


def words(documents: list[Document]) -> int:
    return sum(len(sentence.split()) for document in documents for sentence in document.sentences)


def test_there_are_about_320000_words_in_sentences(documents: list[Document]) -> None:
    number = sum(len(document.sentences) for document in documents)
    # 316,000 with Python 3.11.7 and 310,000 with 3.13.0; a distribution may leave parts of the library out.
    assert 270_000 < words(documents) < 350_000
    assert 12 < words(documents) / number < 18


def test_topics_modules_and_compiled_modules_are_documents_with_names_of_their_own(
    documents: list[Document],
) -> None:
    names = [document.name for document in documents]
    assert len(set(names)) == len(names)
    assert {"topic:assert", "module:argparse", "module:json.decoder", "module:builtins"} <= set(names)
    assert all(name.startswith(("topic:", "module:")) for name in names)
    assert not any(".test." in name or "site-packages" in name or "lmcompare" in name for name in names)
    assert all(document.sentences for document in documents)


def test_a_known_docstring_is_there_in_clean_words(documents: list[Document]) -> None:
    known = {document.name: document.sentences for document in documents}
    assert "Command-line parsing library" in known["module:argparse"]
    assert "Return the number of items in a container ." in known["module:builtins"]
    assert any("Assert statements are a convenient way" in sentence for sentence in known["topic:assert"])


def test_no_paragraph_stands_twice(documents: list[Document]) -> None:
    long = [s for document in documents for s in set(document.sentences) if len(s.split()) > 25]
    # A sentence may return inside another paragraph; whole repeated paragraphs would make thousands.
    assert len(long) - len(set(long)) < 0.02 * len(long)


def test_the_second_call_reads_the_copy_and_a_damaged_copy_is_made_anew(
    tmp_path: Path, documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(home() / "python-docs", cache)
    path = next(cache.iterdir())
    whole = path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(
            "lmcompare.text.python_docs._modules", lambda *arguments: pytest.fail("was read again")
        )
        assert python_docs(cache) == documents
    tiny = [Document("module:x", ("One sentence here .",))]
    for maker in ("_topics", "_modules", "_compiled"):
        made = tiny if maker == "_modules" else []
        monkeypatch.setattr(f"lmcompare.text.python_docs.{maker}", lambda *arguments, made=made: iter(made))
    for damaged in (whole[:100], b"", b"[]", b'{"a": 3}', b"\xff"):
        path.write_bytes(damaged)
        assert python_docs(cache) == tiny


def test_the_split_is_stable_whatever_else_the_library_holds(
    corpus: Corpus, documents: list[Document]
) -> None:
    """Written down once: a name that changes its split would leak into a model's training text."""
    where = {document.name: split for split in SPLITS for document in corpus.splits[split]}
    assert len(where) == len(documents)
    fixed = {
        "topic:assert": "train",
        "topic:debugger": "test",
        "module:argparse": "valid",
        "module:logging": "valid",
        "module:json.decoder": "train",
        "module:builtins": "train",
    }
    assert {name: where[name] for name in fixed} == fixed


def test_the_shares_of_words_are_close_to_80_10_10(corpus: Corpus) -> None:
    sizes = {split: words(corpus.splits[split]) for split in SPLITS}
    total = sum(sizes.values())
    assert 0.77 < sizes["train"] / total < 0.83
    assert 0.07 < sizes["valid"] / total < 0.13
    assert 0.07 < sizes["test"] / total < 0.13


def test_hardly_a_test_sentence_stands_in_train(corpus: Corpus) -> None:
    found = duplicates(corpus)
    for split in ("valid", "test"):
        assert found[split] < 0.03 * len(corpus.sentences(split))


def test_every_sentence_is_words_between_single_spaces(documents: list[Document]) -> None:
    for document in documents:
        for sentence in document.sentences:
            assert sentence == " ".join(sentence.split()) and sentence.isprintable()
            assert 3 <= len(sentence.split())


def test_a_python_without_its_topics_or_its_source_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "pydoc_data.topics", None)
        with pytest.raises(InputError, match="came without its help topics. Install"):
            python_docs(tmp_path)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / "empty"))
    with pytest.raises(InputError, match="came without its library's source"):
        python_docs(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_python_that_cannot_be_started_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lmcompare.text.python_docs._modules", lambda *arguments: iter(()))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent"))
    with pytest.raises(InputError, match="docstrings of compiled modules cannot be read"):
        python_docs(tmp_path)


def test_broken_source_files_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = tmp_path / "lib"
    (library / "package").mkdir(parents=True)
    (library / "broken.py").write_text("def (:")
    (library / "nul.py").write_bytes(b"'''The nul is here.'''\0")
    (library / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\n'''The caf\xe9 is here.'''\n")
    (library / "package" / "__init__.py").write_text(
        '"""The package docs are here."""\n'
        'class A:\n    """The class docs are here."""\n'
        '    def f(self):\n        """The method docs are here."""\n'
        'if True:\n    def g():\n        """The guarded docs are here."""\n'
        'def h():\n    """The class docs are here."""\n'
    )
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(library))
    monkeypatch.setattr("lmcompare.text.python_docs._topics", lambda seen: iter(()))
    monkeypatch.setattr("lmcompare.text.python_docs._compiled", lambda seen: iter(()))
    assert python_docs(tmp_path / "cache") == [
        Document("module:latin", ("The café is here .",)),
        Document(
            "module:package",
            (
                "The package docs are here .",
                "The class docs are here .",
                "The method docs are here .",
                "The guarded docs are here .",
            ),
        ),
    ]


def test_compiled_modules_are_those_without_source() -> None:
    names = compiled_docs.compiled_modules()
    assert {"builtins", "math", "itertools", "sys"} <= set(names)
    assert not {"argparse", "json", "readline", "_testcapi"} & set(names)


def test_docstrings_of_a_module_are_its_own_and_each_object_is_read_once() -> None:
    class Parent:
        """Parent."""

        __slots__ = ()

        def method(self) -> None:
            """Method."""

    class Child(Parent):
        __slots__ = ()

    module = types.ModuleType("toy", "Module.")
    module.b = module.also_b = Parent  # type: ignore[attr-defined]
    module.a = Child  # type: ignore[attr-defined]
    module.number = 3  # type: ignore[attr-defined]
    assert list(compiled_docs.docstrings(module)) == ["Module.", "Parent.", "Method."]


def test_the_script_prints_json_and_leaves_this_process_alone() -> None:
    command = [sys.executable, "-I", "-W", "ignore", compiled_docs.__file__]
    answer = subprocess.run(command, capture_output=True, check=True)
    found = {name: texts for name, *texts in map(json.loads, answer.stdout.splitlines())}
    assert any("Return the absolute value of the argument." in text for text in found["builtins"])
    assert any("mathematical functions" in text for text in found["math"])
