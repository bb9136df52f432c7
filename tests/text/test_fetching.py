import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lmcompare.errors import InputError
from lmcompare.files import MANIFEST
from lmcompare.text.collection import data_path
from lmcompare.text.fetching import fetch_corpus
from lmcompare.text.sources import open_corpus

DEAD = "http://127.0.0.1:9"  # the discard port: nobody answers
WHOLE = ["corpus.toml", MANIFEST, "test.txt", "train.txt", "valid.txt"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012

    def log_message(self, *args: object) -> None:
        self.asked.append(self.path)


@pytest.fixture
def host(toy: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    Quiet.asked.clear()
    handler = functools.partial(Quiet, directory=str(toy.folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def one_by_one(host: str, names: list[str]) -> str:
    return "".join(f'[[downloads]]\nfile = "{name}"\nurls = ["{host}/{name}"]\n' for name in names)


def kept() -> list[str]:
    return sorted(path.name for path in data_path("toy").iterdir())


def test_an_archive_is_fetched_unpacked_and_the_download_removed(toy: Any, host: str, own_home: Path) -> None:
    toy.install_recipe(toy.archive(host))
    fetch_corpus("toy")
    assert kept() == WHOLE
    assert not (own_home / "downloads" / "toy").exists()
    assert open_corpus("toy").sentences("valid") == ["a cat sees the dog ."] * 5


def test_what_is_here_is_not_fetched_again_and_what_is_damaged_is(toy: Any, host: str) -> None:
    toy.install_recipe(toy.archive(host))
    fetch_corpus("toy")
    Quiet.asked.clear()
    fetch_corpus("toy")
    assert Quiet.asked == []
    (data_path("toy") / "test.txt").write_text("other")
    fetch_corpus("toy")
    assert Quiet.asked == ["/toy.zip"]
    assert (data_path("toy") / "test.txt").read_bytes() == toy.files["test.txt"]


def test_mirrors_are_tried_in_order(toy: Any, host: str) -> None:
    downloads = toy.archive(host).replace(
        f'urls = ["{host}', f'urls = ["{DEAD}/x.zip", "{host}/absent.zip", "{host}'
    )
    toy.install_recipe(downloads)
    fetch_corpus("toy")
    assert Quiet.asked[-2:] == ["/absent.zip", "/toy.zip"]
    assert kept() == WHOLE


def test_files_one_by_one_stand_in_for_a_dead_archive(toy: Any, host: str) -> None:
    for name, data in toy.files.items():
        (toy.folder / name).write_bytes(data)
    toy.install_recipe(toy.archive(DEAD) + one_by_one(host, list(toy.files)))
    fetch_corpus("toy")
    assert Quiet.asked == ["/train.txt", "/valid.txt", "/test.txt"]
    assert kept() == WHOLE


def test_what_could_be_fetched_is_kept_for_the_next_call(toy: Any, host: str, own_home: Path) -> None:
    for name in ("train.txt", "valid.txt"):
        (toy.folder / name).write_bytes(toy.files[name])
    toy.install_recipe(one_by_one(host, list(toy.files)))
    with pytest.raises(InputError) as caught:
        fetch_corpus("toy")
    said = str(caught.value)
    assert "corpus toy: test.txt could not be fetched: the server says 404" in said
    assert "lmcompare corpus add toy --from DIR" in said
    assert kept() == ["corpus.toml"]
    Quiet.asked.clear()
    (toy.folder / "test.txt").write_bytes(toy.files["test.txt"])
    fetch_corpus("toy")
    assert Quiet.asked == ["/test.txt"]
    assert kept() == WHOLE and not (own_home / "downloads" / "toy").exists()


def test_a_wrong_file_is_never_taken(toy: Any, host: str) -> None:
    for name in toy.files:
        (toy.folder / name).write_bytes(toy.files[name].replace(b"cat", b"rat"))
    toy.install_recipe(one_by_one(host, list(toy.files)))
    with pytest.raises(
        InputError, match="could not be fetched: train.txt is not the right file, wrong checksum"
    ):
        fetch_corpus("toy")
    assert kept() == ["corpus.toml"]


def test_an_archive_that_no_checksum_vouches_for_is_not_kept_when_it_is_bad(
    toy: Any, host: str, own_home: Path
) -> None:
    toy.install_recipe(toy.archive(host, known=False))
    whole = (toy.folder / "toy.zip").read_bytes()
    (toy.folder / "toy.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="toy.zip"):
        fetch_corpus("toy")
    assert kept() == ["corpus.toml"]
    (toy.folder / "toy.zip").write_bytes(whole)
    fetch_corpus("toy")
    assert kept() == WHOLE


def test_one_reason_is_told_once(toy: Any, host: str) -> None:
    toy.install_recipe(one_by_one(host, list(toy.files)))
    with pytest.raises(InputError) as caught:
        fetch_corpus("toy")
    assert str(caught.value).count("404") == 1
    assert "(127.0.0.1)" in str(caught.value)


def test_a_full_disk_is_told_at_once_and_no_mirror_is_blamed(
    toy: Any, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lmcompare.text.download._copy", full)
    toy.install_recipe(toy.archive(host))
    with pytest.raises(
        InputError, match="cannot write: No space left on device. Free some space and run again"
    ):
        fetch_corpus("toy")
    assert Quiet.asked == ["/toy.zip"]
    assert kept() == ["corpus.toml"]


def test_what_cannot_be_fetched_says_why(own_home: Path) -> None:
    with pytest.raises(InputError, match="is made on this machine, there is nothing to fetch"):
        fetch_corpus("python-docs")
    with pytest.raises(
        InputError, match=r"no address is known for 'zh-python-docs'.*corpus add zh-python-docs"
    ):
        fetch_corpus("zh-python-docs")
    with pytest.raises(InputError, match="there is no corpus 'nothing'"):
        fetch_corpus("nothing")
