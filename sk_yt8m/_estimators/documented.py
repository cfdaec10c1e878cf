"""Links from an estimator's display in a notebook to its documentation."""

from sk_yt8m._version import DOCUMENTATION


class Documented:
    """An estimator whose display in a notebook links its page, with its parameters as tooltips."""

    _doc_link_module = "sk_yt8m"
    _doc_link_template = DOCUMENTATION + "/api/sk_yt8m.{estimator_name}.html"
