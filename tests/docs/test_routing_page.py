"""The code of docs/guide/routing.md runs, without a warning."""

import re
import warnings
from pathlib import Path

import sklearn

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "routing.md"


def test_routing_page():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 6
    names: dict[str, object] = {}
    with sklearn.config_context(), warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for block in blocks:
            exec(block, names)
    assert len(names["network"].get_params()) > 10
    assert names["search"].best_estimator_[-1].estimator_.validation_scores_ is not None
    assert len(names["average"].estimators_[0].validation_scores_) == 3
