"""The result of an evaluation: as tables, as text, as a page."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sk_yt8m._files.atomic_write import write_atomically
from sk_yt8m.metrics._displays.base import Display
from sk_yt8m.metrics._report.page import make_content, make_page
from sk_yt8m.metrics._report.text import describe

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class EvaluationReport:
    """The result of `evaluation_report`; ``print`` shows its text, a notebook its page.

    Attributes
    ----------
    text : str
        The metrics in a few lines.
    figures : DataFrame
        One row for each metric, with the columns ``value``, ``low`` and ``high``.
    labels : DataFrame
        One row for each label, with the columns ``name``, ``positives`` and ``average_precision``.
    confusions : DataFrame
        The pairs of a missed and a wrongly predicted label that most samples have, most frequent
        first. The labels predicted for a sample with G true ones are its best G, at most 20. The
        columns are ``missed_label`` and ``predicted_label`` (numbers), ``missed`` and ``predicted``
        (names), ``samples`` with both mistakes, and their ``share`` of the samples for which the
        missed label is true.
    worst_samples : DataFrame
        The samples with the largest errors, largest first; the index is their id. ``error`` is the
        highest score of a false label minus the lowest score of a true label; labels outside the 20
        best count with the lowest score of these. Errors of 0 and below are left out: all true
        labels are above all false ones. ``row`` is the row in `y_true`; ``true_labels`` and
        ``true_scores`` (NaN outside the 20 best) are lists, as ``top_labels`` and ``top_scores``:
        the best labels, as many as are true and at least 5.
    displays : dict of str to display
        ``"pooled_precision_recall"`` (a curve of about 1,000 points), ``"hit_at_k"`` and
        ``"label_average_precision"``; their ``plot`` draws them.
    summary : list of str
        What was judged.
    notes : list of str
        Where the intervals come from, and which metrics are left out.

    See Also
    --------
    evaluation_report : Makes one.

    Notes
    -----
    Where `y_score` lists fewer than 20 labels of each sample, or of one of them fewer rated ones,
    that number takes the place of 20.

    Examples
    --------
    The most frequent mistake of a classifier:

    >>> import pandas as pd
    >>> from sk_yt8m.metrics import evaluation_report
    >>> y_true = pd.DataFrame({"cat": [1, 1, 0], "dog": [0, 0, 1], "pet": [1, 1, 1]})
    >>> y_score = [[0.2, 0.7, 0.9], [0.4, 0.6, 0.9], [0.1, 0.8, 0.9]]
    >>> report = evaluation_report(y_true, y_score, metrics=["hit@1", "perr"], n_resamples=0)
    >>> report.figures["value"].round(3).to_dict()
    {'hit@1': 1.0, 'perr': 0.667}
    >>> report.confusions[["missed", "predicted", "samples"]].to_dict("records")
    [{'missed': 'cat', 'predicted': 'dog', 'samples': 2}]
    """

    figures: "pd.DataFrame"
    labels: "pd.DataFrame"
    confusions: "pd.DataFrame"
    worst_samples: "pd.DataFrame"
    displays: dict[str, Display]
    summary: list[str]
    notes: list[str]

    @property
    def text(self) -> str:
        """The metrics in a few lines.

        Examples
        --------
        >>> from sk_yt8m.metrics import evaluation_report
        >>> y_true, y_score = [[1, 0], [0, 1]], [[0.9, 0.1], [0.8, 0.2]]
        >>> print(evaluation_report(y_true, y_score, metrics=["hit@1"], n_resamples=0).text)
        2 samples, 2 labels, ...
        """
        return describe(self.summary, self.figures, self.notes, self.labels)

    def __str__(self) -> str:
        return self.text

    def to_html(
        self, path: str | os.PathLike[str] | None = None, *, title: str = "Evaluation report"
    ) -> str:
        """Return the report as one HTML page, and write it to a file if a path is given.

        The page needs no other file and no network. Its tables can be sorted and filtered. It holds
        the pictures if matplotlib is installed, and otherwise says that they are missing. Of more
        than 10,000 labels it lists the most frequent ones.

        Parameters
        ----------
        path : str or path, default=None
            File to write, completely or not at all. A file that is there is replaced, as by
            :meth:`pandas.DataFrame.to_html`.
        title : str, default="Evaluation report"
            Heading of the page.

        Returns
        -------
        str
            The page.

        Raises
        ------
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> from sk_yt8m.metrics import evaluation_report
        >>> report = evaluation_report([[1, 0], [0, 1]], [[0.9, 0.1], [0.8, 0.2]], n_resamples=0)
        >>> report.to_html(title="Cats & dogs")[:15]
        '<!DOCTYPE html>'
        """
        page = make_page(title, self._content(title))
        if path is not None:
            write_atomically(path, page.encode())
        return page

    def _repr_html_(self) -> str:
        return self._content("Evaluation report")

    def _content(self, title: str) -> str:
        return make_content(
            title,
            self.summary,
            self.figures,
            self.notes,
            self.labels,
            self.confusions,
            self.worst_samples,
            self.displays,
        )
