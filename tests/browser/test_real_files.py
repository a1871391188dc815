"""The walk over the three plants' real files, by clicking only: what is to be found is found in a few clicks.

One demonstration is started for all of these tests, on the folder that MEDLOOM_DATA names (else
../shared/data beside the project), as a person starts it. Where no such folder is, the same walks go over
the generated demonstration; which of its parts are at fault, other tests know.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import picture
from tests.browser.demonstration import (
    DATA,
    REAL,
    Demonstration,
    Walk,
    cut_lines,
    failed,
    lots,
    read_sheet,
    rows_of_files,
    shipped,
)

pytestmark = pytest.mark.browser

CLICKS_MOST = 4
#: A recall scope from a resin lot to what was shipped, from the overview.
SCOPE_SECONDS_MOST = 60
#: Until what an agent has told stands on a page.
ARRIVED_S_MOST = 120
MOULDING, ASSEMBLY = ("PLANT-A", "PLANT-C") if REAL else ("MOLD", "ASSY")
#: Plates of the machining plant: holes too large, another value than planned, no program named.
OVERSIZE = {"13", "14", "15", "16", "17", "18"}
AGAINST_PLAN, NO_PROGRAM = {"05", "07"}, {"06", "14"}


@pytest.fixture(scope="module")
def demonstration() -> Iterator[Demonstration]:
    """The one start of it for this file."""
    folder = Path(tempfile.mkdtemp(prefix="medloom-walk-"))
    folder.chmod(0o755)  # the database's account must be able to enter
    found = Demonstration(folder)
    try:
        found.wait()
        found.wait_for_shipments()
        yield found
    finally:
        found.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def walk(page: Page, demonstration: Demonstration) -> Walk:
    """A person logged in at the overview, in English."""
    return Walk(page, demonstration.told)


def test_parts_with_something_too_large_are_found_in_a_few_clicks(walk: Walk) -> None:
    walk.menu("Parts against limits")
    found = walk.page.locator("#large > .in > ul a.key")
    expect(found.first).to_be_visible()
    if REAL:
        assert lots(found.all_inner_texts()) == OVERSIZE
    name = found.first.inner_text()
    walk.click(found)
    expect(walk.page.locator("h1")).to_contain_text(name)
    assert walk.clicks <= CLICKS_MOST


def test_parts_whose_log_contradicts_the_plan_or_names_no_program_are_found_in_a_few_clicks(
    walk: Walk,
) -> None:
    walk.menu("Equipment timeline")
    walk.click(walk.page.get_by_role("link", name="Contradicts the plan"))
    runs = walk.page.locator("#runs tbody tr")
    against = runs.all_inner_texts()
    walk.click(walk.page.get_by_role("link", name="Says nothing of the plan"))
    silent = walk.page.locator("#runs tbody tr").all_inner_texts()
    assert against and silent
    if REAL:
        assert (lots(against), lots(silent)) == (AGAINST_PLAN, NO_PROGRAM)
    walk.click(runs.get_by_role("link"))
    expect(walk.page.locator("h1")).to_be_visible()
    assert walk.clicks <= CLICKS_MOST


def test_the_disagreement_of_two_laboratories_is_one_item_to_decide(walk: Walk) -> None:
    walk.click(walk.page.locator(".tour-offer").get_by_role("link", name="laboratories disagree"))
    rows = walk.page.locator("tr[data-object]")
    expect(rows).to_have_count(1)
    walk.click(rows.get_by_role("link"))
    walk.click(walk.page.get_by_role("link", name="Settle", exact=True))
    expect(walk.page.locator("table.laboratories tbody tr").first).to_be_visible()
    assert walk.clicks <= CLICKS_MOST


@pytest.mark.parametrize(("language", "take", "on", "end"), [
    ("en", "Take the tour", "Next", "End the tour"), ("zh-hans", "开始导览", "下一步", "结束导览"),
])  # fmt: skip
def test_the_tour_is_taken_to_its_end(
    page: Page, demonstration: Demonstration, language: str, take: str, on: str, end: str
) -> None:
    walk = Walk(page, demonstration.told, language)
    offered = page.locator(".tour-offer li").count()
    assert offered >= 4
    walk.click(page.get_by_role("button", name=take))
    for number in range(1, offered + 1):
        expect(page.locator(".tour")).to_contain_text(f"{number}/{offered}")
        expect(page.locator("main")).to_be_visible()
        picture(page, f"real-tour-{language}-{number}")
        if number < offered:
            walk.click(page.get_by_role("button", name=on, exact=True))
    walk.click(page.get_by_role("button", name=end))
    expect(page.locator(".tour")).to_have_count(0)


def number(text: str) -> int:
    """A count as a page writes it."""
    return int(text.replace(",", ""))


def test_a_bad_score_leads_to_the_rows_behind_it(walk: Walk, demonstration: Demonstration) -> None:
    if REAL:
        demonstration.wait_for_counts()
    walk.menu("Quality board")
    boards = walk.page.locator("section.sheet")
    scores = boards.first.locator("tbody .tag").all_inner_texts()
    assert len(scores) == boards.first.locator("tbody tr").count() == 3, "a score for each plant"
    worst = boards.last.locator("tbody tr").first
    score = float(worst.locator(".tag").inner_text())
    walk.click(worst.locator("a[class^=m-]"))
    picked = walk.page.locator("tr.picked td").all_inner_texts()
    broken, whole = number(picked[2]), number(picked[3])
    rows = boards.last.locator("tbody tr")
    expect(rows).to_have_count(min(broken, 50))
    assert 0 < broken <= whole
    if REAL:
        assert score == round(100 * (whole - broken) / whole, 1)
        assert whole - broken == demonstration.runs, "a row for each setup of each part"
        told = Counter(rows.locator("td:nth-child(5)").all_inner_texts())
        assert cut_lines().items() <= told.items(), "each cut line of the log is there"
    walk.click(rows.get_by_role("link"))
    expect(walk.page.locator("h1")).to_contain_text("Record")
    assert walk.clicks <= CLICKS_MOST


def test_a_row_that_names_what_nobody_has_told_of_is_found_from_the_board(walk: Walk) -> None:
    walk.menu("Quality board")
    plant = walk.page.locator("section.sheet").first.locator("tbody tr", has_text="Moulding plant")
    waiting = number(plant.locator("td:nth-child(4)").inner_text())
    walk.click(plant.locator("td:nth-child(4) a"))
    groups = walk.page.locator("main tbody tr")
    assert sum(number(text) for text in groups.locator("td:first-child").all_inner_texts()) == waiting > 0
    walk.click(groups.first.get_by_role("link"))
    if REAL:
        static = DATA / "optimold_injection_plant" / "static"
        known = {str(row[0]) for row in read_sheet(static / "itemInfo.xlsx")}
        (missing,) = {str(row[0]) for row in read_sheet(static / "itemCompositionSummary.xlsx")} - known
        expect(walk.page.locator("main")).to_contain_text(missing)
        assert waiting == 1
    assert walk.clicks <= CLICKS_MOST


@pytest.mark.parametrize(("language", "term"), [("en", "树脂用量"), ("zh-hans", "Resin quantity")])
def test_a_term_of_either_language_leads_to_its_field(
    page: Page, demonstration: Demonstration, language: str, term: str
) -> None:
    walk = Walk(page, demonstration.told, language)
    walk.menu("Data dictionary" if language == "en" else "数据字典")
    page.fill("#q", term)
    page.press("#q", "Enter")
    found = page.locator("form.sheet tbody tr")
    expect(found).to_have_count(1)
    walk.click(found.locator("td.mono a"))
    field = page.locator("#field-resin_quantity")
    expect(field).to_be_in_viewport()
    cells = field.locator("td").all_inner_texts()
    assert cells[3] == "kg", "its unit"
    assert "6" in cells[4] and "kg" in cells[4], "what it may hold, with its precision"
    assert all(name in cells[1] for name in ("Resin quantity", "树脂用量"))


def test_measurements_stand_against_limits_and_two_laboratories_side_by_side(walk: Walk) -> None:
    walk.menu("Parts against limits")
    page = walk.page
    files = [
        row.locator("td").all_inner_texts() for row in page.locator("main table").last.locator("tr").all()
    ]
    stated = {cells[0]: number(cells[5]) for cells in files if len(cells) > 5 and cells[5].strip("–")}
    if REAL:
        assert stated == failed()
    row = page.locator("table.heatmap tbody tr", has=page.locator("a[href*=characteristic]")).first
    out = row.locator("td.heat[data-tone=high], td.heat[data-tone=low]").count()
    walk.click(row.locator("a[href*='characteristic/']"))
    readings = page.locator(".readings > div")
    expect(readings.filter(has_text="Out of limits").locator("dd")).to_have_text(str(out))
    expect(readings.filter(has_text="Specification").locator("dd")).to_contain_text("mm")
    walk.menu("Laboratories that disagree")
    walk.click(page.locator("tr[data-object]").get_by_role("link"))
    walk.click(page.get_by_role("link", name="Settle", exact=True))
    table = page.locator("table.laboratories")
    names = table.locator("thead th").all_inner_texts()[1:3]
    assert len(set(names)) == 2 and (not REAL or set(names) == set(failed()))
    for row in table.locator("tbody tr").all():
        sides = row.locator("td").all_inner_texts()[:2]
        assert all(side.strip() for side in sides), "what each says, also that it did not measure"


def test_the_timeline_shows_every_run_of_the_log(walk: Walk, demonstration: Demonstration) -> None:
    walk.menu("Equipment timeline")
    chart = walk.page.locator("#machine-chart[data-ready=yes]")
    expect(chart).to_be_visible()
    expect(chart).to_contain_text("SPEED")
    tab = walk.page.get_by_role("link", name=re.compile("^All runs"))
    runs = number(re.sub(r"[^0-9]", "", tab.inner_text()))
    assert runs == demonstration.runs if REAL else runs > 0
    walk.click(walk.page.locator("#runs tbody tr").last.get_by_role("link"))
    expect(walk.page.locator("h1")).to_be_visible()


def test_the_map_names_owner_steward_promise_and_time_and_marks_a_dispute(walk: Walk) -> None:
    walk.menu("Data map")
    page = walk.page
    page.wait_for_selector("#map[data-ready=yes]")
    heads = page.locator("main thead th").all_inner_texts()
    rows = [
        dict(zip(heads, row.locator("td").all_inner_texts(), strict=True))
        for row in page.locator("main tbody tr").all()
    ]
    for name in ("State", "Newest", "Freshness promise", "Owner", "Steward", "Read by"):
        assert all(row[name].strip() for row in rows), name
    disputed = page.locator(".node[data-state=disputed][data-type]")
    borders = {
        state: page.locator(f".node[data-state={state}][data-type]").first.evaluate(
            "node => getComputedStyle(node).borderTopColor"
        )
        for state in ("fresh", "disputed")
    }
    assert borders["fresh"] != borders["disputed"]
    if REAL:
        assert disputed.evaluate_all("nodes => nodes.map((n) => n.id)") == ["t/PLANT-B/result"]
    page.locator(f"[id='t/{ASSEMBLY}/lot']").click()
    panel = page.locator("#map-panel")
    field = panel.locator(".fields tr", has_text="Made on")
    expect(field).to_contain_text("Plant")
    walk.click(field.get_by_role("link"))  # from a field of the finished devices to the feed that gives it
    expect(page.locator("h1")).to_contain_text("synthetic_steps")
    expect(page.locator("dl.facts")).to_contain_text("Freshness promise")


def test_a_finished_lot_leads_to_the_row_of_the_moulding_plants_file(walk: Walk) -> None:
    page = walk.page
    page.get_by_role("searchbox").first.fill("FG-D1-001")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    walk.click(page.locator("main tbody tr", has_text="Lots").get_by_role("link"))
    walk.click(page.get_by_role("link", name="Trace", exact=True))
    expect(page.locator(".segment [aria-current=true]")).to_have_text("Where it came from")
    resin = page.locator("tr[data-node]", has_text="Moulding plant").filter(has_text="Material").first
    lot = resin.locator("a.key").first.inner_text()
    walk.click(resin.locator("a.key"))
    told = page.locator("dl.facts .from").first.get_attribute("title") or ""
    place = re.search(r"^shifts · (.+)#(.+)!([0-9]+)$", told, re.MULTILINE)
    assert place is not None, told
    if REAL:
        row = read_sheet(DATA / "optimold_injection_plant" / place.group(1))[int(place.group(3)) - 1]
        spelt = {"".join(str(cell).split()).upper() for cell in row}
        assert lot in spelt, "the row of the file that told of the lot"
    walk.click(page.get_by_role("link", name="Item", exact=True))
    expect(page.locator("main")).to_contain_text("shifts")
    assert walk.clicks <= CLICKS_MOST + 1


def test_a_scope_from_a_resin_lot_to_shipped_devices_takes_less_than_a_minute(
    walk: Walk, demonstration: Demonstration
) -> None:
    expected = shipped(demonstration.state)
    lot = max(expected, key=lambda name: (expected[name], name))
    began = time.monotonic()
    walk.menu("Recall scope")
    walk.page.locator("[data-value]").last.fill(lot)
    with walk.page.expect_navigation():
        walk.page.keyboard.press("Enter")
    figure = walk.page.locator(".figures > div", has_text="Shipped").locator("b")
    expect(figure).to_be_visible()
    assert time.monotonic() - began < SCOPE_SECONDS_MOST
    assert walk.clicks == 1, "one click, one number typed, Enter"
    end = time.monotonic() + ARRIVED_S_MOST
    while number(figure.inner_text()) != shipped(demonstration.state)[lot] and time.monotonic() < end:
        walk.page.reload()
    assert number(figure.inner_text()) == shipped(demonstration.state)[lot] > 0


def test_every_row_of_every_feed_has_one_verdict(walk: Walk) -> None:
    walk.menu("Connections and agents")
    plants, end = {}, time.monotonic() + ARRIVED_S_MOST
    while time.monotonic() < end:
        plants = {plant: _told(walk, plant) for plant in walk.page.locator("h2 + .mono").all_inner_texts()}
        if all(_all_there(feeds, sent) for feeds, sent in plants.values()):
            break
        walk.page.reload()
    assert set(plants) >= {MOULDING, ASSEMBLY}
    for plant, (feeds, sent) in plants.items():
        assert _all_there(feeds, sent), f"{plant}: as many as its agent sent"
        for feed, (rows, *verdicts) in feeds.items():
            assert rows == sum(verdicts), f"{plant} {feed}: one verdict for each row"
    for (plant, feed), rows in (rows_of_files() if REAL else {}).items():
        assert plants[plant][0][feed][0] == rows, f"{plant} {feed}: as many as its file has"


def _all_there(feeds: dict[str, list[int]], sent: int) -> bool:
    """Whether the feeds have as many rows as the agent sent operations. A generated plant goes on working,
    and what is changed in its tables is sent as well and is no row of a feed."""
    rows = sum(each[0] for each in feeds.values())
    return rows == sent > 0 if REAL else 0 < rows <= sent


def _told(walk: Walk, plant: str) -> tuple[dict[str, list[int]], int]:
    """Feed -> its rows, then those of each verdict; and how many operations the agent has sent."""
    sheet = walk.page.locator("section.sheet", has=walk.page.get_by_text(plant, exact=True))
    feeds = {}
    for row in sheet.locator("table.list tbody tr").all():
        name, _, *figures = row.locator("td").all_inner_texts()
        feeds[name] = [number(each) for each in figures]
    chains = sheet.locator("td.num", has_text="next number").all_inner_texts()
    return feeds, sum(number(text.split()[-1]) - 1 for text in chains)
