"""Files made to harm give one clear error, and nothing else happens."""

import os
import subprocess
import sys

import numpy as np
import pytest
from model_files import assert_unchanged, forge, header_of, with_header
from small_problem import N_FEATURES, weights_in

import sk_yt8m
from sk_yt8m.persistence import ModelFileError

#: The longest header that is read, in bytes.
LARGEST_HEADER = 2**24


def edit_header(change):
    """Return a function that changes a file's header and leaves the rest as it is."""

    def edited(data):
        header = header_of(data)
        header = change(header) or header
        return with_header(data, header)

    return edited


def first_tensor(**entry):
    return edit_header(lambda header: header["weights/hidden_0/kernel"].update(entry))


TERABYTES = 2**42
WRONG_HEADERS = {
    "empty": (lambda data: b"", "cut short or of another kind"),
    "length of 2**64 - 1": (lambda data: b"\xff" * 8 + data[8:], "cut short"),
    "length beyond the cap": (
        lambda data: (LARGEST_HEADER + 1).to_bytes(8, "little") + bytes(LARGEST_HEADER + 1),
        "cut short",
    ),
    "an array": (lambda data: with_header(data, b"[1, 2]"), "not a JSON object"),
    "not UTF-8": (lambda data: with_header(data, b'{"\xff": 1}'), "not UTF-8"),
    "UTF-16": (lambda data: with_header(data, '{"a": 1}'.encode("utf-16")), "not UTF-8"),
    "NaN": (lambda data: with_header(data, b'{"a": NaN}'), "holds NaN, which is not JSON"),
    "duplicate keys": (
        lambda data: with_header(data, b'{"a": 1, "a": 1}'),
        "the key 'a' twice",
    ),
    "deep": (
        lambda data: with_header(data, b'{"a": ' + b"[" * 10**6 + b"]" * 10**6 + b"}"),
        "nested too deeply",
    ),
    "a number of many digits": (
        lambda data: with_header(data, b'{"a": ' + b"9" * 10**6 + b"}"),
        "broken",
    ),
    "no metadata": (edit_header(lambda h: h.pop("__metadata__") and None), "no '__metadata__'"),
    "other metadata": (
        edit_header(lambda h: h.update(__metadata__={"format": "pt"})),
        "unknown entries: \\['format'\\]",
    ),
    "metadata of numbers": (
        edit_header(lambda h: h.update(__metadata__={"sk_yt8m": 1})),
        "must be of type str, got 1",
    ),
    "metadata that is not JSON": (
        edit_header(lambda h: h.update(__metadata__={"sk_yt8m": "{"})),
        "broken",
    ),
    "no tensors": (
        edit_header(lambda h: {"__metadata__": h["__metadata__"]}),
        "bytes where its header describes",
    ),
    "terabytes of shape": (
        first_tensor(shape=[TERABYTES, TERABYTES]),
        "cannot lie in 168 bytes",
    ),
    "terabytes of place": (
        first_tensor(shape=[TERABYTES], data_offsets=[0, 4 * TERABYTES]),
        "does not begin where another ends",
    ),
    "a huge number": (first_tensor(shape=[10**4000, 0]), "broken shape"),
    "many dimensions": (first_tensor(shape=[2**40] * 10**5), "broken shape"),
    "a negative shape": (first_tensor(shape=[-N_FEATURES, -7]), "broken shape"),
    "a shape of floats": (first_tensor(shape=[6.0, 7]), "broken shape"),
    "a shape of bools": (first_tensor(shape=[True, True]), "broken shape"),
    "a place that ends before it begins": (first_tensor(data_offsets=[168, 0]), "cannot lie"),
    "three places": (first_tensor(data_offsets=[0, 84, 168]), "broken shape or place"),
    "an overlap": (first_tensor(data_offsets=[4, 172]), "does not begin"),
    "an unknown type": (first_tensor(dtype="F16"), "unknown type 'F16'"),
    "a type of pickles": (first_tensor(dtype="O"), "unknown type 'O'"),
    "transposed": (first_tensor(shape=[7, 6]), r"must be of shape \(6, 7\)"),
    "an entry that is a list": (
        edit_header(lambda h: h.update({"weights/hidden_0/kernel": []})),
        "expected a JSON object with 'dtype'",
    ),
    "a path as a name": (
        edit_header(lambda h: h.update({"../../etc/passwd": h.pop("weights/hidden_0/kernel")})),
        "passwd'",
    ),
}


