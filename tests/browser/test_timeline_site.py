"""The timeline's site in a real Chromium: what a reader, and therefore a collector, meets there."""

from __future__ import annotations

import json
import re

import pytest

pytestmark = pytest.mark.browser

READ = """article => {
  const text = article.querySelector('[data-testid=tweetText]');
  const own = text && !text.closest('[role=link][tabindex]') ? text : null;
  const said = node => [...node.childNodes].map(one => one.nodeName === 'IMG' ? one.alt
    : one.nodeName === 'A' && one.href.startsWith('https://t.co/') ? one.href : one.textContent).join('');
  const time = article.querySelector('a[href*="/status/"] > time');
  const quote = article.querySelector('div[role=link][tabindex="0"]');
  return {
    path: time && time.parentNode.getAttribute('href'),
    moment: time && time.getAttribute('datetime'),
    text: own ? said(own) : '',
    cut: Boolean(article.querySelector('[data-testid=tweet-text-show-more-link]')),
    social: article.querySelector('[data-testid=socialContext]')?.textContent ?? null,
    promoted: Boolean(article.closest('[data-testid=placementTracking]')),
    quote: quote && said(quote.querySelector('[data-testid=tweetText]') ?? document.createElement('p')),
    links: quote ? quote.querySelectorAll('a').length : 0,
    photos: article.querySelectorAll('a[href*="/photo/"] > div[data-testid=tweetPhoto] img').length,
    counts: article.querySelector('div[role=group]').getAttribute('aria-label'),
  };
}"""
WALK = """async read => {
  const seen = [], frame = () => new Promise(requestAnimationFrame);
  let most = 0, still = 0;
  await frame(); await frame();
  while (still < 4) {
    const articles = [...document.querySelectorAll('section[role=region] article[data-testid=tweet]')];
    most = Math.max(most, articles.length);
    seen.push(...articles.map(eval(read)));
    const before = scrollY;
    scrollBy(0, 1200);
    await frame(); await frame();
    still = scrollY === before && !document.querySelector('[role=progressbar]') ? still + 1 : 0;
  }
  const rows = [...document.querySelectorAll('div[aria-label^="Timeline"] > div[data-testid=cellInnerDiv]')];
  return {seen, most, height: document.documentElement.scrollHeight, placed: rows.every(
    row => getComputedStyle(row).position === 'absolute' && row.style.transform.startsWith('translateY('))};
}"""
DOCUMENTS = "() => performance.getEntriesByType('navigation').length + ' ' + performance.timeOrigin"


@pytest.fixture
def site(page, bed):
    """``site(path)`` opens an address and waits for the first post; `.page` is Playwright's."""
    root = bed.urls["timeline"]
    page.page.set_viewport_size({"width": 1000, "height": 900})

    def opened(path, wait="article"):
        page.page.goto(root + path)
        page.page.locator(wait).first.wait_for()
        return page.page

    opened.page, opened.watched = page.page, page
    yield opened
    assert page.said == [] or "status of" in page.said[0]


@pytest.fixture(scope="module")
def truth(_bed_process):
    return _bed_process.truth("timeline")


@pytest.fixture(scope="module")
def user(truth):
    return truth["users"][4]


@pytest.fixture(scope="module")
def posts(truth, user):
    return {post["id"]: post for post in truth["posts"].of(user["handle"])}


def number(path):
    return int(re.search(r"/status/(\d+)$", path).group(1))


