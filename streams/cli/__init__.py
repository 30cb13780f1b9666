"""The `braid` command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

import click

from models.errors import BraidError, ConfigError

USAGE_ERROR: Final = 2
FAILURE: Final = 1


class Listed(NamedTuple):
    """A command before it is loaded.

    Attributes:
        module: Where it stands.
        words: What it does, as `braid --help` says it.
        attribute: Its name there, where that is not its own.
    """

    module: str
    words: str
    attribute: str = ""


# Commands are loaded when they are used, so that `braid --help` is quick.
COMMANDS: Final = {
    "demo": Listed("streams.cli.play", "Play a bundled attack through the real path."),
    "replay": Listed("streams.cli.play", "Play recorded telemetry through the whole path."),
    "worker": Listed("streams.cli.run", "Run one worker until SIGTERM."),
    "up": Listed("streams.cli.run", "Run every worker against one Kafka, until Ctrl-C."),
    "topics": Listed("streams.cli.kafka", "Make, list and check the topics."),
    "verdicts": Listed("streams.cli.verdicts", "What the investigation found."),
    "approvals": Listed("streams.cli.approvals", "Decisions of people on actions."),
    "actions": Listed("streams.cli.actions", "Proposed actions, and what became of them."),
    "feedback": Listed("streams.cli.feedback", "Correct VERDICT as it stands now, or confirm it."),
    "audit": Listed("streams.cli.audit_replay", "The audit log: what was decided and done."),
    "dead-letter": Listed("streams.cli.kafka", "Records that could not go on.", "dead_letter"),
    "rules": Listed("streams.cli.rules", "Check and test the detection content."),
    "sources": Listed("streams.cli.sources", "The telemetry Braid reads."),
    "entities": Listed("streams.cli.entities", "Who is who: users, hosts, addresses, workloads, sessions."),
    "intel": Listed("streams.cli.intel", "Threat intelligence: lists of indicators in one table."),
    "context": Listed("streams.cli.context", "What is known of assets and identities."),
}


class LazyGroup(click.Group):
    """Find commands in the table above and import their module when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        del ctx
        listed = COMMANDS.get(cmd_name)
        if listed is None:
            return None
        command = getattr(import_module(listed.module), listed.attribute or cmd_name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands and what they do, without loading one."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, listed.words) for name, listed in COMMANDS.items()])


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
