"""The plots of docs/performance.md; needs the dependency group `bench`.

Readable on white and on black: nothing is filled behind, and all lines and letters
are of a middle brightness.
"""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from bench.digest import Raw, percentile
from bench.first_token_told import described
from bench.passes import BOUND_S

INK, BLUE, ORANGE = "#808890", "#3b8fd9", "#d9822b"
SHARES = [0.001, *(share / 200 for share in range(1, 200)), 0.998]
"""Of the curves: as fine as can be seen, and a small file."""
STYLE: dict[Any, Any] = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 11,
    "grid.alpha": 0.3,
    "grid.color": INK,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "ollama-warmup",  # the same figures, the same file
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


PLAIN = StrMethodFormatter("{x:g}")


def draw(name: str, results: Sequence[Raw], file: Path) -> None:
    """Draw a section's results into a file; of first tokens, those after a load."""
    if name == "first_token":
        results = [raw for raw in results if "cold" in raw["seconds"]]
    with mpl.rc_context(STYLE):
        height = 1.0 + 1.5 * len(results) if name == "first_token" else 3.4
        figure = Figure(figsize=(7.5, height), layout="constrained")
        axes = figure.subplots()
        axes.grid(visible=True)
        _DRAW[name](axes, results)
        figure.savefig(file, transparent=True, metadata={"Date": None})


def _dispatch(axes: Axes, results: Sequence[Raw]) -> None:
    rounds = [told for raw in results for told in raw["rounds"]]
    sides = (("noop_ms", "no-op task", INK), ("warmup_ms", "warm-up", BLUE))
    for side, label, colour in sides:
        values = [value for told in rounds for value in told[side]]
        at = [percentile(values, share) for share in SHARES]
        axes.plot(at, [100 * share for share in SHARES], color=colour, label=label)
    axes.set(xlabel="milliseconds", ylabel="% of dispatches", ylim=(0, 100))
    axes.set_xlim(left=0)
    axes.legend(loc="lower right")


def _passes(axes: Axes, results: Sequence[Raw]) -> None:
    rows = {int(n): row for raw in results for n, row in raw["hosts"].items()}
    hosts = list(rows)
    middle = [statistics.median(row["walls_s"]) for row in rows.values()]
    below = [m - min(r["walls_s"]) for m, r in zip(middle, rows.values(), strict=True)]
    above = [max(r["walls_s"]) - m for m, r in zip(middle, rows.values(), strict=True)]
    first = [row["first_s"] for row in rows.values()]
    axes.plot(hosts, first, "o:", color=ORANGE, label="first pass")
    axes.errorbar(
        hosts,
        middle,
        [below, above],
        fmt="o-",
        color=BLUE,
        capsize=3,
        label="following",
    )
    axes.plot(max(hosts), BOUND_S, "v", color=INK, label=f"bound, {BOUND_S:g} s")
    axes.set(xscale="log", yscale="log", xlabel="hosts", ylabel="seconds of a pass")
    axes.yaxis.set_major_formatter(PLAIN)
    axes.set_xticks(hosts, [f"{number:,}" for number in hosts], minor=False)
    axes.legend(loc="upper left")


def _first_token(axes: Axes, results: Sequence[Raw]) -> None:
    places: dict[float, str] = {}
    at = 0.0
    for raw in results:
        axes.annotate(
            f"{described(raw)}, Ollama {raw['about']['ollama']}",
            (0.01, at),
            xycoords=("figure fraction", "data"),
            weight="bold",
        )
        for row, values in raw["seconds"].items():
            at += 1
            places[at] = row
            steady = row == "steady"
            colour = INK if steady else BLUE if "warm-up" in row else ORANGE
            axes.plot([min(values), max(values)], [at, at], color=colour, linewidth=1)
            axes.plot(values, [at] * len(values), ".", color=colour, alpha=0.6)
            axes.plot(statistics.median(values), at, "|", color=colour, markersize=14)
        at += 1.6
    axes.set(xscale="log", xlabel="seconds to the first token")
    axes.xaxis.set_major_formatter(PLAIN)
    axes.set_yticks(list(places), list(places.values()))
    axes.set_ylim(at, -0.8)


_DRAW: dict[str, Callable[[Axes, Sequence[Raw]], None]] = {
    "dispatch": _dispatch,
    "passes": _passes,
    "first_token": _first_token,
}
