"""The application: commands, and the one place where errors become a line and an exit code."""

from __future__ import annotations

import functools
import gc
import io
import os
import sys
import warnings
from typing import Annotated, Any

import typer

from ..errors import GrokodeError
from . import convention, derive, export, figure, kernel, overlay, plot, presets, report, run, status, sweep, validate

app = typer.Typer(
    name="grokode",
    help="Exact learning curves of a two-layer network that groks, without training it.",
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("run")(run.command)
app.command("sweep", cls=sweep.Once)(sweep.command)
app.command("status")(status.command)
app.command("report")(report.command)
app.command("figure")(figure.command)
app.command("kernel")(kernel.command)
app.command("overlay")(overlay.command)
app.command("convention")(convention.command)
app.command("presets")(presets.command)
app.command("plot")(plot.command)
app.command("export")(export.command)
app.command("derive")(derive.command)
app.command("validate")(validate.command)


INTERRUPTED = 130
"""Exit code after Ctrl-C; typer turns the interrupt into it."""


def _version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        print(f"grokode {importlib.metadata.version('grokode')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Exact learning curves of a two-layer network that groks, without training it."""
    if context.invoked_subcommand is None:
        print(context.get_help())


def main() -> None:
    """Run the command line; errors are one line on stderr and the exit code of their class."""
    warnings.showwarning = _show_warning
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot write must not cost the run
            stream.reconfigure(errors="backslashreplace")
    gc.set_threshold(50_000)  # collecting while the libraries load costs a tenth of a default run
    code = _guarded()
    gc.freeze()  # and so does collecting them once more on the way out
    sys.exit(code)


_command = functools.cache(lambda: typer.main.get_command(app))  # making it takes longer than a short command


def _guarded() -> int:
    try:
        code = _command()(standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:
            return _interrupted()
        return code if isinstance(code, int) else 0
    except GrokodeError as error:
        return _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except typer.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:  # the reader of our stdout has gone; nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError as error:
        return _fail(f"out of memory ({error}); lower --dim, --n-train, --n-test or --width", 2)
    except OSError as error:
        return _fail(f"{error.strerror or error} ({error.filename or 'no file'}); free space or choose another path", 1)
    except Exception as error:
        if not hasattr(error, "format_message"):  # a usage error of the parser, which typer vendors
            raise
        return _fail(_usage(error), 2)


def _interrupted() -> int:
    return _fail("interrupted, nothing was written", INTERRUPTED)


def _usage(error: Any) -> str:
    """Say what the parser found wrong; typer with pydantic inside leaves the value out of its message."""
    text = str(error.format_message()).rstrip(".")
    if hasattr(error.__cause__, "errors"):
        text += f", got {error.__cause__.errors()[0]['input']!r}"
    return f"{text}; see '{error.ctx.command_path if getattr(error, 'ctx', None) else 'grokode'} --help'"


def _fail(message: str, code: int) -> int:
    print(f"grokode: error: {' '.join(message.split())}", file=sys.stderr)
    return code


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"grokode: warning: {' '.join(str(message).split())}", file=sys.stderr)
