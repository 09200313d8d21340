// Texts: links, mentions, tags and emoji become elements, as readers see them.

const EMOJI = new RegExp("\\p{RGI_Emoji}", "gv");
const MARKED = /(https:\/\/t\.co\/\w+|@\w{1,15}|#[\p{L}\p{M}\p{N}_]+)/u;

function unescaped(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

// The text that readers are shown, and its links; short of a long post unless `full`.
function worded(post, full) {
  const note = post.note_tweet?.note_tweet_results.result;
  if (note && full) return { text: unescaped(note.text), urls: note.entity_set.urls };
  const letters = [...post.legacy.full_text]; // positions count characters, not code units
  const text = letters.slice(...post.legacy.display_text_range).join("");
  return { text: unescaped(text), urls: post.legacy.entities.urls };
}

// As many characters as fit, cut at a word.
function clamped(text, limit) {
  const letters = [...text];
  if (letters.length <= limit) return text;
  const start = letters.slice(0, limit - 1).join("");
  const space = start.lastIndexOf(" ");
  return `${space > start.length / 2 ? start.slice(0, space) : start}…`;
}

function textElement(post, text, urls, { links = true } = {}) {
  const known = new Map(urls.map((one) => [one.url, one]));
  const parts = text.split(MARKED).flatMap((part, number) => {
    if (number % 2 === 0) return plain(part);
    if (part.startsWith("https:")) return known.has(part) ? link(known.get(part), links) : plain(part);
    if (!links) return plain(part);
    const href = part[0] === "@" ? `/${part.slice(1)}` : `/hashtag/${encodeURIComponent(part.slice(1))}`;
    return element("a", { href, role: "link" }, part);
  });
  return element("div", { testid: "tweetText", lang: post.legacy.lang, dir: "auto", class: "text" }, parts);
}

function plain(text) {
  const parts = [];
  let place = 0;
  for (const found of text.matchAll(EMOJI)) {
    parts.push(span(text.slice(place, found.index)), emoji(found[0]));
    place = found.index + found[0].length;
  }
  return [...parts, span(text.slice(place))];
}

function span(text) {
  return text ? element("span", {}, text) : "";
}

function emoji(text) {
  const codes = [...text].map((letter) => letter.codePointAt(0).toString(16)).join("-");
  return element("img", { alt: text, class: "emoji", src: `${state.media}/emoji/v2/svg/${codes}.svg` });
}

// What is not shown of a long address is there all the same, out of sight.
function link(url, active) {
  const [scheme, rest] = url.expanded_url.split("://");
  const shown = url.display_url.endsWith("…") ? url.display_url.slice(0, -1) : url.display_url;
  const hidden = rest.slice(shown.length);
  const inside = [
    element("span", { class: "unseen" }, `${scheme}://`),
    shown,
    hidden
      ? [element("span", { class: "unseen" }, hidden), element("span", { "aria-hidden": "true" }, "…")]
      : "",
  ].flat();
  if (!active) return element("span", { class: "link" }, inside);
  return element("a", { href: url.url, dir: "ltr", rel: "noopener nofollow", target: "_blank" }, inside);
}

function short(count) {
  if (count < 1000) return count ? String(count) : "";
  return count < 1e6 ? `${(count / 1e3).toFixed(count < 1e4 ? 1 : 0)}K` : `${(count / 1e6).toFixed(1)}M`;
}

function timeElement(created, { long = false } = {}) {
  const moment = new Date(created);
  const day = { month: "short", day: "numeric", year: "numeric", timeZone: "UTC" };
  const shown = long
    ? `${moment.toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit", timeZone: "UTC" })} · `
    : "";
  return element("time", { datetime: moment.toISOString() }, shown + moment.toLocaleDateString("en-US", day));
}
