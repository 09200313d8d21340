// What the interface says, as cells: one for each post, and for what stands between posts.

function postCell(key, result, options) {
  return { key, build: (cell) => postElement(result, cell, options) };
}

function linkCell(key, href, text) {
  return {
    key,
    build: () => element("a", { href, role: "link", class: "between" }, element("span", {}, text)),
  };
}

function buttonCell(key, text, onclick) {
  return {
    key,
    build: () => element("button", { type: "button", class: "between", onclick }, element("span", {}, text)),
  };
}

function errorCell(again) {
  return {
    key: "error",
    build: () =>
      element(
        "div",
        { class: "trouble" },
        element("span", {}, "Something went wrong. Try reloading."),
        element("button", { type: "button", role: "button", onclick: again }, element("span", {}, "Retry")),
      ),
  };
}

function loadingCell() {
  const build = () =>
    element("div", { role: "progressbar", "aria-label": "Loading", class: "spinner" }, element("span", {}));
  return { key: "loading", build };
}

function endCell() {
  return { key: "end", build: () => element("div", { class: "end" }) };
}

function resultOf(content) {
  return content.tweet_results?.result;
}

// The cells of a user's page, and the cursor of the next one.
function timelineCells(instructions) {
  const cells = [];
  let cursor = null;
  for (const instruction of instructions) {
    if (instruction.type === "TimelinePinEntry") {
      const result = resultOf(instruction.entry.content.itemContent);
      cells.push(postCell(`pinned-${result.rest_id}`, result, { social: "Pinned" }));
    }
    for (const { entryId, content } of instruction.entries ?? []) {
      if (content.cursorType === "Bottom") cursor = content.value;
      else if (content.items) cells.push(...threadCells(entryId, content));
      else if (content.itemContent) {
        const promoted = Boolean(content.itemContent.promotedMetadata);
        cells.push(postCell(entryId, resultOf(content.itemContent), { promoted }));
      }
    }
  }
  return { cells, cursor };
}

function threadCells(entryId, content) {
  const posts = content.items.map((item) => resultOf(item.item.itemContent)).filter(Boolean);
  const cells = posts.map((result, number) =>
    postCell(`${entryId}-${result.rest_id}`, result, { line: number < posts.length - 1 }),
  );
  const every = content.metadata?.conversationMetadata?.allTweetIds ?? [];
  if (every.length > posts.length) {
    const path = `/${author(posts[0]).screen_name}/status/${posts[0].rest_id}`;
    cells.push(linkCell(`${entryId}-thread`, path, "Show this thread"));
  }
  return cells;
}

// The cells of a post's own page; `more` is called with a cursor when a reader asks for what is folded away.
function conversationCells(instructions, focal, more) {
  const cells = [];
  for (const instruction of instructions) {
    for (const { entryId, content } of instruction.entries ?? []) {
      if (content.itemContent) {
        const result = resultOf(content.itemContent);
        const options = result.rest_id === focal ? { focal: true } : { line: true };
        cells.push(postCell(entryId, result, options));
      } else if (content.items) {
        cells.push(...content.items.map((item) => itemCell(item, entryId, more)));
      }
    }
    cells.push(
      ...(instruction.moduleItems ?? []).map((item) => itemCell(item, instruction.moduleEntryId, more)),
    );
  }
  return cells;
}

function itemCell({ entryId, item }, moduleId, more) {
  const content = item.itemContent;
  if (content.cursorType !== "ShowMore") return postCell(entryId, resultOf(content), {});
  return buttonCell(entryId, content.displayTreatment.actionText, () => more(content.value, entryId));
}
