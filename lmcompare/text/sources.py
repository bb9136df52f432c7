"""Where a corpus comes from: a name, a path or three paths, opened as one `Corpus`.

Knows nothing of how a text becomes ids. Reading, cutting, fetching and making text are the business
of the modules that it calls.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from lmcompare.errors import InputError
from lmcompare.text.collection import data_folder
from lmcompare.text.corpus import SPLITS, Corpus, Document
from lmcompare.text.documents import SHARES, default_mode, make_documents, split_by_hash, split_stream
from lmcompare.text.grammar_corpus import grammar_corpus, grammar_source
from lmcompare.text.options import CorpusOptions, TextOptions
from lmcompare.text.python_docs import python_docs
from lmcompare.text.reading import RECORDS, SUFFIXES, read_lines, read_records
from lmcompare.text.recipes import find_recipe, recipe_folder, recipe_names
from lmcompare.text.synthetic.drawing import synthetic_corpus

_ALIASES: Final = {"train": ("train",), "valid": ("valid", "validation", "dev", "val"), "test": ("test",)}
_WITHOUT_SPACES: Final = ("zh", "ja", "th", "lo", "km", "my")
_OVERRULED: Final = tuple(TextOptions.model_fields)


def open_corpus(reference: CorpusOptions | str, *, base: Path | None = None) -> Corpus:
    """The text of an experiment.

    Args:
        reference: the `[corpus]` table, or a name or a path alone.
        base: folder that paths are relative to; the current one by default.

    Raises:
        InputError: an unknown name (with the nearest), a named corpus whose text is absent (with the
            command that gets it), a path that cannot be read (with file, line and byte), or too little text
            to split.
    """
    base = base or Path()
    options = _as_options(reference, base) if isinstance(reference, str) else reference
    if options.name is not None:
        corpus = _named(options.name, options)
    elif options.path is not None:
        corpus = _from_path(base / Path(options.path).expanduser(), options)
    else:
        paths: dict[str, Path] = {
            split: base / Path(getattr(options, split)).expanduser() for split in SPLITS
        }
        corpus = _build(paths["train"].parent.name or "text", options, _separate(paths, options))
    for split in SPLITS:
        if not corpus.splits[split]:
            raise InputError(f"the split {split} has no sentence", where=f"corpus {corpus.name}")
    return corpus


def open_whole(reference: str, *, base: Path | None = None) -> Corpus:
    """The same text with nothing held out: all of it is the split `train`, the other two are empty.

    Args:
        reference: a name or a path; a text of one line will do.
        base: as `open_corpus` takes it.

    Raises:
        InputError: as `open_corpus` does, but never for too little text to split.
    """
    base = base or Path()
    options = _as_options(reference, base)
    if options.path is None:
        corpus = open_corpus(options, base=base)
        whole = [document for split in SPLITS for document in corpus.splits[split]]
        return _build(corpus.name, find_recipe(str(options.name)), _only(whole), rule="nothing is held out")
    path = base / Path(options.path).expanduser()
    _check_path(path)
    found = _text_files(path) if path.is_dir() else [path]
    files = list(_split_files(path, found).values()) if path.is_dir() else []
    mode = "file" if len(found) > 1 and not files else None
    whole = [
        document
        for file in files or found
        for document in _documents(str(file.relative_to(path.parent)), file, options, mode)
    ]
    if not whole:
        raise InputError("there is no sentence in the text", where=str(path), remedy="Give more text")
    return _build(_name_of(path), options, _only(whole), rule="nothing is held out")


def _only(documents: list[Document]) -> dict[str, list[Document]]:
    return {"train": documents, "valid": [], "test": []}


def _as_options(reference: str, base: Path) -> CorpusOptions:
    """A name where there is such a corpus or nothing that looks like a path, else a path."""
    names = recipe_names()
    looks_like_path = "/" in reference or "\\" in reference or reference.endswith(SUFFIXES)
    if reference in names or not (looks_like_path or (base / reference).exists()):
        return CorpusOptions(name=reference)
    return CorpusOptions(path=reference)


def _named(name: str, options: CorpusOptions) -> Corpus:
    recipe = find_recipe(name)
    own = {key: getattr(options, key) for key in _OVERRULED if getattr(options, key) is not None}
    recipe = recipe.model_copy(update=own)
    if recipe.source == "python-docs":
        # The prefix makes the shares of words, which a few large modules decide, close to what is asked for.
        splits = split_by_hash(python_docs(), recipe, by_name=True, prefix=f"{name}:")
        return _build(name, recipe, splits, rule="hash of the document's name")
    if recipe.source == "grammar":
        path = recipe_folder(name) / "grammar.toml"
        splits, facts = grammar_corpus(path)
        return _build(name, recipe, splits, facts, rule="sampled", source=grammar_source(path))
    if recipe.source == "synthetic":
        path = recipe_folder(name) / "source.toml"
        splits, facts, source = synthetic_corpus(path, words=bool(recipe.words))
        return _build(name, recipe, splits, facts, rule="sampled", source=source)
    folder = data_folder(name, recipe)
    if recipe.files[0].split is None:
        return _unsplit(name, [(file.name, folder / file.name) for file in recipe.files], recipe)
    paths = {str(file.split): folder / file.name for file in recipe.files}
    return _build(name, recipe, _separate(paths, recipe), rule="as published")


def _from_path(path: Path, options: CorpusOptions) -> Corpus:
    _check_path(path)
    name = _name_of(path)
    if path.is_dir():
        files = _text_files(path)
        paths = _split_files(path, files)
        if paths:
            return _build(name, options, _separate(paths, options))
        return _unsplit(name, [(str(f.relative_to(path)), f) for f in files], options)
    return _unsplit(name, [(path.name, path)], options)


def _check_path(path: Path) -> None:
    if path.suffix and not path.name.endswith(SUFFIXES) and path.is_file():
        # A text file may have any name; only what is known to be packed otherwise is refused.
        if path.suffix in (".zip", ".bz2", ".xz", ".parquet", ".pdf", ".docx", ".html"):
            remedy = f"Give one of: {', '.join(SUFFIXES)}"
            raise InputError(f"files of type {path.suffix} are not read", where=str(path), remedy=remedy)
    if not path.exists():
        raise InputError(
            "there is no such file or folder", where=str(path), remedy=_near(path) or "Correct the path"
        )


def _name_of(path: Path) -> str:
    return path.resolve().name if path.is_dir() else path.name.partition(".")[0]


def _near(path: Path) -> str:
    folder = path.parent
    names = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    near = difflib.get_close_matches(path.name, names, 1)
    return f"Did you mean {near[0]!r}?" if near else ""


def _text_files(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.name.endswith(SUFFIXES) and path.is_file())
    if not files:
        remedy = f"Give a folder with files of type {', '.join(SUFFIXES)}"
        raise InputError("there is no text file in the folder", where=str(folder), remedy=remedy)
    return files


def _split_files(folder: Path, files: Sequence[Path]) -> dict[str, Path]:
    """The folder's files `train.*`, `valid.*` and `test.*` where it has such, else nothing."""
    found: dict[str, Path] = {}
    for path in files:
        stem = path.name.partition(".")[0]
        split = next((split for split, names in _ALIASES.items() if stem in names), None)
        if split and path.parent == folder:
            if split in found:
                what = f"{found[split].name} and {path.name} are both the split {split}"
                raise InputError(what, where=str(folder), remedy="Name one file for each split in [corpus]")
            found[split] = path
    missing = [split for split in SPLITS if split not in found]
    if "train" in found and missing:
        what = f"there is {found['train'].name} but no {' and no '.join(missing)} file"
        raise InputError(what, where=str(folder), remedy="Add it, or give `path` of the one file to split")
    return found if not missing else {}


