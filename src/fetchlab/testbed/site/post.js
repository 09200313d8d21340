// A post as an article, with what it quotes.

const QUOTED = 280;
const QUOTED_BESIDE_MEDIA = 128;

function author(post) {
  const user = post.core.user_results.result;
  return { ...user.core, image: user.avatar.image_url, verified: user.is_blue_verified };
}

// `cell` remembers what readers have unfolded while its row is away.
function postElement(result, cell, { focal = false, social = null, promoted = false, line = false } = {}) {
  const reposted = result.legacy.retweeted_status_result?.result;
  const post = reposted ?? result;
  const by = author(post);
  const path = `/${by.screen_name}/status/${post.rest_id}`;
  const context = reposted ? `${author(result).name} reposted` : social;
  const aside = element(
    "a",
    { href: `/${by.screen_name}`, class: line ? "aside line" : "aside", tabindex: "-1" },
    portrait(by),
  );
  const answers = post.legacy.in_reply_to_screen_name;
  const body = element(
    "div",
    { class: "body" },
    userName(post, { path: focal || promoted ? null : path, links: true, promoted }),
    answers && answers !== by.screen_name ? replying(answers) : null,
    words(post, cell, focal),
    mediaElement(post),
    quoteElement(post),
    focal
      ? element(
          "div",
          { class: "when" },
          element("a", { href: path }, timeElement(post.legacy.created_at, { long: true })),
        )
      : null,
    actions(post),
  );
  const article = element(
    "article",
    { testid: "tweet", role: "article", tabindex: focal ? "-1" : "0", class: focal ? "post focal" : "post" },
    context ? socialContext(context, reposted) : null,
    element("div", { class: "columns" }, aside, body),
  );
  if (!focal && !promoted) article.addEventListener("click", () => navigate(path));
  return promoted ? element("div", { testid: "placementTracking" }, article) : article;
}

function socialContext(text, repost) {
  return element(
    "div",
    { class: "context" },
    icon(repost ? "retweet" : "pin"),
    element("span", { testid: "socialContext" }, text),
  );
}

function replying(handle) {
  return element(
    "div",
    { class: "replying" },
    "Replying to ",
    element("a", { href: `/${handle}` }, `@${handle}`),
  );
}

function portrait(by) {
  return element("img", { alt: "", class: "portrait", src: by.image });
}

function userName(post, { path, links, promoted = false }) {
  const by = author(post);
  const tag = links ? "a" : "span";
  const href = links ? `/${by.screen_name}` : null;
  const mark = by.verified
    ? element("span", { testid: "icon-verified", class: "verified", "aria-label": "Verified account" }, "✓")
    : "";
  const time = timeElement(post.legacy.created_at);
  const when = promoted
    ? element("span", {}, "Ad")
    : path
      ? element("a", { href: path }, time)
      : links
        ? ""
        : time;
  return element(
    "div",
    { testid: "User-Name", class: "names" },
    element(tag, { href, class: "name" }, plain(by.name), mark),
    element(tag, { href, class: "handle" }, `@${by.screen_name}`),
    when ? element("span", { "aria-hidden": "true", class: "dot" }, "·") : "",
    when,
  );
}

function words(post, cell, focal) {
  const { text, urls } = worded(post, focal || cell.unfolded);
  if (!text) return null;
  const shown = textElement(post, text, urls);
  if (!post.note_tweet || focal || cell.unfolded) return shown;
  const unfold = (event) => {
    event.stopPropagation();
    cell.unfolded = true;
    const whole = worded(post, true);
    button.previousSibling.replaceWith(textElement(post, whole.text, whole.urls));
    button.remove();
  };
  const button = element(
    "button",
    { testid: "tweet-text-show-more-link", class: "more", type: "button", onclick: unfold },
    "Show more",
  );
  return [shown, button];
}

// Inside the article, and no article itself: no links, the text cut, and no address until it is clicked.
function quoteElement(post) {
  if (!post.legacy.is_quote_status) return null;
  const quoted = post.quoted_status_result?.result;
  if (!quoted) return null;
  if (!quoted.legacy)
    return element("div", { class: "quote gone" }, element("span", {}, quoted.tombstone.text.text));
  const open = (event) => {
    event.stopPropagation();
    navigate(`/${author(quoted).screen_name}/status/${quoted.rest_id}`);
  };
  const keyed = (event) => (event.key === "Enter" ? open(event) : null);
  const media = quoted.legacy.extended_entities?.media ?? [];
  const { text, urls } = worded(quoted, true);
  const shown = clamped(text, media.length ? QUOTED_BESIDE_MEDIA : QUOTED);
  return element(
    "div",
    { role: "link", tabindex: "0", class: "quote", onclick: open, onkeydown: keyed },
    element(
      "div",
      { class: "quoted" },
      portrait(author(quoted)),
      userName(quoted, { path: null, links: false }),
    ),
    shown ? textElement(quoted, shown, urls, { links: false }) : null,
    media.length ? element("div", { class: "media media-1" }, thumbnail(media[0])) : null,
  );
}

function thumbnail(one) {
  return one.type === "photo" ? photo(one, null) : still(one);
}

function actions(post) {
  const {
    reply_count: replies,
    retweet_count: reposts,
    favorite_count: likes,
    bookmark_count: bookmarks,
  } = post.legacy;
  const views = Number(post.views?.count ?? 0);
  const counts = [
    [replies, "replies"],
    [reposts, "reposts"],
    [likes, "likes"],
    [bookmarks, "bookmarks"],
    [views, "views"],
  ];
  const label = counts
    .filter(([count]) => count)
    .map(([count, name]) => `${count} ${name}`)
    .join(", ");
  const button = (name, shape, count, what) => {
    const attributes = {
      testid: name,
      type: "button",
      "aria-label": `${count} ${what}`,
      onclick: (event) => event.stopPropagation(),
    };
    return element("button", attributes, icon(shape), element("span", {}, short(count)));
  };
  return element(
    "div",
    { role: "group", class: "actions", "aria-label": label },
    button("reply", "reply", replies, "Replies. Reply"),
    button("retweet", "retweet", reposts, "reposts. Repost"),
    button("like", "like", likes, "Likes. Like"),
    element(
      "a",
      {
        href: `/${author(post).screen_name}/status/${post.rest_id}/analytics`,
        "aria-label": `${views} views`,
      },
      icon("views"),
      element("span", {}, short(views)),
    ),
    button("bookmark", "bookmark", bookmarks, "Bookmarks. Bookmark"),
  );
}
