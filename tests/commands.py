"""The command, as tests run it."""

from autograd_dl.app.cli import main


def fails(capsys, *arguments, status=1):
    """The command fails with one line on standard error, which is returned."""
    assert main([*map(str, arguments)]) == status
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("autograd-dl: ")
    return error
