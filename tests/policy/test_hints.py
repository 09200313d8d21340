"""What a response says about when to come back, and everything it might say instead."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchlab.policy.hints import LONGEST, clock_ahead, has_quota, retry_after, until_reset

NOW = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)
WALL = NOW.timestamp()
NAMES = [
    "retry-after", "retry-after-ms", "x-ratelimit-remaining", "x-ratelimit-reset", "x-rate-limit-remaining",
    "x-rate-limit-reset", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
    "ratelimit-remaining", "ratelimit-reset",
]  # fmt: skip

numbers = st.one_of(st.integers(), st.floats()).map(str)
durations = st.lists(
    st.tuples(st.integers(0, 10**6), st.sampled_from(["ms", "s", "m", "h", "d", "", "w"])), max_size=4
).map(lambda parts: "".join(f"{amount}{unit}" for amount, unit in parts))
dates = st.one_of(
    st.datetimes().map(lambda when: when.strftime("%a, %d %b %Y %H:%M:%S GMT")),
    st.datetimes().map(lambda when: when.strftime("%c")),
    st.from_regex(r"[A-Z][a-z]{2},? \d{1,5}[ -][A-Z][a-z]{2}[ -]\d{1,9} \d+:\d+(:\d+)? ?[-+]?[A-Z0-9]{0,12}"),
)
anything = st.one_of(st.text(max_size=40), numbers, durations, dates, st.just("9" * 5000))


def _date(seconds):
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


@given(headers=st.dictionaries(st.sampled_from(NAMES), anything), wall=st.floats(0, 4e9))
def test_whatever_is_said_gives_a_wait_that_can_be_meant_or_none(headers, wall):
    """A hint comes from a stranger: it must never raise, stop a run for years, or turn time back."""
    for ask in (retry_after, until_reset):
        seconds = ask(headers, wall)
        assert seconds is None or 0 < seconds <= LONGEST
    assert has_quota(headers) in (True, False)


@given(seconds=st.integers(1, int(LONGEST)))
def test_seconds_and_dates_say_the_same(seconds):
    """RFC 9110 section 10.2.3 allows both."""
    assert retry_after({"retry-after": str(seconds)}, WALL) == seconds
    assert retry_after({"retry-after": _date(seconds)}, WALL) == pytest.approx(seconds, abs=1)


@pytest.mark.parametrize(
    "said",
    [
        "", " ", "0", "-1", "-0", "99999999", "1e3", "NaN", "inf", "soon", "3 s", "0x10", "1,5", "½", "٣x",
        "💤", "\x00", "86401", "Sun, 99 Foo 2026 99:99:99 GMT", "0001-01-01", _date(-1), _date(-1e6),
        _date(0), _date(LONGEST + 60), "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
        "Sun, 01 Nov 2026 12:00:30 +99999999999",
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_no_hint(said):
    """0, the past, years and garbage would stop the host or hammer it."""
    assert retry_after({"retry-after": said}, WALL) is None


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7), (" 7 ", 7), ("1.5", 1.5), ("007", 7), ("86400", 86400), (_date(90), 90)],
)
def test_what_is_meant_is_understood(said, seconds):
    """Servers write it with blanks, zeros and fractions."""
    assert retry_after({"retry-after": said}, WALL) == pytest.approx(seconds, abs=1)


@pytest.fixture
def far_from_greenwich():
    """The process's time zone, ten hours off."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "XXX-10"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.__setitem__("TZ", before)
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the platform cannot change its zone")
@pytest.mark.parametrize(
    "said",
    [
        "Sun, 01 Nov 2026 12:01:30 GMT",
        "Sunday, 01-Nov-26 12:01:30 GMT",
        "Sun Nov  1 12:01:30 2026",
        "Sun, 01 Nov 2026 12:01:30 -0000",
        "Sun, 01 Nov 2026 12:01:30",
    ],
)
@pytest.mark.usefixtures("far_from_greenwich")
def test_http_dates_are_in_greenwich_wherever_we_are(said):
    """RFC 9110 section 5.6.7: all three forms are UTC, also the one that does not say so."""
    assert retry_after({"retry-after": said}, WALL) == pytest.approx(90)


def test_milliseconds_are_more_exact_and_win():
    """OpenAI and Azure send both; the rounded one costs up to a second."""
    assert retry_after({"retry-after-ms": "250", "retry-after": "1"}, WALL) == 0.25
    assert retry_after({"retry-after-ms": "0", "retry-after": "1"}, WALL) == 1
    assert retry_after({"retry-after-ms": "junk", "retry-after": "1"}, WALL) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "12"}, 12),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(WALL) + 30)}, 30),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str((int(WALL) + 30) * 1000)}, 30),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(WALL) + 5)}, 5),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1h2m3s"}, 3723),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "120ms"}, 0.12),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "7.66s"}, 7.66),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "3"}, 3),
        ({"ratelimit-remaining": "0", "ratelimit-reset": _date(3)}, 3),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "12"}, None),
        ({"x-ratelimit-remaining": "0"}, None),
        ({"x-ratelimit-reset": "12"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "6m0x"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(WALL) - 5)}, None),
        ({"x-ratelimit-remaining": "few", "x-ratelimit-reset": "12"}, None),
    ],
    ids=str,
)
def test_a_quota_that_is_used_up_says_when_it_is_given_anew(headers, seconds):
    """GitHub, X and OpenAI each say it their own way; one with something left asks for no rest."""
    assert until_reset(headers, WALL) == pytest.approx(seconds) if seconds else not until_reset(headers, WALL)
    assert retry_after(headers, WALL) == until_reset(headers, WALL)


def test_retry_after_is_believed_before_a_quota():
    """It is about this very request, the quota about all of them."""
    headers = {"retry-after": "2", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}
    assert retry_after(headers, WALL) == 2
    assert retry_after({**headers, "retry-after": "junk"}, WALL) == 60


class _Bytes(dict):
    """As the wire's headers are: what is no text is found out when it is asked for."""

    def get(self, name, default=None):
        value = super().get(name, default)
        return value.decode("ascii") if isinstance(value, bytes) else value


def test_a_header_that_is_no_text_is_no_hint():
    """Asked for in the scheduler, it would raise there and end the whole run."""
    odd = "é".encode("latin-1")
    assert retry_after(_Bytes({"retry-after": odd, "retry-after-ms": odd}), WALL) is None
    assert retry_after(_Bytes({"retry-after": "3", "retry-after-ms": odd}), WALL) == 3
    assert until_reset(_Bytes({"x-ratelimit-remaining": "0", "x-ratelimit-reset": odd}), WALL) is None
    assert until_reset(_Bytes({"x-ratelimit-remaining": odd, "x-ratelimit-reset": "3"}), WALL) is None


def test_no_headers_are_no_hint():
    """An error made by hand has none."""
    assert retry_after(None, WALL) is None
    assert retry_after({}, WALL) is None
    assert not has_quota({})
    assert has_quota({"x-ratelimit-remaining": "17"})


def test_a_servers_clock_is_read_from_its_date():
    """Moments that a service tells are on its own clock."""
    headers = {"date": "Sun, 06 Nov 1994 08:49:37 GMT"}
    assert clock_ahead(headers, 784111777.0 + 30) == -30
    assert clock_ahead({}, 1e9) == 0.0
    assert clock_ahead({"date": "soon"}, 1e9) == 0.0
