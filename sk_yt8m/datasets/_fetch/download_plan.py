"""YouTube-8M's download plans: the files of a split, and their checksums."""

import json
import re
from pathlib import Path
from typing import Any

from sk_yt8m._files.atomic_write import write_atomically
from sk_yt8m.datasets._fetch.http import download_bytes
from sk_yt8m.datasets._formats.find_files import RECORD_NAME

#: The plan of all 3,844 files of a split has about 0.2 MB.
_LARGEST_PLAN = 2**25
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_MD5 = re.compile(r"[0-9a-fA-F]{32}")


def fetch_plan(
    url: str, path: Path, *, download_if_missing: bool, n_retries: int, delay: float
) -> dict[str, str]:
    """Return file name -> MD5, from a plan that is downloaded once and kept.

    Parameters
    ----------
    url : str
        Address of the plan.
    path : Path
        File in which it is kept.
    download_if_missing, n_retries, delay
        As in `download`.

    Raises
    ------
    OSError
        If the plan cannot be downloaded, or is missing and `download_if_missing` is False.
    ValueError
        If it is not a plan; then it is not kept.
    """
    if path.is_file():
        return parse_plan(path.read_bytes(), f"{path} (delete it to download it again)")
    if not download_if_missing:
        raise OSError(f"the download plan {path} is missing, and download_if_missing is False")
    content = download_bytes(url, _LARGEST_PLAN, n_retries=n_retries, delay=delay)
    plan = parse_plan(content, url)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    return plan


def parse_plan(content: bytes, where: str) -> dict[str, str]:
    """Return file name -> MD5 in lower case, in the order of the plan.

    Parameters
    ----------
    content : bytes
        A JSON object of names and MD5s, or one that has such an object under ``"files"``.
    where : str
        Its name in error messages.

    Raises
    ------
    ValueError
        If it is something else, a name could lead out of the folder, or a checksum is not an MD5.
    """
    try:
        plan = json.loads(content.decode(), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{where}: expected a download plan in JSON, got {content[:60]!r} ({error})"
        ) from None
    if isinstance(plan, dict) and isinstance(plan.get("files"), dict):
        plan = plan["files"]
    if not isinstance(plan, dict) or not plan:
        raise ValueError(
            f"{where}: expected a download plan with the MD5 of each file, "
            f"got {content[:60].decode(errors='replace')!r}"
        )
    for name, digest in plan.items():
        if not (_NAME.fullmatch(name) and re.fullmatch(RECORD_NAME, name)):
            raise ValueError(
                f"{where}: expected names of TFRecord files without a folder, got {name[:200]!r}"
            )
        if not (isinstance(digest, str) and _MD5.fullmatch(digest)):
            raise ValueError(
                f"{where}: expected the MD5 of {name} in 32 hexadecimal digits, "
                f"got {str(digest)[:200]!r}"
            )
    return {name: digest.lower() for name, digest in plan.items()}


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError("a name is repeated")
    return names