def test_a_walk_to_the_end_meets_every_post_and_few_at_a_time(site, user, posts):
    """Recall is measured against this: what is shown is complete, and gone again a moment later."""
    site.page.set_viewport_size({"width": 1280, "height": 1600})
    walked = site(f"/{user['handle']}").evaluate(WALK, READ)
    assert walked["placed"]
    assert walked["most"] < 30
    assert walked["height"] > 20_000
    bought = [post for post in walked["seen"] if post["promoted"]]
    assert bought
    assert all(post["path"] is None for post in bought)
    seen = {number(post["path"]): post for post in walked["seen"] if not post["promoted"]}
    shown = [post for post in posts.values() if post["where"] == "timeline"]
    assert set(seen) == {(post["repost"] or post)["id"] for post in shown}
    for post in shown:
        as_shown(seen[(post["repost"] or post)["id"]], post)
    social = [post["social"] for post in seen.values() if post["social"]]
    assert set(social) == {f"{user['name']} reposted"} | ({"Pinned"} & set(social))
    assert [p for p in walked["seen"] if p["social"] == "Pinned"]
    asked = {re.match(r"https?://[^/]+", url).group() for url in site.watched.asked}
    assert len(asked) == 2, "the site asks its own hosts alone"


def as_shown(seen, post):
    """A post as it was read from the page, against the truth."""
    told = post["repost"] or post
    assert seen["moment"] == told["created_at"]
    if told["long"]:
        assert seen["cut"]
        assert seen["text"].endswith("…")
        assert told["text"].startswith(seen["text"][:-1])
    else:
        assert (seen["text"], seen["cut"]) == (told["text"], False)
    assert seen["photos"] == sum(one["kind"] == "photo" for one in told["media"])
    if post["quote"] and not post["quote"]["gone"]:
        assert seen["links"] == 0
        assert len(seen["quote"]) <= (128 if post["quote"]["media"] else 280) or post["quote"]["links"]
    if not post["repost"]:
        assert f"{post['views']} views" in seen["counts"]


def test_a_quote_leads_to_its_post_and_back(site, truth, bed):
    """The full text and the media are behind a click that loads no document; back is where one was."""
    known = truth["posts"].of(truth["users"][1]["handle"])
    head = next(p for p in known if p["quote"] and len(p["quote"].get("text", "")) > 400)
    page = site(f"/{head['user']}/status/{head['id']}", "article div[role=link]")
    quoted = head["quote"]
    quote = page.locator("article div[role=link][tabindex='0']").first
    assert quote.locator("[data-testid=tweetText]").inner_text().endswith("…")
    before = page.evaluate(DOCUMENTS)
    quote.click()
    page.wait_for_url(f"**/{quoted['user']}/status/{quoted['id']}")
    focal = page.locator("article[tabindex='-1']")
    focal.wait_for()
    read = focal.evaluate(READ)
    assert (read["text"], read["cut"]) == (quoted["text"], False)
    assert page.evaluate(DOCUMENTS) == before
    assert bed.counters("timeline")["by_route"]["GET /{user}/status/{id}"] == 1


def test_back_is_where_one_was(site, user):
    """A collector that loses its place reads everything twice, or half of it."""
    page = site(f"/{user['handle']}")
    page.evaluate("""async () => { for (let n = 0; n < 8; n += 1) {
      scrollBy(0, 600); await new Promise(done => setTimeout(done, 60)); } }""")
    there = page.evaluate("scrollY")
    assert there > 2_000
    before = page.locator("article").evaluate_all(f"all => all.map({READ})")
    link = page.locator("article a:has(> time)").nth(3)
    href = link.get_attribute("href")
    link.click()
    page.locator("article[tabindex='-1']").wait_for()
    assert page.url.endswith(href)
    page.go_back()
    page.locator("article[tabindex='0']").first.wait_for()
    assert page.evaluate("scrollY") == there
    assert page.locator("article").evaluate_all(f"all => all.map({READ})") == before


def scrolled_to(page, wanted):
    """Scroll down until it is there."""
    for _ in range(80):
        if wanted.count():
            return wanted.first
        page.mouse.wheel(0, 500)
        page.wait_for_timeout(25)
    raise AssertionError("it did not come")


