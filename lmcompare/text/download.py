"""One file over HTTP: continued after an interruption, checked, with progress; and out of archives.

Knows nothing of corpora.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import socket
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO, Final

from lmcompare.errors import InputError
from lmcompare.files import explain_os_errors
from lmcompare.registry import Progress
from lmcompare.text.recipes import Checked

Report = Callable[[Progress], None]

LARGEST: Final = 4 * 2**30  # bytes of one file where the recipe states no size
_CHUNK: Final = 1 << 18
_ATTEMPTS: Final = 4
_TIMEOUT: Final = 30.0  # seconds without a byte


def download(url: str, path: Path, check: Checked, report: Report, *, pause: float = 1.0) -> None:
    """Fetch one file, whole and right or not at all.

    What has arrived is kept as `<path>.part` and continued from there, now and by later calls.

    Args:
        url: http or https.
        path: where the file goes.
        check: size and checksums.
        report: called a few times a second.
        pause: seconds before the second attempt; doubled before each later one.

    Raises:
        InputError: no connection, an error of the server, a transfer that never ends whole, a wrong size
            or checksum (with the expected and the found one; what had arrived is then removed).
    """
    part = path.with_name(path.name + ".part")
    resumed = part.exists()
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            reason = "" if _attempt(url, part, check, report) else "the transfer broke off"
        except urllib.error.HTTPError as error:
            reason = _refusal(error, url, part)
        except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", None) or error
            reason = (
                f"the transfer broke off: {getattr(cause, 'strerror', None) or cause or type(error).__name__}"
            )
            if isinstance(
                cause, socket.gaierror
            ):  # No such host or no network at all: waiting does not help.
                raise InputError(f"no connection: {cause.strerror or cause}", where=url) from None
        if not reason:
            break
    else:
        raise InputError(reason, where=url, remedy="Run again, it goes on where it stopped")
    fault = check.fault(part)
    if not fault:
        with explain_os_errors(path):
            part.replace(path)
        return
    part.unlink()
    if not resumed:
        raise InputError(f"{path.name} is not the right file, {fault}", where=url)
    download(url, path, check, report, pause=pause)  # What an earlier call had left may have been the fault.


def _refusal(error: urllib.error.HTTPError, url: str, part: Path) -> str:
    """Why the server gave nothing, where it is worth another try; "" where there is nothing more to give."""
    error.close()
    if error.code == 416 and part.exists():
        return ""  # Nothing follows what we have: it is whole, or it is not this file.
    reason = f"the server says {error.code} {error.reason}"
    if error.code in (408, 429) or error.code >= 500:
        return reason
    raise InputError(reason, where=url) from None


def _attempt(url: str, part: Path, check: Checked, report: Report) -> bool:
    """Read on from where `part` ends; whether the server has sent all that it announced."""
    have = part.stat().st_size if part.exists() else 0
    if have and have == check.bytes:
        return True
    headers = {"User-Agent": "lmcompare", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT) as answer:
        if have and not _continues(answer, have):
            have = 0  # The server ignores ranges: from the start again.
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else check.bytes
        with explain_os_errors(part), part.open("ab" if have else "wb") as file:
            have = _copy(answer, file, have, total, check.bytes or LARGEST, report, part.stem, url)
    return total is None or have >= total


def _continues(answer: http.client.HTTPResponse, have: int) -> bool:
    place = answer.headers.get("Content-Range", "")
    return answer.status == 206 and place.startswith(f"bytes {have}-")


def _copy(
    source: http.client.HTTPResponse,
    target: BinaryIO,
    have: int,
    total: int | None,
    limit: int,
    report: Report,
    stage: str,
    url: str,
) -> int:
    shown = 0.0
    while True:
        try:
            block = source.read1(_CHUNK)
        except OSError as error:  # Not an error of the disk, and not to be explained as one.
            raise http.client.HTTPException(str(error)) from None
        if not block:
            break
        target.write(block)
        have += len(block)
        if have > limit:
            raise InputError(f"the server sends more than {limit:,} bytes", where=url)
        now = time.monotonic()
        if now - shown > 0.2:
            shown = now
            report(Progress(stage, have, total or limit))
    report(Progress(stage, have, total or have))
    return have


def extract(archive: Path, member: str, target: Path, check: Checked) -> None:
    """Unpack one member of a .zip or .tar by its exact name, or the content of a .gz, and nothing else.

    Raises:
        InputError: a damaged archive, no such member, more bytes than expected, a wrong checksum.
    """
    limit = check.bytes or LARGEST
    try:
        with contextlib.ExitStack() as stack:
            source = _open_member(archive, member, stack)
            with explain_os_errors(target), target.open("wb") as file:
                written = 0
                while block := _read(source):
                    written += len(block)
                    if written > limit:
                        what = f"{member} unpacks to more than {limit:,} bytes"
                        raise InputError(what, where=str(archive))
                    file.write(block)
    except KeyError:
        raise InputError(f"there is no file {member} in the archive", where=str(archive)) from None
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        EOFError,
        zlib.error,
        RuntimeError,
    ) as error:
        raise InputError(f"the archive is damaged: {error}", where=str(archive)) from None
    fault = check.fault(target)
    if fault:
        raise InputError(f"{member} is not the right file, {fault}", where=str(archive))


def _open_member(archive: Path, member: str, stack: contextlib.ExitStack) -> BinaryIO:
    """The member, to be read; raises `KeyError` where there is no such file."""
    source: IO[bytes] | None
    try:
        if zipfile.is_zipfile(archive):
            source = stack.enter_context(zipfile.ZipFile(archive)).open(member)
        elif tarfile.is_tarfile(archive):
            source = stack.enter_context(tarfile.open(archive)).extractfile(member)
        else:
            source = gzip.open(archive, "rb")  # type: ignore[assignment]
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror or error}", where=str(archive)) from None
    if source is None:
        raise KeyError(member)
    return stack.enter_context(source)  # type: ignore[return-value]


def _read(source: BinaryIO) -> bytes:
    try:
        return source.read(_CHUNK)
    except OSError as error:  # Damage in a .gz is one, too; it must not be taken for a fault of the disk.
        raise EOFError(str(error)) from None
