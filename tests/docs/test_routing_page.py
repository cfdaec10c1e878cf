"""The code of docs/guide/routing.md runs, without a warning."""

import warnings

import sklearn
from page_code import python_blocks


def test_routing_page():
    blocks = python_blocks("docs/guide/routing.md")
    assert len(blocks) >= 6
    names: dict[str, object] = {}
    with sklearn.config_context(), warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for block in blocks:
            exec(block, names)
    assert len(names["network"].get_params()) > 10
    assert names["search"].best_estimator_[-1].estimator_.validation_scores_ is not None
    assert len(names["average"].estimators_[0].validation_scores_) == 3
