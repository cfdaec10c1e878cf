"""The command ``sk-yt8m``: the package's functions for people who have files and no notebook."""

from sk_yt8m.cli._main import main

__all__ = ["main"]
