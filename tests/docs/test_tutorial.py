"""The Portuguese tutorial: its recipe is the notebook's, and its answers are folded."""

import ast
import re
from pathlib import Path

import pytest

from sk_yt8m import DeepMultiLabelClassifier

ROOT = Path(__file__).resolve().parents[2]
STEPS = sorted((ROOT / "docs/pt/passos").glob("plot_*.py"))


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


@pytest.mark.parametrize("step", STEPS, ids=lambda path: path.stem)
def test_titles(step):
    """The last section is no answer: it also holds the links to download the step."""
    titles = re.findall(r"^# (.+)\n# [-~^]{3,}$", step.read_text(encoding="utf-8"), re.MULTILINE)
    assert titles.count("Resposta") == sum(title.startswith("Exercício ") for title in titles) > 0
    assert titles[-1] == "Em resumo"


@pytest.fixture
def page(monkeypatch):
    """Return a function from text to what an extension makes of it."""
    pytest.importorskip("sphinx_design")
    from docutils.core import publish_doctree

    monkeypatch.syspath_prepend(ROOT / "docs/_ext")

    def changed(text, change):
        doctree = publish_doctree(text)
        change(None, doctree)
        return doctree

    return changed


def test_answers_are_folded(page):
    import answers
    from docutils import nodes

    text = "Um\n==\n\nDois\n----\n\nResposta\n~~~~~~~~\n\n42\n\nTrês\n----\n\nFim\n"
    folded = page(text, answers.fold_answers)
    assert [title.astext() for title in folded.findall(nodes.title)] == ["Um", "Dois", "Três"]
    (dropdown,) = folded.findall(nodes.container)
    assert [child.astext() for child in dropdown] == ["Resposta", "42"]


def test_metrics_are_no_addresses(page):
    import metric_names
    from docutils import nodes

    text = "Hit@20 and GAP@20, by somebody@example.org"
    unlinked = page(text, metric_names.unlink_metrics)
    assert unlinked.astext() == text
    assert [link.astext() for link in unlinked.findall(nodes.reference)] == ["somebody@example.org"]
