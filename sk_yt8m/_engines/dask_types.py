"""Types that Dask sends as their pickles, and whose size is that of the object alone."""

import sys
from typing import Any, NoReturn

_types: set[type] = set()


def pickled_by_dask(cls: type) -> type:
    """Let Dask pickle the instances of a class of arrays, not copy their values."""
    _types.add(cls)
    register_types()
    return cls


def add_to_sizes(sizeof: Any) -> None:
    """Register the types as soon as Dask meets a class of the package.

    Dask calls it when it is imported: it is the package's entry point in ``dask.sizeof``.
    """
    sizeof.register_lazy("sk_yt8m", register_types)


def register_types() -> None:
    """Register the types with those parts of Dask that are imported."""
    size = getattr(sys.modules.get("dask.sizeof"), "sizeof", None)
    dumps = getattr(sys.modules.get("distributed.protocol"), "dask_serialize", None)
    for cls in _types:
        if size is not None:
            # What maps a file takes no memory, and joblib scatters only what is large.
            size.register(cls, sys.getsizeof)
        if dumps is not None:
            dumps.register(cls, _leave_to_pickle)


def _leave_to_pickle(instance: Any) -> NoReturn:
    """Refuse, upon which Dask tries its next serialiser, pickle."""
    raise NotImplementedError(type(instance).__name__)
