"""What a raw result of `bench.first_token` says."""

import statistics

from bench.digest import Bound, Digest, Grid, Raw, Section, spread

STEADY = "steady"
WARMED, HELD = "after a warm-up", "after windows held by touches"
"""What has a bound."""
ROWS = (
    "cold",
    "load only (seconds of the load)",
    "after a load only",
    "warm-up (nobody waits)",
    WARMED,
    STEADY,
)
HELD_ROWS = (HELD, "after as long untouched", STEADY)
BOUND = 1.05


def _digest(raw: Raw) -> Digest:
    seconds = {row: values for row, values in raw["seconds"].items() if values}
    steady_s = statistics.median(seconds[STEADY])
    ratio = {row: statistics.median(v) / steady_s for row, v in seconds.items()}
    rows = [(row, spread(v), f"{ratio[row]:.2f}") for row, v in seconds.items()]
    if touches := raw.get("touches"):
        rows.append(("touches a run", ", ".join(map(str, touches)), ""))
    title = f"seconds to the first token of {described(raw)}"
    return Digest(
        grids=[
            Grid(title=title, headings=("", "median (min-max)", "÷ steady"), rows=rows)
        ],
        bounds=[
            Bound(what=f"{row} ÷ steady", measured=ratio[row], at_most=BOUND)
            for row in (WARMED, HELD)
            if row in ratio
        ],
    )


def described(raw: Raw) -> str:
    """What was asked how."""
    words, held = raw["words"], raw.get("held")
    prompts = f"prompts of {words} word{'s' * (words > 1)}"
    return f"{raw['model']}, {prompts}" + (f", {held} windows held" if held else "")


SECTION = Section(
    name="first_token",
    title="First token: what a warm-up is worth",
    how="""
    A real Ollama; seconds until one token has come: of a cold model; after a load
    alone (an empty prompt, as usual scripts warm); after a warm-up by the code that
    the task runs; and steady. Prompts are as long as the table says, and each
    begins otherwise than the one before, since Ollama keeps the last prompt's
    state. Cold means unloaded: the file is still in the page cache, so a first load
    from disk takes longer. No GPU was at hand, and weights are random. With *held*,
    passes hold an idle model by touches for a number of keep-alive windows, and
    then it is asked; a machine answers slower after a pause whatever was done
    meanwhile, so the same pause is measured untouched.""",
    digest=_digest,
)
