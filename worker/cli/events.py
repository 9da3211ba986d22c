"""`ollama-warmup events`: what happened to targets and hosts."""

from typing import Annotated

import typer


def events(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="HOST|MODEL", help="Only these hosts, and of them these models."
        ),
    ] = None,
    *,
    since: Annotated[
        str | None,
        typer.Option(metavar="1h", help="Only what happened in this time until now."),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            "-n",
            min=1,
            metavar="COUNT",
            help="The last so many.  [default: 50, with --since all]",
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new ones until Ctrl-C.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="One JSON document; with --follow one object a line."
        ),
    ] = False,
) -> None:
    """Show what happened, the oldest first, in this machine's time.

    Answers "why was it cold at 09:02". KIND is lapsed (its time ran out), evicted
    (by whom, says WHY), reloaded (by somebody, with other options), unloaded (by
    hand), restarted (the server), short (a keep-alive that cannot be held), crashed,
    reloaded by touch, wedged or cured (the host); anything else is changed. About
    10,000 events are kept.

    \b
    Examples:
      ollama-warmup events
      ollama-warmup events llama3:8b --since 1h
      ollama-warmup events gpu-1 -n 10 --follow
      ollama-warmup events --since 24h --json | jq '.events[] | .kind' | sort | uniq -c

    Exit codes: 0 shown, or ended by Ctrl-C · 2 refused: a name or duration that is
    none, or a wrong variable · 3 Redis cannot be reached · 4 no pass has reported yet.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    # Imported here: no other command pays for it.
    from worker.cli import following  # noqa: PLC0415 - see above

    wish = following.Wish(
        words=tuple(names or ()),
        since=since,
        count=count,
        is_following=follow,
        as_json=as_json,
    )
    raise typer.Exit(following.run(wish))
