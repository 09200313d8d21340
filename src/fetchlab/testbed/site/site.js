// Which page is shown: by the address, without loading the document again, and back where one has been.

const root = document.getElementById("root");
const main = element("main", { role: "main" });
root.append(
  element(
    "header",
    { role: "banner" },
    element("a", { href: "/", "aria-label": "Timeline", class: "logo" }, "≡"),
  ),
  main,
);

const views = new Map(); // by the number in the history's state, which is how deep one has gone
let shown = null;
let depth = history.state?.view ?? 0;

function viewOf(path) {
  const [first, second, third] = path.split("/").filter(Boolean);
  if (first === undefined || first === "hashtag") return new HomeView();
  if (first === "i") return new LoginView();
  if (second === "status" && third) return new PostView(third);
  return new UserView(first, second === "with_replies");
}

function show() {
  shown?.hide();
  if (!views.has(depth)) views.set(depth, viewOf(location.pathname));
  shown = views.get(depth);
  shown.show(main);
}

function navigate(path, { replace = false } = {}) {
  if (!replace) depth += 1;
  history[replace ? "replaceState" : "pushState"]({ view: depth }, "", path);
  // Nobody can go forward to these any more.
  for (const number of views.keys()) if (number >= depth) views.delete(number);
  show();
}

class LoginView extends View {
  constructor() {
    super();
    this.title = "Log in / Timeline";
    this.root.append(loginDialog("Log in to see posts"));
  }
}

function loginDialog(text) {
  return element(
    "div",
    { testid: "sheetDialog", role: "dialog", "aria-modal": "true", class: "login" },
    element("h1", {}, text),
    element("input", { name: "text", autocomplete: "username", placeholder: "Phone, email, or username" }),
    element("button", { testid: "loginButton", type: "button" }, "Log in"),
    element("button", { testid: "signupButton", type: "button", class: "plain" }, "Create account"),
  );
}

// At once: another page. Later: a sheet over the posts that have been seen.
function askForLogin(posts) {
  if (!posts) {
    navigate(`/i/flow/login?redirect_after_login=${encodeURIComponent(location.pathname)}`, {
      replace: true,
    });
    return;
  }
  if (document.querySelector(".layer")) return;
  document.body.classList.add("held");
  root.append(element("div", { id: "layers", class: "layer" }, loginDialog("Log in to see more posts")));
}

document.addEventListener(
  "click",
  (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link) return;
    event.stopPropagation();
    const href = link.getAttribute("href");
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || !href.startsWith("/")) return;
    event.preventDefault();
    navigate(href);
  },
  true,
);

let waiting = false;
function moved() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    shown?.scrolled();
  });
}

window.addEventListener("scroll", moved, { passive: true });
window.addEventListener("resize", moved);
window.addEventListener("popstate", (event) => {
  depth = event.state?.view ?? 0;
  show();
});
history.scrollRestoration = "manual";
history.replaceState({ view: depth }, "");
show();
