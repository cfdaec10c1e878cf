"""Fitted classifiers of all kinds as JSON and tensors, with the classifiers inside them."""

from collections.abc import Iterable, Mapping

from sk_yt8m._files.strict_json import check_keys, field
from sk_yt8m._files.tensor_content import Tensors, Value
from sk_yt8m._inputs.target_form import TargetForm
from sk_yt8m.persistence._common_contents import (
    COMMON,
    Content,
    Saved,
    read_requests,
    read_target,
    requests_json,
    target_json,
    versions,
)
from sk_yt8m.persistence._contents import read_architecture
from sk_yt8m.persistence._ensemble_kinds import kind_of
from sk_yt8m.persistence._tensor_checks import Layout


def to_json(saved: Saved) -> Content:
    """Return the JSON part of a model file: everything but the tensors."""
    return {"estimator": saved.estimator, "versions": versions(), **_json(saved, None)}


def tensors_of(saved: Saved) -> Tensors:
    """Return the tensors of a model file by name."""
    inside = _merged((place, tensors_of(part)) for place, part in saved.inside.items())
    return inside | saved.own_tensors()


def layout_of(content: Content, found: Layout) -> Layout:
    """Return the tensors that a content describes, with shape and dtype.

    Numbers of training rows and of their labels, which only the tensors tell, are taken from
    `found`.
    """
    kind = kind_of(content)
    contents = kind.contents_inside(content)
    found_inside = _split(found, contents)
    inside = _merged(
        (place, layout_of(part, found_inside[place])) for place, part in contents.items()
    )
    return inside | kind.own_layout(content, found)


def from_json(content: Content, tensors: Tensors) -> Saved:
    """Check the JSON part of a model file, and return the saved classifier.

    Called after the tensors of the file were compared with `layout_of`, so that the arrays that
    are created here are not larger than the file.
    """
    return _read(content, tensors, None)


def _json(saved: Saved, outer: TargetForm | None) -> Content:
    """Return the JSON form; `outer` is the target of the ensemble around the classifier."""
    inside = {place: _json(part, saved.form) for place, part in saved.inside.items()}
    return {
        "estimator": saved.estimator,
        "parameters": saved.parameters,
        **saved.own_json(target_json(saved.form, outer), inside),
        **requests_json(saved.requests),
    }


def _read(content: Content, tensors: Tensors, outer: TargetForm | None) -> Saved:
    kind = kind_of(content)
    check_keys(content, COMMON | kind.entries, "its content")
    parameters, requests = field(content, "parameters", dict), read_requests(content)
    form = read_target(content, _n_outputs(content), outer)
    contents = kind.contents_inside(content)
    tensors_inside = _split(tensors, contents)
    inside = [_read(part, tensors_inside[place], form) for place, part in contents.items()]
    return kind.read(content, tensors, (parameters, form, requests), inside)


def _n_outputs(content: Content) -> int:
    """Return the number of outputs of the first network inside."""
    while contents := kind_of(content).contents_inside(content):
        content = next(iter(contents.values()))
    return read_architecture(content).n_outputs


def _merged(mappings: Iterable[tuple[str, Mapping[str, Value]]]) -> dict[str, Value]:
    return {
        f"{place}/{name}": value for place, mapping in mappings for name, value in mapping.items()
    }


def _split(mapping: Mapping[str, Value], places: Iterable[str]) -> dict[str, dict[str, Value]]:
    """Return what `_merged` put together, in one pass; names at no place are left out."""
    shares: dict[str, dict[str, Value]] = {place: {} for place in places}
    n_slashes = max((place.count("/") + 1 for place in shares), default=0)
    for name, value in mapping.items():
        *place, rest = name.split("/", n_slashes)
        if (share := shares.get("/".join(place))) is not None:
            share[rest] = value
    return shares
