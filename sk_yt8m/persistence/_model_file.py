"""Model files: a saved classifier in one safetensors file that is safe to open."""

import os

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import check_keys, field, shown
from sk_yt8m._files.tensor_content import read_envelope, read_tensors, write_content
from sk_yt8m._files.tensor_file import TensorFile
from sk_yt8m.persistence._common_contents import Saved
from sk_yt8m.persistence._contents import SavedClassifier
from sk_yt8m.persistence._ensemble_contents import from_json, layout_of, tensors_of, to_json
from sk_yt8m.persistence._tensor_checks import check_tensors, check_values

#: Latest version of the files; all versions up to it are read.
FORMAT_VERSION = 2
#: Version of the files of a network alone, which version 0.1.0 of the package reads.
_NETWORK_VERSION = 1

_ENTRY = "sk_yt8m"


def write_model(path: str | os.PathLike[str], saved: Saved) -> None:
    """Write a model file atomically."""
    content, tensors = to_json(saved), tensors_of(saved)
    layout = {name: (array.shape, array.dtype) for name, array in tensors.items()}
    check_tensors(layout, layout_of(content, layout))
    check_values(tensors)
    version = _NETWORK_VERSION if isinstance(saved, SavedClassifier) else FORMAT_VERSION
    write_content(path, _ENTRY, content, tensors, format_version=version)


def read_model(path: str | os.PathLike[str]) -> Saved:
    """Read a model file of unknown origin.

    Raises
    ------
    ModelFileError
        If it is not a model file, is damaged, or is of a later version.
    OSError
        If it cannot be read.
    """
    with TensorFile(path) as file:
        check_keys(file.metadata, {_ENTRY}, "its header")
        envelope = read_envelope(file, _ENTRY)
        version = field(envelope, "format_version", int)
        if version > FORMAT_VERSION:
            raise ModelFileError(
                f"it is of format version {shown(version)}, written by a later sk_yt8m; this one "
                f"reads versions up to {FORMAT_VERSION}"
            )
        if version < 1:
            raise ModelFileError(f"there is no format version {shown(version)}")
        check_keys(envelope, {"format_version", "sha256", "content"}, "its header")
        content = field(envelope, "content", dict)
        check_tensors(file.layout, layout_of(content, file.layout))
        tensors = read_tensors(file, envelope)
    check_values(tensors)
    return from_json(content, tensors)