@pytest.mark.parametrize("case", WRONG_HEADERS)
def test_wrong_headers(stored, model_file, case):
    make, message = WRONG_HEADERS[case]
    with pytest.raises(ModelFileError, match=message):
        sk_yt8m.load(stored(make(model_file)))


def put(value, *place):
    """Return a change of an envelope that puts a value into a place of it."""

    def change(envelope, tensors):
        part = envelope
        for name in place[:-1]:
            part = part[name]
        part[place[-1]] = value

    return change


def set_tensor(name, value):
    return lambda envelope, tensors: tensors.update({name: value})


def spoil(name, value):
    def change(envelope, tensors):
        tensors[name] = tensors[name].copy()
        tensors[name].flat[0] = value

    return change


ARCHITECTURE, TARGET = ("content", "architecture"), ("content", "target")
PARAMETERS, HISTORY = ("content", "parameters"), ("content", "history")
WRONG_CONTENTS = {
    "a later version": (put(3, "format_version"), "version 3, written by a later sk_yt8m"),
    "version 0": (put(0, "format_version"), "no format version 0"),
    "version true": (put(True, "format_version"), "must be of type int, got True"),
    "another estimator": (put("os.system", "content", "estimator"), "another estimator"),
    "more content": (put("x", "content", "callable"), "unknown entries: \\['callable'\\]"),
    "no content": (put(None, "content"), "'content' must be of type dict, got None"),
    "a wide layer": (put([TERABYTES], *ARCHITECTURE, "hidden_layer_sizes"), "layer of 4398046"),
    "wide layers": (
        put([2**31 - 1] * 2, *ARCHITECTURE, "hidden_layer_sizes"),
        "are not those of its network",
    ),
    "a layer of another size": (
        put([8], *ARCHITECTURE, "hidden_layer_sizes"),
        r"of shape \(8,\)|of shape \(6, 8\)",
    ),
    "a layer of no units": (put([0], *ARCHITECTURE, "hidden_layer_sizes"), "layer of 0 units"),
    "many layers": (put([1] * 10**5, *ARCHITECTURE, "hidden_layer_sizes"), "100000 hidden layers"),
    "many outputs": (put(2**31 - 1, *ARCHITECTURE, "n_outputs"), "must be of shape"),
    "an activation": (put("exec", *ARCHITECTURE, "activation"), "unknown activation 'exec'"),
    "dropout of 1": (put(1.0, *ARCHITECTURE, "dropout"), "dropout rates outside"),
    "no normalisation": (put(False, *ARCHITECTURE, "batch_normalization"), "not those of its"),
    "a missing tensor": (
        lambda envelope, tensors: tensors.pop("weights/output/bias") is None,
        r"\['weights/output/bias'\] missing",
    ),
    "a tensor too many": (set_tensor("weights/x", np.zeros(1, "f4")), "'weights/x'\\] unknown"),
    "half a training state": (
        lambda envelope, tensors: tensors.pop("training/optimizer/second/1") is None,
        r"\['training/optimizer/second/1'\] missing",
    ),
    "integer weights": (set_tensor("weights/output/bias", np.zeros(9, "i8")), "type float32"),
    "a NaN": (spoil("weights/hidden_0/kernel", np.nan), "kernel' holds NaN or infinity"),
    "an infinity": (spoil("training/optimizer/first/0", -np.inf), "first/0' holds NaN or inf"),
    "a negative variance": (spoil("weights/units_0/moving_variance", -1), "below zero"),
    "a negative step": (set_tensor("training/optimizer/step", np.array(-1)), "below zero"),
    "an unknown parameter": (put(1, *PARAMETERS, "callback"), "unknown entries: \\['callback'\\]"),
    "a place to write to": (
        put("/etc/cron.d", *PARAMETERS, "checkpoint_dir"),
        "unknown entries: \\['checkpoint_dir'\\]",
    ),
    "an impossible parameter": (put(-1.0, *PARAMETERS, "tol"), "impossible parameter: The 'tol'"),
    "a parameter of an unknown form": (
        put({"call": "os.system"}, *PARAMETERS, "tol"),
        "the parameter tol is of an unknown form",
    ),
    "a random state": (
        put(
            {"random_state": {"key": [1], "pos": 0, "has_gauss": 0, "gauss": 0.0}},
            *PARAMETERS,
            "random_state",
        ),
        "not one of MT19937",
    ),
    "terabytes of range": (put({"range": TERABYTES}, *TARGET, "names"), "expected 9"),
    "terabytes of range in a parameter": (
        put({"range": TERABYTES}, *PARAMETERS, "hidden_layer_sizes"),
        "hidden_layer_sizes has 4398046511104 elements",
    ),
    "terabytes of strings": (
        put({"array": "<U9999999", "values": ["a"] * 9}, *TARGET, "names"),
        "would take more than",
    ),
    "names of a structured type": (
        put({"array": "|V8", "values": ["a"] * 9}, *TARGET, "names"),
        "unknown type: '|V8'",
    ),
    "names of a made-up unit": (
        put({"array": "<M8[qq]", "values": [1] * 9}, *TARGET, "names"),
        "is not an array of type",
    ),
    "names of mixed types": (
        put({"array": "<i8", "values": [1] * 8 + ["a"]}, *TARGET, "names"),
        "holds 'a'",
    ),
    "numbers out of range": (
        put({"array": "|u1", "values": [256] * 9}, *TARGET, "names"),
        "is not an array of type",
    ),
    "too few names": (put({"range": 8}, *TARGET, "names"), "has 8 elements: expected 9"),
    "classes of labels": (put({"range": 9}, *TARGET, "classes"), "must be of type NoneType"),
    "an unknown target": (put("regression", *TARGET, "kind"), "its target is 'regression'"),
    "a binary target of nine outputs": (put("binary", *TARGET, "kind"), "with 9 outputs"),
    "a type of y": (put("|V8", *TARGET, "dtype"), "the type of y is of an unknown type"),
    "feature names": (put({"range": 6}, "content", "feature_names"), "are not strings"),
    "losses of strings": (put(["a"], *HISTORY, "losses"), "'losses' must hold floats only"),
    "negative counts": (put(-1, *HISTORY, "n_seen"), "must not be below zero"),
    "no history": (put([], "content", "history"), "must be of type dict, got \\[\\]"),
}


