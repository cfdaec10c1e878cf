"""Names of other packages link to their documentation; no inventory comes from the network."""

from docutils import nodes

PAGES = {
    "sklearn": "https://scikit-learn.org/stable/modules/generated/{name}.html",
    "pandas": "https://pandas.pydata.org/docs/reference/api/{name}.html",
    "matplotlib": "https://matplotlib.org/stable/api/_as_gen/{name}.html",
    "scipy": "https://docs.scipy.org/doc/scipy/reference/generated/{name}.html",
    "ray": "https://docs.ray.io/en/latest/data/api/doc/{name}.html",
    "numpy": "https://numpy.org/doc/stable/reference/generated/{name}.html",
}


def link(app, env, node, contnode):
    """Return a link for a name such as ``sklearn.metrics.ndcg_score``."""
    name = node.get("reftarget", "")
    page = PAGES.get(name.split(".")[0])
    if page is None or "." not in name or node.get("refdomain") != "py":
        return None
    return nodes.reference("", "", contnode, internal=False, refuri=page.format(name=name))


def setup(app):
    app.connect("missing-reference", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
