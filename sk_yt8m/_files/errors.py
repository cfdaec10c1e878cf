"""The error of an invalid model file or checkpoint."""


class ModelFileError(ValueError):
    """A file is not a model file of this package, or is damaged, or cannot be written as one.

    Examples
    --------
    >>> from sk_yt8m.persistence import ModelFileError
    >>> issubclass(ModelFileError, ValueError)
    True
    """