@pytest.mark.parametrize("case", WRONG_CONTENTS)
def test_wrong_contents_with_the_right_checksum(stored, model_file, case):
    change, message = WRONG_CONTENTS[case]
    with pytest.raises(ModelFileError, match=message):
        sk_yt8m.load(stored(forge(model_file, change)))


def test_a_forged_file_without_a_change_is_good(stored, model_file, trained):
    same = forge(model_file, lambda envelope, tensors: None)
    assert_unchanged(sk_yt8m.load(stored(same)), trained)
    more = forge(model_file, put(0.5, *PARAMETERS, "tol"))
    assert sk_yt8m.load(stored(more)).tol == 0.5


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the size is read from /proc")
def test_memory_is_not_blown(tmp_path, model_file):
    """The worst texts that the cap on the header allows, and shapes of terabytes, in 800 MiB."""
    room = LARGEST_HEADER - 10
    bombs = {
        "lists": with_header(b"\0" * 8, b'{"a":[' + b"[]," * ((room - 10) // 3) + b"0]}"),
        "strings": with_header(
            b"\0" * 8, b'{"a":[' + b",".join(b'"%07d"' % i for i in range(room // 12)) + b"]}"
        ),
        "keys": with_header(
            b"\0" * 8, b"{" + b",".join(b'"%06d":{}' % i for i in range(room // 12)) + b"}"
        ),
        **{
            case: WRONG_HEADERS[case][0](model_file)
            for case in ("terabytes of shape", "terabytes of place", "length of 2**64 - 1")
        },
        **{
            case: forge(model_file, WRONG_CONTENTS[case][0])
            for case in WRONG_CONTENTS
            if case.startswith(("terabytes", "wide", "many"))
        },
    }
    for i, data in enumerate(bombs.values()):
        (tmp_path / f"{i}.safetensors").write_bytes(data)
    code = """
import resource, sys, sk_yt8m
from sk_yt8m.classifier import DeepMultiLabelClassifier
from sk_yt8m.persistence import ModelFileError
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 800 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    bytearray(2**30)
except MemoryError:
    print("capped")
for path in sys.argv[1:]:
    try:
        sk_yt8m.load(path)
    except ModelFileError as error:
        print("refused")
print(*(name for name in ("tensorflow", "keras", "h5py") if name in sys.modules))
"""
    paths = [tmp_path / f"{i}.safetensors" for i in range(len(bombs))]
    command = [sys.executable, "-c", code, *paths]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["capped"] + ["refused"] * len(bombs)


def test_a_loaded_classifier_is_independent(stored, model_file, trained):
    one, other = (sk_yt8m.load(stored(model_file)) for _ in range(2))
    weights_in(one)["output/bias"] += 1
    assert_unchanged(other, trained)
