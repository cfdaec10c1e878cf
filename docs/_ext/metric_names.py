"""GAP@20 and Hit@20 in running text are no e-mail addresses, as docutils believes."""

import re

from docutils import nodes


def unlink_metrics(app, doctree):
    for link in list(doctree.findall(nodes.reference)):
        if re.fullmatch(r"mailto:[A-Za-z]+@\d+", link.get("refuri", "")):
            link.replace_self(link.children)


def setup(app):
    app.connect("doctree-read", unlink_metrics)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
