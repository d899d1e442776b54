"""`journeys webhooks`."""

from collections.abc import Mapping
from typing import Final

import click

from journey_pipelines.cli.clock import now
from journey_pipelines.cli.installation import installation
from journey_pipelines.errors import SettingsError


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True)
def webhooks(host: str, port: int) -> None:
    """Listen to what providers tell of messages, and to unsubscribe links, until Ctrl-C.

    Put a proxy with a certificate in front; what it is reached as is JOURNEYS_PUBLIC_URL.
    """
    import uvicorn

    from journey_pipelines.web import webhooks_app

    parts = installation()
    receivers, links = parts.receivers, parts.links
    if not receivers and links is None:
        raise SettingsError(
            "There is nothing to listen to: set JOURNEYS_SENDGRID_WEBHOOK_KEY with the provider sendgrid, "
            "JOURNEYS_PUBLIC_URL with the provider twilio, or JOURNEYS_UNSUBSCRIBE_SECRET with JOURNEYS_PUBLIC_URL."
        )
    paths = [f"/webhooks/{name}" for name in receivers] + (["/unsubscribe/"] if links is not None else [])
    click.echo(f"Listening on http://{host}:{port} for {', '.join(paths)}", err=True)
    channels = {name: action.channel for name, action in parts.actions.items()}
    app = webhooks_app(parts.store, receivers, links, channels=channels, now=now)
    # an access log would name dispatches and addresses of customers
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, server_header=False)


COMMANDS: Final[Mapping[str, click.Command]] = {"webhooks": webhooks}
