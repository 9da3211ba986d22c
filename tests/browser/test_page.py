"""What a person sees, types and clicks on the status page."""

import time

import pytest
from playwright.sync_api import expect

from ollama_warmup.report import Condition, HostState, OtherReport
from tests.browser.conftest import TICK_S, target

pytestmark = pytest.mark.timeout(150)  # a busy machine draws slowly

HOSTILE = "<img src=x onerror=alert(1)>"


def row(page, model, host="gpu-1"):
    hosts = page.get_by_role("region", name=host, exact=True)
    return hosts.get_by_role("listitem").filter(has_text=model)


def seconds(text):
    minutes, _, rest = text.rpartition("m ")
    return int(minutes or 0) * 60 + int(rest.rstrip("s"))


def test_the_page_shows_a_host_whose_targets_count_down(page, scene):
    scene.told("gpu-1", targets=(target("llama3:8b", left_s=300.0),))
    scene.happens("gpu-1", "llama3:8b", Condition.WARM, before=Condition.LOADING)

    page.goto(scene.service.url)

    expect(page.locator("#headline")).to_have_text("The one target is ready")
    warm = row(page, "llama3:8b")
    expect(warm.locator(".word")).to_have_text("warm")
    expect(warm.locator(".last")).to_contain_text("loading → warm")
    left = warm.locator(".left .value")
    first = seconds(left.inner_text())
    expect(left).not_to_have_text(left.inner_text())
    assert 290 < seconds(left.inner_text()) < first <= 300


def test_a_click_warms_and_the_load_is_followed_to_its_end(page, scene):
    scene.told("gpu-1", targets=(target("llama3:8b", Condition.COLD),))
    page.goto(scene.service.url)
    cold = row(page, "llama3:8b")

    cold.get_by_role("button", name="Warm now: llama3:8b on gpu-1").click()

    told = page.get_by_role("status")
    expect(told).to_contain_text("Warm-up of llama3:8b on gpu-1 sent")
    assert scene.sent() == 1
    key = "registry.ollama.ai/library/llama3:8b"
    scene.begins("gpu-1", key, expected_s=30.0)
    expect(cold.locator(".word")).to_have_text("loading")
    expect(cold.get_by_role("progressbar")).to_be_visible()
    expect(cold.locator(".left")).to_contain_text("until warm")
    expect(cold.get_by_role("button")).to_be_disabled()
    scene.told("gpu-1", targets=(target("llama3:8b"),))
    scene.ends("gpu-1")
    expect(told).to_contain_text("llama3:8b on gpu-1 is warm")
    expect(cold.get_by_role("progressbar")).to_be_hidden()


def test_the_page_shows_a_dead_host_first_with_the_reason(page, scene):
    scene.told("gpu-1", targets=(target("llama3:8b"),))
    why = "gpu-2 (http://gpu-2:11434) refuses connections"
    lost = target("mid", Condition.UNKNOWN, why=why)
    scene.told("gpu-2", targets=(lost,), state=HostState.DOWN, problem=why)

    page.goto(scene.service.url)

    expect(page.locator("section.host").first).to_contain_text(why)
    expect(page.locator("section.host").first).to_contain_text("down")
    expect(row(page, "mid", "gpu-2").locator(".word")).to_have_text("unknown")
    expect(page).to_have_title("(1) ollama-warmup")


def test_the_page_says_since_when_no_pass_has_observed_a_host(page, scene):
    scene.told("gpu-1", age_s=4 * TICK_S, targets=(target("llama3:8b", left_s=300.0),))

    page.goto(scene.service.url)

    expect(page.locator("#live")).to_contain_text("not observed since")
    expect(page.locator(".notice")).to_contain_text("are beat and a worker")
    expect(row(page, "llama3:8b").locator(".word")).to_have_text("unknown")


def test_the_page_recovers_after_a_restart_of_its_service(page, scene):
    scene.told("gpu-1", targets=(target("llama3:8b"),))
    page.goto(scene.service.url)
    expect(page.locator("#live")).to_contain_text("live")

    scene.service.stop()
    expect(page.locator("#live")).to_contain_text("no answer since")
    expect(page.locator(".notice")).to_contain_text("No answer from the status service")
    scene.service.start()

    expect(page.locator("#live")).to_contain_text("live")
    expect(page.locator(".notice")).to_have_count(0)


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_long_and_hostile_names_do_not_make_the_page_scroll_sideways(
    page, scene, width
):
    long = "registry.example/a-very-long-namespace/a-model-with-a-very-long-name:q8_0"
    scene.told(
        "gpu-1-with-a-name-of-some-forty-characters",
        targets=(
            target(long, wanted=f"{long}?keep_alive=30m&num_ctx=8192", critical=True),
            target("mid", Condition.CONTESTED, why=f"{HOSTILE} has its room " * 5),
        ),
        others=(OtherReport(model=HOSTILE * 4, context_length=1, left_s=60.0),),
        warm_list_problem=f"line 3: {'x' * 200} {HOSTILE}",
    )
    scene.happens("gpu-1", HOSTILE, Condition.COLD, why=HOSTILE)
    page.set_viewport_size({"width": width, "height": 740})

    page.goto(scene.service.url)

    expect(page.locator(".others")).to_contain_text(HOSTILE)
    expect(page.locator("#events")).to_contain_text(HOSTILE)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("main img").count() == 0


