"""robots.txt: asked once per host, heeded, and never a reason to lose or to storm."""

from __future__ import annotations

import httpx
import pytest

import fetchlab as fl
from fetchlab import loop
from fetchlab.transport.robots import Robots

ONCE = fl.Retry(attempts=1)
RULES = b"User-agent: *\nDisallow: /private\nCrawl-delay: 2.5\n\nUser-agent: mybot\nDisallow: /mine\n"


def outcomes(run):
    return [type(result.error).__name__ if result.error else "ok" for result in run.results()]


def test_what_it_forbids_is_that_items_error(client_of, site):
    """A forbidden page fails under its own key without being asked for; the others arrive."""
    site.pages["/robots.txt"] = (200, {}, RULES)
    urls = [f"{site.url}{path}" for path in ("/a", "/private/x", "/mine", "/robots.txt", "/b")]
    run = fl.fetch(urls, client=client_of(robots=True), workers=4)
    assert outcomes(run) == ["ok", "Disallowed", "ok", "ok", "ok"]
    error = run.results()[1].error
    assert (error.key, error.attempts) == (f"GET {urls[1]}", 1)
    assert isinstance(error, fl.errors.TransportError)
    assert site.asked("/private/x") == 0
    assert run.errors()["knob"].to_list() == ["robots of fl.Client"]


def test_nobody_asks_unless_told(client_of, site):
    """A request to one's own service needs no leave, and no second request."""
    site.pages["/robots.txt"] = (200, {}, RULES)
    assert outcomes(fl.fetch([f"{site.url}/private"], client=client_of())) == ["ok"]
    assert site.asked("/robots.txt") == 0


def test_the_clients_name_decides(client_of, site):
    """Rules for one robot are not rules for another."""
    site.pages["/robots.txt"] = (200, {}, RULES)
    urls = [f"{site.url}/private", f"{site.url}/mine"]
    for name in ("mybot", "mybot/1.0 (+http://example.org)", "MyBot/2"):
        for knobs in ({"user_agent": name}, {"headers": {"user-agent": name}}):
            run = fl.fetch(urls, client=client_of(robots=True, **knobs))
            assert outcomes(run) == ["ok", "Disallowed"], name


def test_a_hundred_askers_one_question(client_of, site):
    """A question per worker would be a storm at the start of every run, and one per run afterwards."""
    site.pages["/robots.txt"] = (200, {}, RULES)
    client = client_of(robots=True)
    site.hold.clear()
    run = fl.fetch([f"{site.url}/{n}" for n in range(100)], client=client, workers=100)
    assert site.arrived.wait(30)
    site.hold.set()
    assert run.wait().stats().ok == 100
    assert site.seen[0][0] == "/robots.txt"
    assert fl.fetch([f"{site.url}/again"], client=client).wait().stats().ok == 1
    assert site.asked("/robots.txt") == 1


def test_hosts_have_their_own(client_of, site, other_site):
    """The port is part of the host (RFC 9309 section 2.3)."""
    site.pages["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /\n")
    run = fl.fetch([f"{site.url}/a", f"{other_site.url}/a"], client=client_of(robots=True))
    assert outcomes(run) == ["Disallowed", "ok"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_no_robots_txt_allows_everything(client_of, site, status):
    """RFC 9309 section 2.3.1.3; many sites have none."""
    site.pages["/robots.txt"] = (status, {}, RULES)
    run = fl.fetch([f"{site.url}/private"], client=client_of(robots=True))
    assert outcomes(run) == ["ok"]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_one_that_cannot_be_had_forbids_everything(client_of, site, status):
    """RFC 9309 section 2.3.1.4; the item may be tried again, the host is not asked for each of them."""
    site.pages["/robots.txt"] = (status, {}, b"")
    run = fl.fetch(
        [f"{site.url}/{n}" for n in range(20)],
        client=client_of(robots=True),
        retry=fl.Retry(attempts=2, base=0),
    )
    assert outcomes(run) == ["Disallowed"] * 20
    assert {result.attempts for result in run.results()} == {2}
    assert f"HTTP {status}" in str(run.results()[0].error)
    assert {path for path, _ in site.seen} == {"/robots.txt"}
    assert site.asked("/robots.txt") <= 2


def test_an_unreachable_host(client_of, refused):
    """The message says what is wrong with the host, not only that robots.txt is missing."""
    (result,) = fl.fetch([f"{refused}x"], client=client_of(robots=True), retry=ONCE).results()
    assert isinstance(result.error, fl.errors.Disallowed)
    assert "ConnectFailed" in str(result.error)


def test_a_url_that_is_none_fails_as_without(client_of):
    """Robots have no say about a typing error."""
    run = fl.fetch(["no url", "ftp://h/x", "http://[::1"], client=client_of(robots=True), retry=ONCE)
    assert outcomes(run) == ["TransportError"] * 3


def test_its_redirects_are_followed(client_of, site, other_site):
    """RFC 9309 section 2.3.1.2: five at least, also to another host, without asking that one for leave."""
    for n in range(5):
        site.pages[f"/{n or 'robots.txt'}"] = (302, {"Location": f"/{n + 1}"}, b"")
    site.pages["/5"] = (301, {"Location": f"{other_site.url}/rules"}, b"")
    other_site.pages["/rules"] = (200, {}, RULES)
    run = fl.fetch([f"{site.url}/private", f"{site.url}/a"], client=client_of(robots=True))
    assert outcomes(run) == ["Disallowed", "ok"]
    assert other_site.asked("/robots.txt") == 0


def test_a_robots_txt_in_a_circle_allows_everything(client_of, site):
    """RFC 9309 section 2.3.1.2: as if there were none."""
    site.pages["/robots.txt"] = (302, {"Location": "/robots.txt"}, b"")
    assert outcomes(fl.fetch([f"{site.url}/private"], client=client_of(robots=True))) == ["ok"]


def test_a_redirect_asks_the_host_it_leads_to(client_of, site, other_site):
    """Otherwise a short link would lead past every robots.txt."""
    site.pages["/short"] = (302, {"Location": f"{other_site.url}/private"}, b"")
    other_site.pages["/robots.txt"] = (200, {}, RULES)
    (result,) = fl.fetch([f"{site.url}/short"], client=client_of(robots=True), retry=ONCE).results()
    assert isinstance(result.error, fl.errors.Disallowed)
    assert other_site.asked("/private") == 0


def test_the_crawl_delay_is_told(client_of, site, other_site):
    """A scheduler can only keep the distance that it knows."""
    site.pages["/robots.txt"] = (200, {}, RULES)
    client = client_of(robots=True)
    assert client.crawl_delay(site.url) is None
    fl.fetch([f"{site.url}/a", f"{other_site.url}/a"], client=client).wait()
    assert client.crawl_delay(site.url) == client.crawl_delay(f"{site.url}/a?b") == 2.5
    assert client.crawl_delay(other_site.url) is None
    client.close()
    assert client.crawl_delay(site.url) is None
    assert client_of().crawl_delay(site.url) is None


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + RULES,
        b"\xff\xfe\x00 rubbish\n" + RULES,
        b"<html>not found</html>\n" + RULES,
        RULES.replace(b"\n", b"\r\n"),
        RULES + b"# x\n" * 300_000,
        b"User-agent: *\n" + b"Disallow: /no/*/x$\n" * 3_000 + b"Disallow: /private\n",
    ],
    ids=["bom", "rubbish", "html", "crlf", "a megabyte", "many rules"],
)
def test_odd_files(client_of, site, body):
    """Files in the wild are edited by hand, saved by anything, and some are large."""
    site.pages["/robots.txt"] = (200, {}, body)
    run = fl.fetch([f"{site.url}/private", f"{site.url}/a"], client=client_of(robots=True))
    assert outcomes(run) == ["Disallowed", "ok"]