def _documents(name: str, path: Path, options: TextOptions, mode: str | None) -> list[Document]:
    """The documents of one file."""
    if path.name.endswith(RECORDS):
        if mode not in (None, "file"):
            where = f"{path}, corpus.documents"
            raise InputError(
                "a record of a .jsonl file is a document, `documents` must not be set", where=where
            )
        records = read_records(path, options.field or "text")
        parts = [
            make_documents(f"{name}:{n}", record, options, "file") for n, record in enumerate(records, 1)
        ]
        return [document for part in parts for document in part]
    lines = read_lines(path)
    return make_documents(name, lines, options, mode or default_mode(len(lines)))


def _separate(paths: dict[str, Path], options: TextOptions) -> dict[str, list[Document]]:
    return {split: _documents(split, paths[split], options, options.documents) for split in SPLITS}


def _unsplit(name: str, files: Sequence[tuple[str, Path]], options: TextOptions) -> Corpus:
    shares = "/".join(
        f"{100 * share / sum(options.shares or SHARES):g}" for share in options.shares or SHARES
    )
    if options.split == "stream":
        lines = [line for _, path in files for line in read_lines(path)]
        parts = split_stream(lines, options)
        cut = options.documents or default_mode(len(lines))
        splits: dict[str, list[Document]] = {
            split: make_documents(split, parts[split], options, cut) for split in SPLITS
        }
        return _build(name, options, splits, rule=f"{shares} of the stream, in order")
    mode = options.documents or ("file" if len(files) > 1 else None)
    documents = [document for label, path in files for document in _documents(label, path, options, mode)]
    by_name = mode == "file"
    rule = f"{shares} by hash of the document's {'name' if by_name else 'text'}"
    return _build(name, options, split_by_hash(documents, options, by_name=by_name), rule=rule)


def _build(
    name: str,
    options: TextOptions,
    splits: dict[str, list[Document]],
    facts: dict[str, float | str] | None = None,
    rule: str = "separate files",
    source: dict[str, Any] | None = None,
) -> Corpus:
    language = options.language or "und"
    spaced = language.partition("-")[0] not in _WITHOUT_SPACES
    return Corpus(
        name=name,
        title=options.title or name,
        language=language,
        words=spaced if options.words is None else options.words,
        licence=options.licence or "unknown",
        splits=splits,
        facts={**(facts or {}), "splits": rule},
        by_document=options.documents != "line",
        source=source,
    )
