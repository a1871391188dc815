"""What the hub wrote in its own words is said in the reader's language; so is everything after logging in."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from medloom.interfaces.web.telling import hold_words
from medloom.parties.models import User
from tests.browser.network import PASSWORD, Network, build, sequence
from tests.journeys.test_intake import LOTS, WHY, filled, send, words
from tests.journeys.visiting import visitor

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def net(transactional_db: None) -> Network:
    return build()


def enter(client: Client, name: str) -> Any:
    return client.post("/login/", {"username": name, "password": PASSWORD})


def spoken(client: Client) -> str:
    return str(client.cookies["django_language"].value)


def test_the_cause_of_a_hold_is_said_in_the_readers_language() -> None:
    with translation.override("zh-hans"):
        assert (
            hold_words("step record S-1: after_hold, lot_held")
            == "工序记录 S-1: 在冻结之后进行, 该批次已冻结"
        )
        assert "检验结果 R: 2" in hold_words("result R: 2: out_of_limits")
        assert "out_of_limits" not in hold_words("result R: 2: out_of_limits")
        assert "block_lot" not in hold_words("block_lot failed for result R-1")
        told = hold_words("receipt RC: 1: tied to R-1, held by H-1, H-2")
        assert all(word in told for word in ("收货", "RC: 1", "R-1", "H-1, H-2")) and "tied" not in told
        assert hold_words("a crack: look at it") == "a crack: look at it", "what a person wrote stays"


def test_lists_pages_and_exports_of_holds_name_no_codes(net: Network) -> None:
    act = net.act
    fields = {
        "number": "step-1",
        "lot": "RM-2611-77",
        "cause": "step record S-9: lot_held, parameter_out_of_limits",
    }
    net.registrant(act.create("hold", site="SZ", fields=fields))
    anna = visitor("anna")
    anna.cookies["django_language"] = "zh-hans"
    for address in (reverse("web:list", args=["hold"]), reverse("web:scope")):
        page = words(anna.get(address))
        assert "parameter_out_of_limits" not in page and "工序记录 S-9" in page, address


def test_a_plant_that_sends_by_hand_has_been_heard(net: Network) -> None:
    lin = visitor("lin")
    address = send(lin, filled(lin, "lot", LOTS[:1]))["Location"]
    lin.post(f"{address}record/", WHY)
    sequence()
    anna = visitor("anna")
    assert "Last sent by hand" in anna.get("/connections/").content.decode()
    assert "by hand," in words(anna.get("/"))


def test_after_logging_in_the_persons_language_is_spoken(net: Network) -> None:
    first = Client(headers={"accept-language": "en"})
    enter(first, "anna")
    assert spoken(first) == "en", "who never chose keeps the language of the login page"
    chooses = Client()
    chooses.post("/language/", {"language": "en"})
    enter(chooses, "anna")
    assert spoken(chooses) == "en" and User.objects.get(username="anna").language == "en"
    elsewhere = Client(headers={"accept-language": "zh-CN"})
    elsewhere.cookies["django_language"] = "zh-hans"
    enter(elsewhere, "anna")
    assert spoken(elsewhere) == "en", "the person's own choice, whoever used this browser before"