def test_cancelling_the_first_asker_leaves_the_others(client_of, site):
    """The question belongs to the client: another run must not fail because the first one was cancelled."""
    site.pages["/robots.txt"] = (200, {}, RULES)
    client = client_of(robots=True)
    site.hold.clear()
    first = fl.fetch([f"{site.url}/1"], client=client)
    assert site.arrived.wait(30)
    second = fl.fetch([f"{site.url}/2"], client=client)
    assert first.cancel().wait(timeout=20).stats().errors == {"Cancelled": 1}
    site.hold.set()
    assert second.wait(timeout=20).stats().ok == 1
    assert site.asked("/robots.txt") == 1


def test_closing_while_asking(client_of, site):
    """The client must close although a host never answers."""
    client = client_of(robots=True)
    site.hold.clear()
    run = fl.fetch([f"{site.url}/1"], client=client, retry=ONCE)
    assert site.arrived.wait(30)
    client.close()
    assert run.wait(timeout=20).stats().failed == 1


def test_a_users_own_client(site):
    """Its headers say who asks."""
    site.pages["/robots.txt"] = (200, {}, RULES)
    theirs = httpx.AsyncClient(headers={"User-Agent": "mybot/7"})
    run = fl.fetch(
        [f"{site.url}/mine", f"{site.url}/private"], client=fl.Client(theirs, robots=True), retry=ONCE
    )
    assert outcomes(run) == ["Disallowed", "ok"]
    loop.submit(theirs.aclose()).result(30)


class Asking:
    """Robots under a clock that a test moves."""

    def __init__(self, site, client):
        self.now = 0.0
        self._robots = Robots("bot", lambda: self.now)
        self._url, self._client = site.url, client

    def may(self, path="/private"):
        return loop.submit(self._may(path)).result(30)

    async def _may(self, path):
        try:
            await self._robots.check(fl.Request(self._url + path), self._client.wire, fl.Timeout())
        except fl.errors.Disallowed:
            return False
        return True


def test_it_holds_for_a_day(client_of, site):
    """RFC 9309 section 2.4: no longer than 24 hours."""
    asking = Asking(site, client_of())
    assert asking.may()
    site.pages["/robots.txt"] = (200, {}, RULES)
    asking.now = 86_399
    assert asking.may()
    asking.now = 86_401
    assert not asking.may()
    assert site.asked("/robots.txt") == 2


def test_an_old_one_outlives_an_outage(client_of, site):
    """RFC 9309 section 2.4 again: what was known is better than nothing, in either direction."""
    asking = Asking(site, client_of())
    site.pages["/robots.txt"] = (200, {}, RULES)
    assert not asking.may()
    site.pages["/robots.txt"] = (503, {}, b"")
    asking.now = 90_000
    assert (asking.may("/a"), asking.may("/private")) == (True, False)
    assert site.asked("/robots.txt") == 2
    site.pages["/robots.txt"] = (404, {}, b"")
    asking.now += 2
    assert asking.may("/private")


def test_a_failing_host_is_asked_less_and_less(client_of, site):
    """Once per item would be the storm that an outage needs least; never again would lose the host."""
    asking = Asking(site, client_of())
    site.pages["/robots.txt"] = (500, {}, b"")
    moments = []
    for second in range(64):
        asking.now = float(second)
        before = site.asked("/robots.txt")
        assert not asking.may()
        if site.asked("/robots.txt") > before:
            moments.append(second)
    assert moments == [0, 1, 3, 7, 15, 31, 63]
    site.pages.clear()
    asking.now = 1e6
    assert asking.may()
