"""Run the command as ``python -m grokode_validate``: the same as ``grokode validate``."""

from __future__ import annotations

import io
import sys
import warnings
from typing import Any

import typer

from grokode.errors import GrokodeError

from .command import validate

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)
app.command()(validate)


def main() -> None:
    """Run the command; errors are one line on stderr and an exit code."""
    warnings.showwarning = _show_warning
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a letter that the terminal cannot write must not cost the table
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_guarded())


def _guarded() -> int:
    try:
        code = app(prog_name="grokode validate", standalone_mode=False)
        sys.stdout.flush()
        return _fail("interrupted, nothing was written", code) if code == 130 else code or 0
    except GrokodeError as error:
        return _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted, nothing was written", 130)
    except typer.Exit as stop:
        return stop.exit_code
    except OSError as error:
        return _fail(f"{error.strerror or error} ({error.filename or 'no file'}); free space or choose another path", 1)
    except Exception as error:
        if not hasattr(error, "format_message"):  # a usage error of the parser, which typer vendors
            raise
        usage: Any = error
        return _fail(f"{str(usage.format_message()).rstrip('.')}; see 'grokode validate --help'", 2)


def _fail(message: str, code: int) -> int:
    print(f"grokode: error: {' '.join(message.split())}", file=sys.stderr)
    return code


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"grokode: warning: {' '.join(str(message).split())}", file=sys.stderr)


if __name__ == "__main__":
    main()
