"""The order of the gallery: from the first model to several processes."""

from pathlib import Path

ORDER = [
    "plot_tags_to_names",
    "plot_quality_and_seconds",
    "plot_callbacks",
    "plot_grid_search",
    "plot_gap",
    "plot_notebook_gap",
    "plot_thresholds",
    "plot_rare_labels",
    "plot_modalities",
    "plot_hidden_map",
    "plot_store",
    "plot_two_processes",
]


class GalleryOrder:
    """Sort key of sphinx-gallery; files that are not listed follow by name."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __call__(self, filename: str) -> tuple[int, str]:
        stem = Path(filename).stem
        return (ORDER.index(stem) if stem in ORDER else len(ORDER), stem)

    def __repr__(self) -> str:
        return type(self).__name__