def test_every_control_is_reached_by_keyboard_and_keeps_the_focus(page, scene):
    scene.told("gpu-2", targets=(target("llama3:8b", Condition.COLD),))
    scene.told("gpu-1", targets=(target("mid"),))
    page.goto(scene.service.url)
    expect(row(page, "llama3:8b", "gpu-2")).to_be_visible()
    reached: list[str | None] = []

    while len(reached) < 20 and reached[-1:] != ["Warm now: llama3:8b on gpu-2"]:
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
        name = focused.get_attribute("aria-label") or focused.inner_text()
        reached.append(" ".join(name.split()) or focused.get_attribute("id"))
    page.keyboard.press("Enter")

    assert reached == [
        *("Skip to the hosts", "1 cold", "1 warm", "find"),
        *("Pause gpu-1", "Warm now: mid on gpu-1"),
        *("Pause gpu-2", "Warm now: llama3:8b on gpu-2"),
    ]
    expect(page.get_by_role("status")).to_contain_text("sent")
    # Its host comes first now, and the focus goes with it.
    scene.told("gpu-2", targets=(target("llama3:8b", Condition.FAILING),))
    expect(page.locator("section.host").first).to_contain_text("failing")
    label = page.locator(":focus").get_attribute("aria-label")
    assert label == "Warm now: llama3:8b on gpu-2"


def test_a_thousand_hosts_are_filtered_and_shown_in_portions(page, scene):
    for number in range(1_000):
        scene.told(f"gpu-{number}", targets=(target("llama3:8b"), target("mid")))
    broken = target("llama3:8b", Condition.FAILING, why="out of memory")
    scene.told("gpu-777", targets=(broken, target("mid")))

    page.goto(scene.service.url)

    expect(page.locator("section.host").first).to_contain_text("gpu-777")
    expect(page.locator("li.target")).to_have_count(100)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("li.target")).to_have_count(200)
    page.get_by_role("searchbox", name="Filter").fill("gpu-42 mid")
    expect(page.locator("li.target")).to_have_count(11)
    page.get_by_role("searchbox", name="Filter").fill("")
    page.get_by_role("button", name="1 failing").click()
    expect(page.locator("li.target")).to_have_count(1)
    expect(page.get_by_role("searchbox", name="Filter")).to_have_value("failing")


def test_a_host_is_paused_and_resumed(page, scene):
    scene.told("gpu-1", targets=(target("llama3:8b"),))
    page.goto(scene.service.url)

    page.get_by_role("button", name="Pause gpu-1").click()
    expect(page.locator(".notice")).to_contain_text("Passes leave gpu-1 alone.")
    assert scene.passes.paused() == {"gpu-1"}
    page.get_by_role("button", name="Resume gpu-1").click()

    expect(page.locator(".notice")).to_have_count(0)
    assert scene.passes.paused() == frozenset()


def test_the_page_says_that_a_warm_up_was_not_sent(page, scene):
    scene.told("gpu-1", targets=(target("llama3:8b", Condition.COLD),))
    page.goto(scene.service.url)
    page.route("**/warmup", lambda route: route.abort())

    row(page, "llama3:8b").get_by_role("button").click()

    told = page.get_by_role("status")
    expect(told).to_contain_text("was not sent: the status service does not answer")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_words_have_enough_contrast_in_both_colour_schemes(page, scene, scheme):
    now = time.time()
    conditions = [target(c.value, c, since=now) for c in Condition]
    scene.told("gpu-1", targets=tuple(conditions))
    page.emulate_media(color_scheme=scheme)

    page.goto(scene.service.url)

    expect(page.locator("li.target")).to_have_count(len(Condition))
    contrasts = page.evaluate(CONTRASTS)
    assert min(contrasts.values()) >= 4.5, contrasts


CONTRASTS = """() => {
  const part = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const card = getComputedStyle(document.querySelector(".host"));
  const ground = light(card.backgroundColor);
  const shown = document.querySelectorAll(".word, .label, .since, .url, h2, h3");
  return Object.fromEntries([...shown].filter((e) => e.textContent).map((e) => {
    const [a, b] = [light(getComputedStyle(e).color), ground].sort((x, y) => y - x);
    return [`${e.className} ${e.textContent}`, (a + 0.05) / (b + 0.05)];
  }));
}"""
