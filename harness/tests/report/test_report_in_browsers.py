"""The report, driven as a reader would: links, filters, keyboard, and hostile text in every field."""

from __future__ import annotations

from importlib.resources import files

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.timeout(120)
one_is_enough = pytest.mark.parametrize("browser", ["chromium"], indirect=True)


@one_is_enough
def test_the_first_screen_says_what_is_unexpected(page: Page, sample: str) -> None:
    page.goto(sample)
    expect(page.locator("h1")).to_contain_text("3 unexpected of 24 results")
    expect(page.locator(".findings li")).to_have_count(3)
    expect(page.locator(".matrix .chip")).to_have_count(9)
    expect(page.locator(".glance")).to_contain_text("156.0.7390.54")
    expect(page.locator(".glance .mini .chip")).to_have_count(9)
    expect(page.locator(".glance .levels")).to_contain_text("183 of 495")
    page.locator(".tally a").filter(has_text="weak").click()
    expect(page.locator(".cases tr[data-v]:visible")).to_have_count(1)


def test_two_clicks_lead_from_a_red_cell_to_the_offending_frame(page: Page, sample: str) -> None:
    page.goto(sample)
    page.locator(".matrix .chip.red").click()
    chosen = page.locator(".step.chosen")
    expect(chosen).to_have_attribute(
        "aria-label", "frame 9, 12.8 ms, reference to firefox: sctp INIT; broken: RFC8831-6.7-M3"
    )
    expect(page.locator(".detail")).to_contain_text("transaction id")
    expect(chosen).to_be_in_viewport()
    # In a ladder that is longer than its window, too.
    page.get_by_role("link", name="← Overview").click()
    page.evaluate("document.documentElement.style.fontSize = '4px'")
    page.locator(".matrix .chip.red").click()
    expect(chosen).to_be_visible()
    frame, row = page.locator(".ladder").bounding_box(), chosen.locator(".band").bounding_box()
    assert frame is not None
    assert row is not None
    assert frame["height"] < 200
    assert frame["y"] < row["y"] < row["y"] + row["height"] < frame["y"] + frame["height"]


@one_is_enough
def test_the_check_list_is_drawn_over_time(page: Page, sample: str) -> None:
    page.goto(sample)
    page.locator(".matrix .chip.red").click()
    drawn = page.get_by_label("Candidate pairs over time")
    expect(drawn).to_contain_text("[::1]:5 to [::1]:6")
    expect(drawn.locator("rect.span")).to_have_count(3)


def test_the_ladder_answers_to_the_keyboard(page: Page, sample: str) -> None:
    page.goto(sample)
    page.locator(".findings .title").first.focus()
    page.keyboard.press("Enter")
    chosen = page.locator(".step.chosen")
    chosen.focus()
    page.keyboard.press("ArrowUp")
    expect(chosen).to_contain_text("ServerHello")
    page.keyboard.press("Home")
    expect(chosen).to_contain_text("offer")
    page.keyboard.press("Escape")
    expect(page.locator("#overview")).to_be_visible()


def test_whatever_can_be_clicked_is_reached_by_the_keyboard(page: Page, sample: str) -> None:
    page.goto(sample)
    page.evaluate(
        """() => {
            const all = document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']");
            globalThis.unreached = new Set([...all].filter((one) => one.checkVisibility()));
            document.addEventListener("focusin", (event) => globalThis.unreached.delete(event.target));
        }"""
    )
    wanted = page.evaluate("unreached.size")
    assert wanted > 40
    for _ in range(2 * wanted):
        page.keyboard.press("Tab")
        if not page.evaluate("unreached.size"):
            break
    assert page.evaluate("[...unreached].map((one) => one.outerHTML.slice(0, 200))") == []


def test_filters_live_in_the_url(page: Page, sample: str) -> None:
    page.goto(sample)
    rows = page.locator(".cases tr[data-v]:visible")
    expect(rows).to_have_count(5)
    page.get_by_label("Layer").select_option("ice")
    expect(rows).to_have_count(2)
    page.get_by_label("Search").fill("repaired")
    expect(rows).to_have_count(1)
    assert "layer=ice" in page.url
    assert "q=repaired" in page.url
    page.reload()
    expect(rows).to_have_count(1)
    page.goto(sample + "#/?verdict=T")
    expect(rows).to_have_count(1)
    page.goto(sample + "#/?only=unexpected")
    expect(rows).to_have_count(2)
    page.goto(sample + "#/?endpoint=chromium&only=unexpected")
    expect(rows).to_have_count(1)
    page.goto(sample + "#/?endpoint=firefox&verdict=W")
    expect(rows).to_have_count(1)


