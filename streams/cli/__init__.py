"""The `braid` command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final

import click

from models.errors import BraidError, ConfigError

USAGE_ERROR: Final = 2
FAILURE: Final = 1
# Commands and the module each stands in: loaded when used, so that `braid --help` is quick.
COMMANDS: Final = {
    "demo": "streams.cli.play",
    "replay": "streams.cli.play",
    "worker": "streams.cli.run",
    "up": "streams.cli.run",
    "topics": "streams.cli.kafka",
    "verdicts": "streams.cli.verdicts",
    "approvals": "streams.cli.approvals",
    "actions": "streams.cli.actions",
    "feedback": "streams.cli.feedback",
    "audit": "streams.cli.audit_replay",
    "dead-letter": "streams.cli.kafka",
    "rules": "streams.cli.rules",
    "sources": "streams.cli.sources",
    "entities": "streams.cli.entities",
    "intel": "streams.cli.intel",
    "context": "streams.cli.context",
}
ATTRIBUTE: Final = {"dead-letter": "dead_letter"}


class LazyGroup(click.Group):
    """Find commands in the table above and import their module when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(COMMANDS[cmd_name]), ATTRIBUTE.get(cmd_name, cmd_name))
        return command if isinstance(command, click.Command) else None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="braid", prog_name="braid")
def cli() -> None:
    """Braid security telemetry into multi-signal sequences, and judge them.

    Settings come from BRAID_* environment variables and one optional TOML file named by BRAID_CONFIG.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; errors a user can mend exit with 2, others of ours with 1, and none with a traceback."""
    sys.exit(_guarded(lambda: cli.main(args=arguments, prog_name="braid", standalone_mode=False)))


def _guarded(run: Callable[[], Any]) -> int:
    try:
        result = run()
    except click.exceptions.Abort:
        click.echo("braid: interrupted", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ConfigError as error:
        click.echo(f"braid: {error}", err=True)
        return USAGE_ERROR
    except BraidError as error:
        click.echo(f"braid: {error}", err=True)
        return FAILURE
    except BrokenPipeError:
        return FAILURE
    return result if isinstance(result, int) else 0
