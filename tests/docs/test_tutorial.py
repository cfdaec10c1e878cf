"""The Portuguese tutorial: its recipe is the notebook's, and its answers are folded."""

import ast
from pathlib import Path

import pytest

from sk_yt8m import DeepMultiLabelClassifier

ROOT = Path(__file__).resolve().parents[2]


def assigned(path, name):
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    raise LookupError(name)


def test_recipe():
    """Two places spell it out, for readers of two languages."""
    tutorial = assigned("docs/pt/passos/plot_2_treinamento.py", "RECEITA_DO_NOTEBOOK")
    example = assigned("examples/reproduce_notebook.py", "NOTEBOOK")
    assert (
        DeepMultiLabelClassifier(**tutorial).get_params()
        == DeepMultiLabelClassifier(**example).get_params()
    )


def test_answers_are_folded(monkeypatch):
    pytest.importorskip("sphinx_design")
    from docutils import nodes
    from docutils.core import publish_doctree

    monkeypatch.syspath_prepend(ROOT / "docs/_ext")
    import answers

    page = publish_doctree(
        "Um\n==\n\nDois\n----\n\nResposta\n~~~~~~~~\n\n42\n\nTrês\n----\n\nFim\n"
    )
    answers.fold_answers(None, page)
    titles = [title.astext() for title in page.findall(nodes.title)]
    assert "Resposta" not in titles
    assert {"Dois", "Três"} <= set(titles)
    (dropdown,) = page.findall(nodes.container)
    assert [child.astext() for child in dropdown] == ["Resposta", "42"]
