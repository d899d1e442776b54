"""`journeys forget`."""

import json
from collections.abc import Mapping
from typing import Any, Final

import click

from journey_pipelines.cli.clock import now
from journey_pipelines.cli.installation import installation
from journey_pipelines.cli.output import count_of
from journey_pipelines.composition import Installation
from journey_pipelines.erasure import Forgotten, Held, Places, Proof, look
from journey_pipelines.erasure import forget as forget_customer

WAREHOUSE_FIRST: Final = (
    "The warehouse must forget them too, and first: whoever is in tomorrow's snapshot enters as somebody new. "
    "Providers and backups keep their own copies."
)


@click.command()
@click.argument("customer")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@click.option("--json", "is_json", is_flag=True, help="As JSON, with --yes; keys stay the same (see the reference).")
@click.pass_context
def forget(context: click.Context, customer: str, *, is_sure: bool, is_json: bool) -> None:
    """Remove one customer's personal data from the store, the snapshots and the outbox; the counts stay.

    It says what is held, asks, removes it, and looks for it once more. The exit code is 1 if something is left.
    """
    if is_json and not is_sure:
        raise click.UsageError("--json prints nothing but the result; say --yes with it, or leave it out")
    places = _places(installation())
    held = look(places, customer)
    if not is_json:
        click.echo(_as_text(held))
    if not is_sure:
        click.confirm("Remove all of this for good?", abort=True)
    forgotten = forget_customer(places, held, at=now())
    click.echo(json.dumps(_as_json(forgotten), indent=2) if is_json else _told(forgotten))
    if not forgotten.proof.is_clean:
        context.exit(1)


def _places(parts: Installation) -> Places:
    settings = parts.settings
    return Places(parts.store, settings.snapshots, settings.outbox, settings.state)


def _as_text(held: Held) -> str:
    messages = held.messages
    lines = ["Held of this customer:"]
    lines += [f"  store, {table}: {count_of(rows, 'row')}" for table, rows in held.rows.items()]
    rows = sum(held.files.values())
    lines.append(f"  snapshots: {count_of(rows, 'row')} in {count_of(len(held.files), 'file')}")
    lines.append(f"  outbox: {count_of(len(messages.mails), 'mail')}, {count_of(messages.line_count, 'line')}")
    if held.inside:
        lines.append(f"{count_of(held.inside, 'execution')} under way will be cancelled.")
    if held.who.shared:
        shared = count_of(len(held.who.shared), "address", "addresses")
        lines.append(f"{shared} they share with somebody else will not be looked for afterwards.")
    return "\n".join(lines)


def _told(forgotten: Forgotten) -> str:
    rows, removed = sum(forgotten.rows.values()), sum(forgotten.files.values())
    what = (
        f"Forgotten: {count_of(rows, 'row')} of the store emptied, {count_of(removed, 'row')} removed from "
        f"{count_of(len(forgotten.files), 'snapshot file')}, {count_of(forgotten.mails, 'mail')} and "
        f"{count_of(forgotten.lines, 'line')} from the outbox."
    )
    lines = [what]
    if forgotten.suppressions:
        stay = count_of(forgotten.suppressions, "suppression")
        lines.append(f"{stay} kept as salted hashes, so that nobody writes there again.")
    return "\n".join([*lines, _verdict(forgotten.proof), WAREHOUSE_FIRST])


def _verdict(proof: Proof) -> str:
    where = (
        f"{count_of(proof.tables, 'table')}, {count_of(proof.snapshot_files, 'snapshot file')}, "
        f"{count_of(proof.outbox_files, 'outbox file')} and {count_of(proof.log_files, 'log file')}"
    )
    if proof.is_clean:
        return f"Proof: nothing found in {where}."
    lines = [f"Not everything is gone: looked through {where}."]
    lines += [f"  {place}: {what}" for place, what in proof.remains.items()]
    return "\n".join([*lines, "Remove these by hand (docs/howto/forget-a-customer.md), and forget them again."])


def _as_json(forgotten: Forgotten) -> dict[str, Any]:
    proof = forgotten.proof
    return {
        "cancelled": forgotten.cancelled,
        "rows": dict(forgotten.rows),
        "snapshots": {"files": len(forgotten.files), "rows": sum(forgotten.files.values())},
        "outbox": {"mails": forgotten.mails, "lines": forgotten.lines},
        "suppressions_kept_as_hashes": forgotten.suppressions,
        "proof": {
            "is_clean": proof.is_clean,
            "tables": proof.tables,
            "snapshot_files": proof.snapshot_files,
            "outbox_files": proof.outbox_files,
            "log_files": proof.log_files,
            "remains": dict(proof.remains),
        },
    }


COMMANDS: Final[Mapping[str, click.Command]] = {"forget": forget}
