"""Sections called "Resposta" become dropdowns, so that readers try the exercise first.

A section and not a directive: the code of an answer runs, and the notebook has a plain heading.
"""

from docutils import nodes
from sphinx_design.shared import create_component

TITLE = "Resposta"


def fold_answers(app, doctree):
    for section in list(doctree.findall(nodes.section)):
        title = section[0]
        if title.astext() != TITLE:
            continue
        dropdown = create_component(
            "dropdown",
            opened=False,
            type="dropdown",
            has_title=True,
            icon=None,
            chevron=None,
            container_classes=["sd-mb-3"],
            title_classes=[],
            body_classes=[],
        )
        dropdown += nodes.rubric("", "", *title.children)
        dropdown += section[1:]
        section.replace_self(dropdown)


def setup(app):
    # Before the tables of contents are collected, at 500.
    app.connect("doctree-read", fold_answers, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
