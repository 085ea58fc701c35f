"""The command group, loaded lazily, and the one place that turns errors into exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module

import click

from cseval import __version__
from cseval.defaults import one_thread_each
from cseval.errors import CsevalError

#: Command, module, and the line that ``cseval --help`` shows for it.
COMMANDS = {
    "list": ("cseval.cli.list", "Evaluations of this project, with their last headline."),
    "show": ("cseval.cli.show", "The protocol of an evaluation in English."),
    "run": ("cseval.cli.run", "Run evaluations and studies, and write their outputs."),
    "check": ("cseval.cli.check", "Check specification, data and design; fits nothing."),
    "diff": ("cseval.cli.diff", "Run again and compare with the outputs on disk; writes nothing."),
    "calibrate": ("cseval.cli.calibrate", "Measure how often each method finds an effect where nothing was done."),
    "power": ("cseval.cli.power", "Measure which effects would be detected, by effect and by months of follow-up."),
    "data": ("cseval.cli.data", "Import published data files and see what is there."),
    "register": ("cseval.cli.register", "Programmes, their overlaps, and how far each can be evaluated."),
    "claims": ("cseval.cli.claims", "What was said in public, held against data and records."),
    "embed": ("cseval.cli.embed", "Refresh the marked tables, figures and numbers in a Word paper."),
    "new": ("cseval.cli.new", "Begin a board paper, an evaluation or a project."),
    "disclosure": ("cseval.cli.disclosure", "Compare two releases of a table for small counts that they give away."),
}

EXIT_USAGE, EXIT_INTERNAL = 2, 3


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that help stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, in the order of an evaluator's day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(COMMANDS[cmd_name][0])
        command = getattr(module, cmd_name if cmd_name != "list" else "list_evaluations")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command list without importing the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest one."""
        import difflib

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            ctx.fail(f"No command {args[0]!r}; expected one of {', '.join(COMMANDS)}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cseval")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Evaluate place-based community-safety programmes.

    \b
    Example:
      cseval run pilot-evaluation
    """


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code.

    0 fine, 1 findings (drift, a failed data check), 2 usage, configuration or input, 3 internal error.
    """
    one_thread_each()
    debug = "--debug" in arguments
    # The option is the group's, but the message that asks for it is read after a whole command line was typed.
    ordered = [*(["--debug"] if debug else []), *(a for a in arguments if a != "--debug")]
    try:
        code = cli.main(args=ordered, prog_name="cseval", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except CsevalError as error:
        if debug:
            traceback.print_exc()
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # The reader of the output went away (for example `cseval list | head`); nothing is wrong here.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            traceback.print_exc()
        click.echo(
            f"Internal error: {type(error).__name__}: {error}. This is a fault in cseval; run again with --debug "
            "for the traceback.",
            err=True,
        )
        return EXIT_INTERNAL
