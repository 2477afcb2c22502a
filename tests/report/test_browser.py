"""The page in a real browser, without a screen."""

import csv
import io
import json
import shutil
from contextlib import contextmanager

import numpy as np
import pytest

from grokode.report.page import write_page

webdriver = pytest.importorskip("selenium.webdriver", reason="it drives the browser")
from selenium.common.exceptions import WebDriverException  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium with its chromedriver on this machine")
SHAPE = (6, 5, 3)


@pytest.fixture(scope="module")
def driver():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "window-size=1300,1400"):
        options.add_argument(f"--{word}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    try:
        made = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    except WebDriverException as error:  # a sandbox that forbids it, or a driver of another version
        pytest.skip(f"chromium does not start here: {str(error).splitlines()[0]}")
    yield made
    made.quit()


@pytest.fixture(scope="module")
def data(stored):
    data = stored(SHAPE, 30, ended=True)
    data["status"][1, 1, 1] = data.status.attrs["flag_meanings"].split().index("failed")
    return data


@pytest.fixture
def page(driver, data, tmp_path):
    """Open the page, and look afterwards that nothing was complained of and nothing fetched."""
    write_page(data, tmp_path / "sweep.html", "sweep")
    address = (tmp_path / "sweep.html").as_uri()
    driver.get_log("browser"), driver.get_log("performance")
    driver.get(address)
    yield driver
    assert driver.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert {url for url in asked if not url.startswith(("data:", "blob:"))} == {address}


def choose(page, name, value):
    page.find_element(By.CSS_SELECTOR, f"#{name} option[value='{value}']").click()


def shown(page, name):
    """The number that stands beside the map, None where there is none."""
    found = page.find_elements(By.CSS_SELECTOR, f"#cell td[data-name='{name}']")
    return float(found[0].text) if found else None


def cell(page, i, j):
    return page.find_element(By.CSS_SELECTOR, f"#map rect[data-i='{i}'][data-j='{j}']")


def point(page, i, j):
    webdriver.ActionChains(page).move_to_element(cell(page, i, j)).perform()


def is_of(page, data, index):
    """Whether the numbers and curves shown are those of a cell, to the last digit."""
    threshold = data.threshold.values.tolist().index(page.find_element(By.ID, "threshold").get_property("value"))
    for name in ("t_train", "t_test"):
        value = float(data[name].values[(*index, threshold)])
        assert shown(page, name) == (value if np.isfinite(value) else None)
    assert shown(page, "final_loss_train") == float(data.final_loss_train.values[index])
    names = ("alpha", "eps", "seed")
    values = [float(data[name].values[i]) for name, i in zip(names, index, strict=True)]
    assert [float(part.split()[1]) for part in page.find_element(By.ID, "place").text.split(", ")] == values
    points = [line.get_attribute("points") for line in page.find_elements(By.CSS_SELECTOR, "#curves polyline")]
    losses = data.loss_train.values[index]
    assert len(points) == 2
    assert len(points[0].split()) == np.count_nonzero(np.isfinite(losses) & (data.t.values[index] > 0))
    return points


def test_pointing_at_a_cell_shows_its_numbers_and_curves(page, data):
    seen = set()
    for i, j in ((0, 0), (5, 4), (2, 3)):
        point(page, i, j)
        seen.add(tuple(is_of(page, data, (i, j, 0))))
    assert len(seen) == 3


def test_a_slider_moves_the_curves(page, data):
    before = is_of(page, data, (0, 0, 0))
    page.find_element(By.ID, "slider-2").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert is_of(page, data, (0, 0, 2)) != before
    assert not page.find_element(By.ID, "slider-0").is_displayed()  # it is on the map


def test_the_keyboard_moves_over_the_map_and_holds_a_cell(page, data):
    surface = page.find_element(By.ID, "map")
    surface.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    is_of(page, data, (2, 1, 0))
    surface.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_LEFT)  # no further than the edge
    is_of(page, data, (1, 0, 0))
    surface.send_keys(Keys.ENTER)
    point(page, 4, 4)
    assert page.find_element(By.ID, "place").text.startswith(f"alpha {data.alpha.values[1]:.16g}, eps")
    assert "(held)" in page.find_element(By.ID, "place").text
    page.find_element(By.ID, "map").send_keys(Keys.ENTER)
    point(page, 4, 4)
    is_of(page, data, (4, 4, 0))


def test_what_has_no_number_is_marked_as_what_it_is(page, data):
    choose(page, "quantity", "t_test")
    page.find_element(By.ID, "slider-2").send_keys(Keys.ARROW_RIGHT)
    words = data.t_test_status.attrs["flag_meanings"].split()
    hatched = page.find_elements(By.CSS_SELECTOR, "#map rect[fill='url(#hatch)']")
    codes = data.t_test_status.values[:, :, 1, 0].copy()
    codes[1, 1] = 0  # failed
    assert len(hatched) == np.count_nonzero(codes == words.index("never")) > 0
    marks = [one.text for one in page.find_elements(By.CSS_SELECTOR, "#map text")]
    assert marks.count("○") == np.count_nonzero(codes == words.index("not_reached")) > 0
    assert marks.count("×") == 1
    legend = page.find_element(By.ID, "key").text
    assert all(word in legend for word in ("never (proved)", "not reached", "failed"))


def test_thresholds_and_axes_can_be_chosen(page, data):
    choose(page, "threshold", "10%")
    point(page, 3, 2)
    is_of(page, data, (3, 2, 0))
    choose(page, "y", "seed")
    point(page, 3, 2)
    is_of(page, data, (3, 2, 2))
    choose(page, "y", "—")
    assert page.find_elements(By.CSS_SELECTOR, "#map polyline")


def test_all_numbers_are_the_stores_as_csv(page, data):
    page.find_element(By.ID, "copy").click()
    text = page.find_element(By.ID, "csv").get_property("value")
    rows, words = list(csv.DictReader(io.StringIO(text))), data.t_test_status.attrs["flag_meanings"].split()
    assert len(rows) == np.prod(SHAPE) * 2
    for k in (0, 17, len(rows) - 1):
        index = np.unravel_index(k, (*SHAPE, 2))
        row = rows[k]
        assert float(row["alpha"]) == data.alpha.values[index[0]]
        assert row["threshold"] == data.threshold.values[index[3]]
        assert float(row["t_train"]) == data.t_train.values[index]
        assert float(row["final_loss_train"]) == data.final_loss_train.values[index[:3]]
        found = data.t_test.values[index]
        assert (float(row["t_test"]) == found) if np.isfinite(found) else row["t_test"] == ""
        assert row["t_test_status"] == words[data.t_test_status.values[index]]


def test_on_paper_there_are_no_buttons(page):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not page.find_element(By.ID, "copy").is_displayed()
    assert page.find_element(By.ID, "map").is_displayed()
    assert page.find_element(By.ID, "experiment").is_displayed()
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@contextmanager
def opened(driver, path):
    driver.get(path.as_uri())
    yield driver
    assert driver.get_log("browser") == []


def test_a_sweep_over_one_axis_is_a_line(driver, stored, tmp_path):
    write_page(stored((7,), 12), tmp_path / "line.html", "line")
    with opened(driver, tmp_path / "line.html") as page:
        choose(page, "quantity", "final_loss_train")
        assert len(page.find_elements(By.CSS_SELECTOR, "#map circle")) == 7
        page.find_element(By.ID, "map").send_keys(Keys.ARROW_RIGHT)
        assert page.find_element(By.ID, "place").text.startswith("alpha 0.21544")