def test_long_posts_unfold_and_stay_so(site, truth):
    """What was cut is there after a click, and still there when the row comes back."""
    newest = [post for user in truth["users"][1:30] for post in truth["posts"].of(user["handle"])[:10]]
    post = next(p for p in newest if p["long"] and p["kind"] == "post" and not p["media"])
    page = site(f"/{post['user']}")
    page.set_viewport_size({"width": 1280, "height": 500})
    page.mouse.move(600, 300)
    article = scrolled_to(page, page.locator(f"article:has(a[href$='/status/{post['id']}'])"))
    article.locator("[data-testid=tweet-text-show-more-link]").click()
    assert article.evaluate(READ)["text"] == post["text"]
    top = page.evaluate("scrollY")
    page.evaluate("scrollTo(0, 0)")
    article.wait_for(state="detached")
    page.evaluate(f"scrollTo(0, {top})")
    article.wait_for()
    assert article.evaluate(READ)["text"] == post["text"]


def test_a_thread_is_shown_in_part(site, truth):
    """The timeline has its first post and its latest two, and a link to all."""
    newest = [post for user in truth["users"][1:30] for post in truth["posts"].of(user["handle"])[:8]]
    handle = next(post["user"] for post in newest if len(post["thread"]) > 3)
    page = site(f"/{handle}")
    page.mouse.move(600, 300)
    scrolled_to(page, page.get_by_text("Show this thread")).click()
    page.wait_for_url(f"**/{handle}/status/*")
    focal = page.locator("article[tabindex='-1']")
    focal.wait_for()
    head = next(p for p in truth["posts"].of(handle) if p["id"] == number(focal.evaluate(READ)["path"]))
    assert head["thread"][0] == head["id"]
    assert len(head["thread"]) > 3


def test_a_threads_page_has_all_of_it(site, truth):
    """In order; the last posts of a long one come only when asked for."""
    handle = truth["users"][1]["handle"]
    thread = max((post["thread"] for post in truth["posts"].of(handle)[:500]), key=len)
    assert len(thread) > 8
    page = site(f"/{handle}/status/{thread[0]}")
    page.mouse.move(600, 300)
    scrolled_to(page, page.locator("button", has_text="Show replies")).click()
    page.locator("button", has_text="Show replies").wait_for(state="detached")
    page.evaluate("scrollTo(0, 0)")
    seen = [number(post["path"]) for post in page.evaluate(WALK, READ)["seen"]]
    assert [one for one in dict.fromkeys(seen) if one in thread] == thread


def test_a_video_plays_from_its_parts(site, truth):
    """Its element tells nothing but a blob; the wire tells playlists and parts, and a GIF its file."""
    found = {}
    for post in truth["posts"][20_000:21_000]:
        if post["media"] and post["kind"] == "post":
            found.setdefault(post["media"][0]["kind"], post)
    post = found["video"]
    page = site(f"/{post['user']}/status/{post['id']}", "video")
    page.wait_for_function("document.querySelector('video').currentTime > 0.2")
    video = page.locator("[data-testid=videoPlayer] video")
    assert video.get_attribute("src").startswith("blob:")
    assert video.get_attribute("poster") == post["media"][0]["picture"]
    of_it = [url for url in site.watched.asked if f"/amplify_video/{post['media'][0]['id']}/" in url]
    assert of_it[0] == post["media"][0]["playlist"]
    assert [re.search(r"\.\w+(?=$|\?)", url).group() for url in of_it[:4]] == [
        ".m3u8",
        ".m3u8",
        ".mp4",
        ".m4s",
    ]
    gif = found["gif"]
    page = site(f"/{gif['user']}/status/{gif['id']}", "video")
    assert page.locator("video").first.get_attribute("src") == gif["media"][0]["url"]
    page.wait_for_function("document.querySelector('video').readyState > 1")


def test_files_are_what_they_say(site, truth):
    """A decoder agrees with the payload about sizes and lengths; a broken file would play nowhere."""
    page = site(f"/{truth['users'][6]['handle']}")
    media = [one for post in truth["posts"].of(truth["users"][6]["handle"]) for one in post["media"]]
    files = [size for one in media for size in one["variants"]]
    seconds = [one["seconds"] or 3 for one in media for _ in one["variants"]]
    assert len(files) > 3
    played = page.evaluate(
        """urls => Promise.all(urls.map(url => new Promise((done, failed) => {
          const video = document.createElement('video');
          video.onloadeddata = () => done([video.videoWidth, video.videoHeight, video.duration]);
          video.onerror = () => failed(new Error(url));
          video.src = url; })))""",
        [size["url"] for size in files],
    )
    assert played == [[f["width"], f["height"], s] for f, s in zip(files, seconds, strict=True)]
    pictures = page.evaluate(
        """urls => Promise.all(urls.map(async url => {
          const image = new Image(); image.src = url; await image.decode(); return image.naturalWidth; }))""",
        [one["picture"] for one in media],
    )
    assert all(width > 40 for width in pictures)


