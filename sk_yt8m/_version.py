"""The version of the package, and where its documentation is."""

__version__ = "0.1.0"
DOCUMENTATION = "https://sk-yt8m.readthedocs.io/en/stable"
