"""The error of an invalid model file or checkpoint."""


class ModelFileError(ValueError):
    """A file is not a model file of this package, or is damaged, or cannot be written as one.

    See Also
    --------
    sk_yt8m.load : Raises it for a file that it cannot read.

    Examples
    --------
    >>> import sk_yt8m
    >>> from sk_yt8m.persistence import ModelFileError
    >>> try:
    ...     sk_yt8m.load(sk_yt8m.datasets.sample_path() / "vocabulary.csv")
    ... except ModelFileError as error:
    ...     print("no model file")
    no model file
    """
