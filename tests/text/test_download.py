import gzip
import hashlib
import http.server
import io
import os
import socket
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest

from lmcompare.errors import InputError
from lmcompare.registry import Progress
from lmcompare.text.download import download, extract
from lmcompare.text.recipes import Checked

DATA = os.urandom(300_000)
RIGHT = Checked(bytes=len(DATA), sha256=hashlib.sha256(DATA).hexdigest())


class Server(http.server.ThreadingHTTPServer):
    """Serves `data`; the lists below say how it misbehaves, one entry a request."""

    data = DATA
    ranges = True
    length = True
    breaks: list[int]  # bytes after which an answer breaks off
    codes: list[int]  # answers in place of the file
    asked: list[str]  # the Range header of each request

    def handle_error(self, request: object, client_address: object) -> None:
        """A broken connection is what is asked for here."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        server = self.server
        asked = self.headers.get("Range", "")
        server.asked.append(asked)
        if server.codes:
            self.send_error(server.codes.pop(0))
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.ranges else 0
        if asked and server.ranges and start >= len(server.data):
            self.send_error(416)
            return
        body = server.data[start:]
        self.send_response(206 if asked and server.ranges else 200)
        if asked and server.ranges:
            self.send_header("Content-Range", f"bytes {start}-{len(server.data) - 1}/{len(server.data)}")
        if server.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.breaks.pop(0)] if server.breaks else body)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as made:
        made.breaks, made.codes, made.asked = [], [], []
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def fetch(server: Server, path: Path, check: Checked = RIGHT) -> list[Progress]:
    told: list[Progress] = []
    host, port = server.server_address[:2]
    download(f"http://{host!s}:{port}/x.bin", path, check, told.append, pause=0.001)
    return told


def test_a_file_arrives_whole_with_progress(server: Server, tmp_path: Path) -> None:
    told = fetch(server, tmp_path / "x.bin")
    assert (tmp_path / "x.bin").read_bytes() == DATA
    assert told[-1].done == told[-1].total == len(DATA)
    assert [file.name for file in tmp_path.iterdir()] == ["x.bin"]


def test_a_broken_transfer_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.breaks = [100_000, 50_000]
    fetch(server, tmp_path / "x.bin")
    assert (tmp_path / "x.bin").read_bytes() == DATA
    assert server.asked == ["", "bytes=100000-", "bytes=150000-"]


def test_what_an_earlier_call_left_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    server.breaks = [40_000] * 4
    with pytest.raises(InputError, match="Run again, it goes on where it stopped"):
        fetch(server, tmp_path / "x.bin")
    assert not (tmp_path / "x.bin").exists()
    assert (tmp_path / "x.bin.part").stat().st_size == 160_000
    server.asked.clear()
    fetch(server, tmp_path / "x.bin")
    assert server.asked == ["bytes=160000-"]
    assert (tmp_path / "x.bin").read_bytes() == DATA


def test_a_server_without_ranges_is_read_from_the_start_again(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.breaks = [100_000]
    fetch(server, tmp_path / "x.bin")
    assert (tmp_path / "x.bin").read_bytes() == DATA


def test_a_server_that_tells_no_length_is_judged_by_the_expected_size(server: Server, tmp_path: Path) -> None:
    server.length = False
    server.breaks = [100_000]
    fetch(server, tmp_path / "x.bin")
    assert (tmp_path / "x.bin").read_bytes() == DATA
    assert len(server.asked) == 2


def test_a_part_that_is_whole_already_needs_no_server(server: Server, tmp_path: Path) -> None:
    (tmp_path / "x.bin.part").write_bytes(DATA)
    fetch(server, tmp_path / "x.bin")
    assert server.asked == []
    assert (tmp_path / "x.bin").read_bytes() == DATA


def test_a_rotten_part_is_thrown_away_and_fetched_anew(server: Server, tmp_path: Path) -> None:
    for rotten in (b"x" * 1000, b"x" * len(DATA), b"x" * (len(DATA) + 5)):
        (tmp_path / "x.bin.part").write_bytes(rotten)
        fetch(server, tmp_path / "x.bin")
        assert (tmp_path / "x.bin").read_bytes() == DATA
        assert not (tmp_path / "x.bin.part").exists()


def test_a_wrong_checksum_is_told_with_both_values_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    wrong = RIGHT.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(InputError) as caught:
        fetch(server, tmp_path / "x.bin", wrong)
    assert "0" * 64 in str(caught.value) and str(RIGHT.sha256) in str(caught.value)
    assert "http://127.0.0.1" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_more_than_the_expected_size_is_cut_off(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the server sends more than 1,000 bytes"):
        fetch(server, tmp_path / "x.bin", Checked(bytes=1_000))
    assert not (tmp_path / "x.bin").exists()


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(server: Server, tmp_path: Path) -> None:
    server.codes = [503, 429, 500]
    fetch(server, tmp_path / "x.bin")
    assert len(server.asked) == 4
    server.codes = [404]
    with pytest.raises(InputError, match="the server says 404 Not Found"):
        fetch(server, tmp_path / "y.bin")
    assert len(server.asked) == 5
    server.codes = [416] * 4
    with pytest.raises(InputError, match="the server says 416"):
        fetch(server, tmp_path / "z.bin")


def test_nobody_at_the_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(InputError, match="the transfer broke off: Connection refused"):
        download(f"http://127.0.0.1:{port}/x", tmp_path / "x", RIGHT, lambda told: None, pause=0.001)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_nothing_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def urlopen(*args: object, **kwargs: object) -> None:
        asked.append(args)
        raise URLError(socket.gaierror(-2, "Name or service not known"))

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    with pytest.raises(InputError, match="no connection: Name or service not known"):
        download("http://nowhere.invalid/x", tmp_path / "x", RIGHT, lambda told: None, pause=100)
    assert len(asked) == 1


def test_a_full_disk_is_told_as_such_and_not_as_a_fault_of_the_server(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("lmcompare.text.download._copy", full)
    with pytest.raises(InputError, match="cannot write: No space left on device") as caught:
        fetch(server, tmp_path / "x.bin")
    assert "x.bin.part" in str(caught.value) and "Free some space" in str(caught.value)


def packed(folder: Path, kind: str, members: dict[str, bytes]) -> Path:
    path = folder / f"archive.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    elif kind == "gz":
        path.write_bytes(gzip.compress(next(iter(members.values()))))
    else:
        with tarfile.open(path, "w:gz" if kind == "tgz" else "w") as archive:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return path


KINDS = ["zip", "tgz", "tar", "gz"]


@pytest.mark.parametrize("kind", KINDS)
def test_one_member_is_unpacked_and_nothing_else(kind: str, tmp_path: Path) -> None:
    archive = packed(tmp_path, kind, {"./in/x.bin": DATA, "../../evil.txt": b"x", "/abs.txt": b"x"})
    target = tmp_path / "out"
    target.mkdir()
    extract(archive, "./in/x.bin", target / "x", RIGHT)
    assert (target / "x").read_bytes() == DATA
    assert [file.name for file in target.iterdir()] == ["x"]
    assert sorted(file.name for file in tmp_path.iterdir()) == [archive.name, "out"]


@pytest.mark.parametrize("kind", ["zip", "tgz", "tar"])
def test_a_member_that_is_absent_or_no_file_is_named(kind: str, tmp_path: Path) -> None:
    archive = packed(tmp_path, kind, {"a": b"x"})
    with pytest.raises(InputError, match="there is no file b in the archive"):
        extract(archive, "b", tmp_path / "x", Checked())
    with tarfile.open(tmp_path / "folder.tar", "w") as made:
        info = tarfile.TarInfo("b")
        info.type = tarfile.DIRTYPE
        made.addfile(info)
    with pytest.raises(InputError, match="there is no file b in the archive"):
        extract(tmp_path / "folder.tar", "b", tmp_path / "x", Checked())


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_stopped_at_the_expected_size(kind: str, tmp_path: Path) -> None:
    archive = packed(tmp_path, kind, {"a": b"bomb" * 10_000_000})
    with pytest.raises(InputError, match="unpacks to more than 1,000 bytes"):
        extract(archive, "a", tmp_path / "x", Checked(bytes=1_000))
    assert (tmp_path / "x").stat().st_size < 1_000_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_member_is_told_with_its_checksum(kind: str, tmp_path: Path) -> None:
    archive = packed(tmp_path, kind, {"a": b"x" * len(DATA)})
    with pytest.raises(InputError, match="a is not the right file, wrong checksum: sha256"):
        extract(archive, "a", tmp_path / "x", RIGHT)


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_archive_is_one_sentence(kind: str, tmp_path: Path) -> None:
    archive = packed(tmp_path, kind, {"a": DATA})
    whole = archive.read_bytes()
    middle = len(whole) // 2
    for data in (whole[:middle], whole[:middle] + b"\0" * 100 + whole[middle + 100 :], b"", b"junk" * 50):
        archive.write_bytes(data)
        with pytest.raises(InputError) as caught:
            extract(archive, "a", tmp_path / "x", RIGHT)
        assert str(archive) in str(caught.value)


def test_an_encrypted_archive_is_one_sentence(tmp_path: Path) -> None:
    archive = packed(tmp_path, "zip", {"a": b"x" * 100})
    data = bytearray(archive.read_bytes())
    data[6] |= 1  # the flag of encryption in the local header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    archive.write_bytes(bytes(data))
    with pytest.raises(InputError, match="the archive is damaged: .*encrypted"):
        extract(archive, "a", tmp_path / "x", Checked())


def test_an_archive_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read: No such file"):
        extract(tmp_path / "absent.zip", "a", tmp_path / "x", Checked())
