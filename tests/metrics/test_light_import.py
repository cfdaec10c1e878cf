"""Metrics are at hand without the heavy packages; scikit-learn itself imports pandas."""

import subprocess
import sys


def test_import_loads_no_heavy_package():
    code = (
        "import sys, sk_yt8m.metrics\n"
        "print(sorted({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
