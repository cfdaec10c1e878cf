"""What templates of the reference ask about members of a class."""

from importlib import import_module


def is_property(module: str, name: str, attribute: str) -> bool:
    """Return whether an attribute of a class is a property, which has a docstring of its own."""
    return isinstance(getattr(getattr(import_module(module), name), attribute, None), property)
