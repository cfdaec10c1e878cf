"""Errors and warnings in one line, with command-line options for Python arguments."""

import re

import click

_SKIP, _SKIP_ELSEWHERE = "--skip-damage", "sk-yt8m convert --skip-damage"

_ARGUMENT = re.compile(r"""(?<![\w./\\'"-])([a-z][a-z0-9_]*)=("[^"]*"|'[^']*'|[\w.+-]*\w|)""")
#: A name in a sentence, and not in a path, a shape or a sum.
_NAME = re.compile(
    r"""(?<![\w./\\'"=(-])([a-z0-9]+(?:_[a-z0-9]+)+)(?![\w/\\'"=)-]|\.\w| [-+*/<>] )"""
)
_CONSTRAINT = re.compile(r"The '(\w+)' parameter of \S+ (must .*?)\.? Got (.*) instead\.")
_ABOUT = re.compile(r"^([a-z][a-z0-9_]*)(?= \S+ has | must | is for )")


def one_line(message: BaseException | str) -> str:
    """Return a message without line breaks; that of an OSError as ``path: reason``."""
    text = str(message)
    if isinstance(message, OSError) and message.strerror and message.filename is not None:
        text = f"{message.filename}: {message.strerror}"
    return " ".join(text.split()) or type(message).__name__


def option_names(command: click.Command) -> dict[str, str]:
    """Return argument of the package -> option of the command, or of a group's commands."""
    if isinstance(command, click.Group):
        return {k: v for one in command.commands.values() for k, v in option_names(one).items()}
    options = [one for one in command.params if isinstance(one, click.Option)]
    names = {one.name: one.opts[-1] for one in options if one.name is not None}
    return {**names, "on_error": _SKIP if "skip_damage" in names else _SKIP_ELSEWHERE}


def in_options(message: str, names: dict[str, str]) -> str:
    """Return a message of the package with options in place of arguments.

    Parameters
    ----------
    message : str
        In one line.
    names : dict of str to str
        From `option_names`.
    """

    def argument(match: re.Match[str]) -> str:
        name, value = match.groups()
        if name not in names:
            return match[0]
        flag = name == "on_error" or value in ("True", "False")
        return names[name] if flag else f"{names[name]} {value}".rstrip()

    message = _CONSTRAINT.sub(r"\1 \2, got \3", message)
    message = _ABOUT.sub(lambda match: names.get(match[1], match[1]), message, count=1)
    message = _ARGUMENT.sub(argument, message)
    return _NAME.sub(lambda match: names.get(match[1], match[1]), message)


def is_about_an_option(error: BaseException, names: dict[str, str]) -> bool:
    """Tell whether an error says that the value of an option is wrong, and not the data."""
    if not isinstance(error, ValueError):
        return False
    message = one_line(error)
    found = _CONSTRAINT.match(message) or _ABOUT.match(message)
    return found is not None and found[1] in names
