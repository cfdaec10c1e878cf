"""A file that was damaged is refused, or loads as if it had not been."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_files import assert_unchanged, header_of, with_header

import sk_yt8m
from sk_yt8m.persistence import ModelFileError


class TestDamage:
    def test_the_file_is_good_before(self, stored, model_file, trained):
        assert_unchanged(sk_yt8m.load(stored(model_file)), trained)

    def test_every_truncation(self, stored, model_file):
        for size in range(len(model_file)):
            with pytest.raises(ModelFileError):
                sk_yt8m.load(stored(model_file[:size]))

    @pytest.mark.parametrize("tail", [b"\0", b"\0" * 4096, b"PK\x03\x04"])
    def test_bytes_after_the_end(self, stored, model_file, tail):
        with pytest.raises(ModelFileError, match="bytes where its header describes"):
            sk_yt8m.load(stored(model_file + tail))

    @pytest.mark.parametrize(
        "bits", [0x01, *(pytest.param(bits, marks=pytest.mark.slow) for bits in (0x20, 0x80))]
    )
    def test_every_byte(self, stored, model_file, trained, bits):
        survived = 0
        for place in range(len(model_file)):
            damaged = bytearray(model_file)
            damaged[place] ^= bits
            try:
                loaded = sk_yt8m.load(stored(bytes(damaged)))
            except ModelFileError:
                continue
            survived += 1
            assert_unchanged(loaded, trained)
        # Upper and lower case of a \\u escape, and the like: less than a byte in a hundred.
        assert survived < len(model_file) / 100

    @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_anything_else(self, stored, model_file, trained, data):
        start = data.draw(st.integers(0, len(model_file)))
        stop = data.draw(st.integers(start, min(start + 64, len(model_file))))
        other = data.draw(st.binary(max_size=64))
        try:
            loaded = sk_yt8m.load(stored(model_file[:start] + other + model_file[stop:]))
        except ModelFileError:
            return
        assert_unchanged(loaded, trained)

    def test_a_wrong_hash(self, stored, model_file):
        header = header_of(model_file)
        text = header["__metadata__"]["sk_yt8m"]
        header["__metadata__"]["sk_yt8m"] = text.replace('"tol":0.0001', '"tol":0.0002')
        with pytest.raises(ModelFileError, match="SHA-256 is not that of its content"):
            sk_yt8m.load(stored(with_header(model_file, header)))
        with pytest.raises(ModelFileError, match="SHA-256"):
            sk_yt8m.load(stored(model_file[:-1] + bytes([model_file[-1] ^ 1])))
