"""The program's table of commands. A command's module is imported when it is called, so that every start is fast."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click

from journey_pipelines.cli.failures import sentences

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    # command: (module of this package, what it does)
    "validate": ("validate", "Check journey documents; every problem at once."),
    "publish": ("publish", "Make a document the newest version of its journey."),
    "migrate": ("migrate", "Move those inside an older version to the newest one."),
    "run": ("run", "Run one day: snapshots, events, entries, movement, deliveries."),
    "advance": ("run", "Move and deliver whatever is due now."),
    "replay": ("replay", "Walk a journey over past days, as it would have gone then."),
    "forecast": ("forecast", "Say what a day is expected to bring; hold runs that leave it."),
    "status": ("status", "Show executions, deliveries and held journeys."),
    "report": ("report", "Write a page about a journey: flow, funnel, sends, waits."),
    "explain": ("explain", "Tell what happened to a customer or an execution, and why."),
    "approve": ("approve", "Release the journeys that a run held."),
    "start": ("start", "Start customers in a journey by hand."),
    "continue": ("event", "Give an execution the event that it waits for."),
    "pause": ("standing", "Let nobody enter or move; due times are kept."),
    "resume": ("standing", "Let a paused journey go on."),
    "archive": ("standing", "Close a journey for good; those inside finish."),
    "cancel": ("cancel", "Take an execution out of its journey."),
    "suppress": ("suppress", "Write to an address no more, or take it off the list."),
    "doctor": ("doctor", "Check that the store holds together."),
    "retain": ("retain", "Remove history that is older than it has to be kept."),
    "forget": ("forget", "Remove one customer's personal data; the counts stay."),
    "bench": ("bench", "Measure how fast the parts are on this machine."),
    "webhooks": ("webhooks", "Listen to what providers tell, and to unsubscribe links."),
    "dev": ("dev", "Start the database, Dagster's UI and its daemon."),
}


class Program(click.Group):
    """The group whose commands lie in modules of their own."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module; None for an unknown one."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"journey_pipelines.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.COMMANDS[cmd_name]
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; whatever goes wrong ends as a sentence on standard error."""
        with sentences():
            return super().invoke(ctx)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="journey-pipelines", message="%(version)s")
def journeys() -> None:
    """Customer journeys for everybody at once."""
