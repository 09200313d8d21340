// Elements, and the test ids on them, which a new version of a site may rename at any time.

const state = JSON.parse(document.getElementById("state").textContent);

function testid(name) {
  if (state.markup !== "renamed") return name;
  let hash = 2166136261;
  for (const letter of name) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619) >>> 0;
  return `v2-${hash.toString(36)}`;
}

// element("div", {testid: "tweet", class: "post", onclick: …}, child, "text", null, …)
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "testid") made.dataset.testid = testid(value);
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const SHAPES = {
  back: "M8 3 3 8l5 5M3 8h11",
  bookmark: "M4 2h8v12l-4-3-4 3z",
  like: "M8 14C-1 8 3 1 8 5c5-4 9 3 0 9z",
  pin: "M5 2h6l-1 5 2 2H4l2-2zM8 9v5",
  reply: "M2 3h12v8H8l-4 3v-3H2z",
  retweet: "M3 10V4h8M9 2l2 2-2 2M13 6v6H5m2 2-2-2 2-2",
  views: "M3 14V8m5 6V3m5 11V6",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}