def test_a_failed_page_is_a_cell_with_a_button(site, bed, user, posts):
    """The list ends there until the button is pressed, and then goes on where it was."""
    page = site(f"/{user['handle']}")
    page.mouse.move(600, 300)
    bed.configure("timeline", error_rate={503: 1.0})
    cell = page.locator("[data-testid=cellInnerDiv]", has_text="Something went wrong. Try reloading.")
    scrolled_to(page, cell)
    bed.configure("timeline", error_rate={})
    last = number(page.locator("article").last.evaluate(READ)["path"])
    cell.get_by_role("button", name="Retry").click()
    cell.wait_for(state="detached")
    shown = [post for post in posts.values() if post["where"] == "timeline"]
    after = [(post["repost"] or post)["id"] for post in shown]
    following = after[after.index(last) + 1]
    page.locator(f"article:has(a[href$='/status/{following}'])").first.wait_for()


def test_a_login_is_asked_for(site, bed, user):
    """After some posts by a sheet over them; at once by another page."""
    bed.configure("timeline", login_wall=15)
    page = site(f"/{user['handle']}")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    page.locator("[data-testid=sheetDialog][role=dialog]").wait_for()
    assert page.locator("article").count() > 0
    bed.configure("timeline", login_wall=0)
    page = site(f"/{user['handle']}", "[data-testid=sheetDialog]")
    assert "/i/flow/login?" in page.url
    assert page.locator("article").count() == 0


def test_closed_doors_say_which_they_are(site, truth):
    """Four reasons for no posts, and none of them is a failure of the collector."""
    for state, said in (
        ("unknown", "This account doesn’t exist"),
        ("suspended", "Account suspended"),
        ("protected", "These posts are protected"),
        ("empty", "@{handle} hasn’t posted"),
    ):
        handle = next((u["handle"] for u in truth["users"] if u["state"] == state), "nobody_here")
        page = site(f"/{handle}", "[data-testid=empty_state_header_text]")
        told = page.locator("[data-testid=empty_state_header_text]").inner_text()
        assert told == said.format(handle=handle)
        assert page.locator("article").count() == 0


def test_markup_may_be_renamed(site, bed, user):
    """A new version of the site: the same page, other test ids; who selects on them must notice."""
    bed.configure("timeline", markup="renamed")
    page = site(f"/{user['handle']}")
    assert page.locator("article").count() > 0
    for name in ("tweet", "cellInnerDiv", "tweetText", "User-Name"):
        assert page.locator(f"[data-testid={json.dumps(name)}]").count() == 0
    assert page.locator("article[data-testid]").count() > 0


def test_the_page_survives_a_reload_of_a_posts_address(site, posts, user):
    """A collector opens posts in a second tab, where nothing was clicked before."""
    post = next(
        post for post in posts.values() if len(post["thread"]) > 3 and post["thread"][2] == post["id"]
    )
    page = site(f"/{user['handle']}/status/{post['id']}", "article[tabindex='-1']")
    assert page.locator("article[tabindex='-1']").evaluate(READ)["path"].endswith(f"/{post['id']}")
    above = page.locator("article[tabindex='0']").first.evaluate(READ)["path"]
    assert number(above) == post["thread"][0]
    page.reload()
    page.locator("article[tabindex='-1']").wait_for()
    missing = site(f"/{user['handle']}/status/123", "[data-testid=empty_state_header_text]")
    assert "doesn’t exist" in missing.locator("[data-testid=empty_state_header_text]").inner_text()
