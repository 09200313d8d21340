// What stands on the page now: its posts, as far as they are mounted, and what stands there instead of posts.
// Selects on test ids, roles and addresses only; class names are hashed and change.
() => {
  const id = (name) => `[data-testid="${name}"]`;
  const QUOTE = 'div[role="link"][tabindex="0"]';
  const GONE = "This Post is unavailable.";

  // A text as it was written: emoji are images, links have their short address.
  const written = (node) => {
    if (!node) return "";
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    if (node.nodeName === "IMG") return node.alt;
    if (node.nodeName === "BR") return "\n";
    if (node.nodeName === "A" && /^https?:\/\/t\.co\//.test(node.getAttribute("href"))) return node.getAttribute("href");
    return [...node.childNodes].map(written).join("");
  };

  const outside = (article, selector) => [...article.querySelectorAll(selector)].filter((one) => !one.closest(QUOTE));

  const links = (text) =>
    [...(text?.querySelectorAll('a[href*="t.co/"]') ?? [])].map((one) =>
      [...one.childNodes].filter((part) => part.getAttribute?.("aria-hidden") !== "true").map((part) => part.textContent).join(""),
    );

  const media = (article) => [
    ...outside(article, `a[href*="/photo/"] ${id("tweetPhoto")} img`).map((one) => ({ kind: "photo", url: one.src, alt: one.alt })),
    ...outside(article, `${id("videoPlayer")} video`).map((one) => ({
      kind: one.src.startsWith("blob:") || !one.src ? "video" : "gif",
      url: one.src,
      poster: one.poster,
    })),
  ];

  const read = (article) => {
    const names = outside(article, id("User-Name"))[0];
    const time = outside(article, 'a[href*="/status/"] time')[0];
    const text = outside(article, id("tweetText"))[0];
    const quote = article.querySelector(QUOTE);
    return {
      path: time?.closest("a").getAttribute("href") ?? null,
      time: time?.getAttribute("datetime") ?? null,
      name: written(names?.querySelector("a")?.firstChild?.parentNode).replace(/✓$/, ""),
      text: written(text),
      language: text?.lang ?? null,
      links: links(text),
      folded: outside(article, id("tweet-text-show-more-link")).length > 0,
      social: article.querySelector(id("socialContext"))?.textContent ?? null,
      counts: article.querySelector('div[role="group"][aria-label]')?.getAttribute("aria-label") ?? "",
      media: media(article),
      quotes: quote !== null,
      gone: quote === null && [...article.querySelectorAll("div > span")].some((one) => one.textContent === GONE && !one.closest(id("tweetText"))),
      focal: article.getAttribute("tabindex") === "-1",
    };
  };

  const cells = [...document.querySelectorAll(id("cellInnerDiv"))];
  const place = (cell) => Number(/translateY\((-?[\d.]+)px\)/.exec(cell.style.transform)?.[1] ?? 0);
  cells.sort((a, b) => place(a) - place(b));
  const articles = cells.flatMap((cell) => [...cell.querySelectorAll(`article${id("tweet")}`)]);
  return {
    posts: articles.filter((one) => !one.closest(id("placementTracking"))).map(read),
    threads: cells.flatMap((cell) =>
      [...cell.querySelectorAll('a[href*="/status/"]')].filter((one) => one.textContent === "Show this thread").map((one) => one.getAttribute("href")),
    ),
    top: Math.min(...cells.map(place)),
    end: Math.max(...cells.map((cell) => place(cell) + cell.offsetHeight)),
    empty: document.querySelector(id("emptyState"))?.textContent ?? null,
    login: location.pathname.startsWith("/i/flow/login") || document.querySelector(id("sheetDialog")) !== null,
    failed: cells.some((cell) => /Something went wrong/.test(cell.textContent) && cell.querySelector("button")),
    loading: document.querySelector('[role="progressbar"]') !== null,
    bottom: window.scrollY + window.innerHeight >= document.documentElement.scrollHeight - 2,
    path: location.pathname,
  };
}