@one_is_enough
def test_a_page_that_is_not_there_says_so(page: Page, sample: str) -> None:
    page.goto(sample + "#/case/00000000")
    expect(page.locator("#page")).to_contain_text("no such page")


def test_campaigns_show_their_coverage_and_their_findings(page: Page, sample: str) -> None:
    page.goto(sample)
    page.get_by_role("link", name="Fuzzing").click()
    expect(page.locator("h1:visible")).to_contain_text("Fuzzing campaigns")
    expect(page.locator(".growth polyline")).to_be_visible()
    calls, pairs = (page.get_by_label(name) for name in ("Calls by signalling state", "Transitions by the next one"))
    expect(calls.locator("tbody tr")).to_have_count(4)
    expect(pairs.locator("tbody tr")).to_have_text(["have-local-offer, remote, answer·2", "stable, local, offer1·"])
    expect(page.locator("#page")).to_contain_text("lines of the peer 768 of 1,239")
    expect(page.locator(".heat td.h5")).not_to_have_count(0)
    expect(page.locator("#page .findings")).to_contain_text("state: stable in closed (chromium)")
    finding = page.locator("#page .findings li > .tag").first.bounding_box()
    assert finding is not None
    assert finding["height"] < 30, "its id is on one line"
    expect(page.locator("#page .notice")).to_contain_text("torn: not a campaign")
    page.get_by_role("link", name="repro.html").click()
    page.wait_for_url("**/fuzz/signalling-chromium/0123456789abcdef/repro.html")


@one_is_enough
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_window(page: Page, sample: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(sample)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".findings .title").first.click()
    expect(page.locator(".rungs")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("endpoint/chromium", "clauses/RFC8831", "fuzz/campaigns"):
        page.goto(f"{sample}#/{name}")
        expect(page.locator("#page-title")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_hostile_text_is_inert_on_every_page(page: Page, hostile: str) -> None:
    page.goto(hostile)
    links = page.evaluate("[...new Set([...document.querySelectorAll('a.chip')].map(a => a.getAttribute('href')))]")
    assert len(links) > 20
    # Two cells and two cases have every field a peer can fill.
    for link in [*links[:2], *links[-2:], "#/endpoint/chromium", "#/fuzz/campaigns"]:
        page.goto(hostile + link)
        expect(page.locator("#page article")).to_be_visible()
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        foreign = page.evaluate(
            "document.querySelectorAll('#page script, #page img, #page [onload], #page [onerror]').length"
        )
        assert foreign == 0
    assert page.evaluate("window.pwned") is None
    page.goto(hostile + links[0])
    expect(page.locator("#page .lines").first).to_contain_text("</script><script>window.pwned=1</script>")


def test_no_script_but_our_own_would_run(browser: Browser, sample: str) -> None:
    """The second wall: markup that did get in through an escape is still stopped by the policy of the page."""
    page = browser.new_page()
    page.goto(sample)
    page.evaluate(
        """() => {
            const host = document.createElement("div");
            host.innerHTML = "<img src=x onerror='window.pwned=1'>";
            const script = document.createElement("script");
            script.textContent = "window.pwned=1";
            document.body.append(host, script);
        }"""
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.pwned") is None
    page.close()


@pytest.mark.parametrize("clicks", [["light"], ["light", "dark"]], ids=["light", "dark"])
def test_an_accessibility_checker_finds_nothing_serious(page: Page, sample: str, clicks: list[str]) -> None:
    page.goto(sample)
    for scheme in clicks:
        page.locator("#theme").click()
        expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    _check_accessibility(page)
    page.locator(".findings .title").first.click()
    expect(page.locator("#page article")).to_be_visible()
    _check_accessibility(page)
    for name in ("endpoint/chromium", "clauses/RFC8831", "fuzz/campaigns"):
        page.goto(f"{sample}#/{name}")
        expect(page.locator("#page-title")).to_be_visible()
        _check_accessibility(page)


def _check_accessibility(page: Page) -> None:
    # Evaluated, not added as an element: the policy of the page admits no script but its own.
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    serious = [
        f"{rule['id']}: {rule['help']}: {[node['html'][:150] for node in rule['nodes'][:4]]}"
        for rule in found["violations"]
        if rule["impact"] in {"serious", "critical"}
    ]
    assert serious == []
