import ast
import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import lmcompare
from lmcompare.errors import InputError
from lmcompare.files import (
    MANIFEST,
    check_folder,
    digest,
    home,
    load_model,
    model_kind,
    new_folder,
    read_json,
    save_model,
    sha256,
    shipped,
    write_bytes,
    write_json,
    write_text,
)

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "turned": np.arange(6, dtype=np.int64).reshape(2, 3).T,
    "none": np.zeros((0, 4), dtype=np.uint16),
}


def fail(*args: object, **kwargs: object) -> None:
    raise FULL


def test_home_is_the_environment_variable_where_it_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LMCOMPARE_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.delenv("LMCOMPARE_HOME")
    assert home().name == "lmcompare"


def test_corpora_and_reports_came_along() -> None:
    assert (shipped("corpora") / "zh-daily" / "corpus.toml").is_file()
    assert (shipped("reports") / "quickstart" / "experiment.toml").is_file()


def test_sha256_is_the_published_value_of_abc(tmp_path: Path) -> None:
    # FIPS 180-2, appendix B.1.
    (tmp_path / "abc").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(tmp_path / "abc") == known


def test_digest_does_not_see_the_order_of_keys_but_all_else() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    values = [{"a": 1}, {"a": 2}, {"a": "1"}, ["a", 1], {"a": [1]}, {"b": 1}, "é", "e"]
    assert len({digest(value) for value in values}) == len(values)


def test_a_text_is_replaced_whole_and_may_be_read_by_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    write_text(path, "one\n")
    write_text(path, "zwö\r\n")
    assert path.read_bytes() == "zwö\r\n".encode()
    assert path.stat().st_mode & 0o777 == 0o644
    assert [file.name for file in path.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")
    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(InputError, match="No space left on device") as caught:
        write_bytes(path, b"new")
    assert str(path) in str(caught.value) and "Free some space" in str(caught.value)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]


def test_a_folder_in_the_way_of_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match="cannot write"):
        write_text(tmp_path / "taken", "x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot write"):
        write_text(tmp_path / "file" / "inside", "x")


def test_json_comes_back(tmp_path: Path) -> None:
    value = {"中": [1, 2.5, None, True], "nested": {"a": "\n"}}
    write_json(tmp_path / "x.json", value)
    assert read_json(tmp_path / "x.json") == value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": 1,\n"b" 2}', "line 2: not JSON"),
        (b"", "line 1: not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"[" * 100_000, "not JSON that can be read"),
        (b"9" * 5_000, "not JSON that can be read"),
    ],
)
def test_what_is_no_json_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        read_json(path)
    assert str(path) in str(caught.value)


def test_json_that_is_absent_or_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing"):
        read_json(tmp_path / "absent.json")
    with pytest.raises(InputError, match="cannot read"):
        read_json(tmp_path)


def test_a_new_folder_appears_only_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder"
    with new_folder(path) as temporary:
        (temporary / "inner").mkdir()
        (temporary / "inner" / "x.txt").write_text("hello")
        assert not path.exists()
    assert read_json(path / MANIFEST) == {
        "inner/x.txt": {"bytes": 5, "sha256": sha256(path / "inner" / "x.txt")}
    }
    check_folder(path)
    assert [each.name for each in path.parent.iterdir()] == ["folder"]


def test_a_new_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def make(error: BaseException) -> None:
        with new_folder(tmp_path / "folder") as temporary:
            (temporary / "x.txt").write_text("hello")
            raise error

    with pytest.raises(KeyboardInterrupt):
        make(KeyboardInterrupt())
    with pytest.raises(ValueError, match="mine"):
        make(ValueError("mine"))
    with pytest.raises(InputError, match=r"No space left on device\. Free some space"):
        make(FULL)
    assert list(tmp_path.iterdir()) == []


def test_a_new_folder_replaces_only_on_demand_and_only_by_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with new_folder(path) as temporary:
        (temporary / "x.txt").write_text("old")
    with pytest.raises(InputError, match="exists already"), new_folder(path):
        pass
    with pytest.raises(InputError, match="cannot write"), new_folder(path, replace=True):
        raise FULL
    assert (path / "x.txt").read_text() == "old"
    with new_folder(path, replace=True) as temporary:
        (temporary / "y.txt").write_text("new")
    assert sorted(file.name for file in path.iterdir()) == [MANIFEST, "y.txt"]


