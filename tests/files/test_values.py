"""Parameters, classes and names pass through JSON unchanged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sk_yt8m._files.strict_json import dump_json, parse_json
from sk_yt8m._files.values import decode, decode_array, encode, encode_array
from sk_yt8m.persistence import ModelFileError

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(codec=None))
)
PLAIN = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple)
)
DTYPES = ["?", "i1", "<i8", ">i4", "u8", "f2", "f4", "<f8", ">f8", "<U7", ">U2", "<M8[ns]", "m8[D]"]


def through_json(value):
    return parse_json(dump_json(value))


@given(PLAIN)
def test_plain_values(value):
    again = decode(through_json(encode(value, "it")), "it")
    assert repr(again) == repr(value)


@given(st.sampled_from(DTYPES).flatmap(lambda d: arrays(d, array_shapes(max_dims=1, min_side=0))))
def test_arrays(array):
    again = decode_array(through_json(encode_array(array, "it")), "it", array.size)
    assert again.dtype == array.dtype
    assert again.tobytes() == array.tobytes() or np.array_equal(again, array, equal_nan=True)


@given(st.lists(SCALARS | st.tuples(SCALARS, SCALARS), max_size=5))
def test_arrays_of_objects(values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    again = decode_array(through_json(encode_array(array, "it")), "it")
    assert again.dtype == object
    assert repr(again.tolist()) == repr(values)


@given(st.recursive(SCALARS, lambda v: st.lists(v) | st.dictionaries(st.text(), v)))
def test_any_json_is_decoded_or_refused(value):
    try:
        text = dump_json({"a": value})
    except ValueError:
        return
    for read in (decode, decode_array):
        try:
            read(parse_json(text)["a"], "it")
        except ModelFileError:
            continue


@pytest.mark.parametrize(
    "value", [1j, {1}, b"bytes", object(), np.datetime64("2026"), np.longdouble(1), len, int]
)
def test_what_is_not_plain_is_refused(value):
    with pytest.raises(ModelFileError, match=r"the parameter x is .*a model file holds"):
        encode(value, "the parameter x")
