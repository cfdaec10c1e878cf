"""The command line in the process of the tests."""

from click.testing import CliRunner

from sk_yt8m.cli import main

SMALL = ["--set", "hidden_layer_sizes=[20, 20]", "--epochs", "2", "--seed", "0"]


def run(*arguments, code: int = 0) -> str:
    """Run a command, compare its exit code, and return all that it prints."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.output