def test_what_a_killed_process_left_is_never_taken_for_the_folder(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom lmcompare.files import new_folder\n"
        "with new_folder(Path(sys.argv[1])) as temporary:\n"
        "    (temporary / 'x.txt').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "folder"
    answer = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert answer.returncode == -signal.SIGKILL
    assert not path.exists()
    with new_folder(path) as temporary:
        assert list(temporary.iterdir()) == []
        (temporary / "y.txt").write_text("whole")
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]
    check_folder(path)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize(
    "body",
    [
        "write_bytes(folder / 'big.bin', bytes(100_000))",
        "save_model(folder / 'model', 'toy', {}, {'w': np.zeros(100_000)}, {})",
        "write_json(folder / 'big.json', ['x' * 100_000])",
    ],
)
def test_a_disk_that_takes_no_more_is_one_sentence_and_leaves_nothing(body: str, tmp_path: Path) -> None:
    # No full disk but a real refusal in the middle of a write: no file may have more than 20,000 bytes.
    code = f"""
        import resource, sys
        from pathlib import Path
        import numpy as np
        from lmcompare.errors import InputError
        from lmcompare.files import save_model, write_bytes, write_json
        folder = Path(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            {body}
        except InputError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "cannot write" in answer.stdout and str(tmp_path) in answer.stdout
    assert answer.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (tmp_path / "foreign.bin").write_bytes(b"\0\1")
    copies = {"foreign.bin": tmp_path / "foreign.bin"}
    save_model(folder, "toy", {"order": 3, "name": "中"}, ARRAYS, {"kind": "word"}, copies)
    return folder


def test_a_model_folder_comes_back(model: Path) -> None:
    found = load_model(model, "toy")
    assert (found.kind, found.config, found.tokenizer) == (
        "toy",
        {"order": 3, "name": "中"},
        {"kind": "word"},
    )
    assert found.arrays.keys() == ARRAYS.keys()
    for key, array in ARRAYS.items():
        np.testing.assert_array_equal(found.arrays[key], array)
        assert found.arrays[key].dtype == array.dtype
    assert (model / "foreign.bin").read_bytes() == b"\0\1"
    assert model_kind(model) == "toy"


@pytest.mark.parametrize("name", ["model.json", "tokenizer.json", "weights.safetensors", "foreign.bin"])
def test_a_missing_truncated_or_changed_file_of_a_model_is_named(model: Path, name: str) -> None:
    whole = (model / name).read_bytes()
    (model / name).write_bytes(whole[:-1])
    with pytest.raises(InputError, match=f"{name}.*truncated or changed|{name}, line"):
        load_model(model, "toy")
    (model / name).write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    with pytest.raises(InputError, match=f"{name}.*(damaged|line)"):
        load_model(model, "toy")
    (model / name).unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        load_model(model, "toy")


def test_a_model_of_another_kind_or_format_is_refused(model: Path) -> None:
    with pytest.raises(InputError, match="this is a 'toy' model, not 'ngram'"):
        load_model(model, "ngram")
    description = read_json(model / "model.json")
    for change in ({"format": 99}, {"config": None}):
        write_json(model / "model.json", description | change)
        forge_manifest(model)
        with pytest.raises(InputError, match="model format"):
            load_model(model, "toy")


def test_forged_weights_are_one_sentence(model: Path) -> None:
    (model / "weights.safetensors").write_bytes(b"\xff" * 64)
    forge_manifest(model)
    with pytest.raises(InputError, match="weights.safetensors cannot be read"):
        load_model(model, "toy")


@pytest.mark.parametrize("content", ["[]", "{}", '{"x": 1}', '{"x": {"bytes": 1}}', "not json", "null"])
def test_a_damaged_manifest_is_one_sentence(model: Path, content: str) -> None:
    (model / MANIFEST).write_text(content)
    with pytest.raises(InputError, match=MANIFEST):
        check_folder(model)


@pytest.mark.parametrize("content", ["[]", "{}", '{"kind": 3}', "null"])
def test_a_description_without_a_kind_is_one_sentence(model: Path, content: str) -> None:
    (model / "model.json").write_text(content)
    with pytest.raises(InputError, match="names no kind"):
        model_kind(model)


def test_what_is_no_model_folder_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a model folder"):
        model_kind(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        check_folder(tmp_path / "absent")


def forge_manifest(folder: Path) -> None:
    names = [file.name for file in folder.iterdir() if file.name != MANIFEST]
    sizes = {
        name: {"bytes": (folder / name).stat().st_size, "sha256": sha256(folder / name)} for name in names
    }
    write_json(folder / MANIFEST, sizes)


def test_no_module_of_the_package_can_run_code_that_it_reads() -> None:
    """Pickle, marshal, shelve, `eval`, `exec`, `torch.load` and allow_pickle=True stand nowhere."""
    faults = []
    for path in sorted(Path(lmcompare.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if {name.partition(".")[0] for name in names} & {"pickle", "marshal", "shelve", "dill", "joblib"}:
                faults.append((path.name, node.lineno))
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                pickles = [
                    key
                    for key in node.keywords
                    if key.arg == "allow_pickle" and ast.unparse(key.value) != "False"
                ]
                if called in ("eval", "exec", "torch.load", "compile") or pickles:
                    faults.append((path.name, node.lineno))
    assert not faults
