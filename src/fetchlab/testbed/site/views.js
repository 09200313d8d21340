// The pages: a user's timeline, a post with its conversation, and what stands there when there are no posts.

class View {
  constructor() {
    this.root = element("div", { testid: "primaryColumn", class: "column" });
    this.offset = 0;
    this.rows = null;
  }

  show(root) {
    root.replaceChildren(this.root);
    document.title = this.title;
    if (this.rows) {
      this.rows.place();
      window.scrollTo(0, this.offset);
      this.scrolled();
    } else {
      window.scrollTo(0, 0);
    }
  }

  hide() {
    this.offset = window.scrollY;
    this.root.remove();
  }

  scrolled() {
    this.rows?.place();
  }

  bar(title, note) {
    const back = element(
      "button",
      { testid: "app-bar-back", type: "button", "aria-label": "Back", onclick: () => history.back() },
      icon("back"),
    );
    const heading = element("h2", { role: "heading" }, plain(title));
    return element(
      "div",
      { class: "bar" },
      back,
      element("div", {}, heading, note ? element("div", { class: "note" }, note) : null),
    );
  }

  list(label) {
    const list = element("div", { "aria-label": `Timeline: ${label}`, class: "list" });
    this.rows = new Rows(list);
    return element("section", { role: "region", "aria-label": label }, list);
  }

  empty(header, body) {
    return element(
      "div",
      { testid: "emptyState", class: "empty" },
      element("div", { testid: "empty_state_header_text", class: "header" }, header),
      element("div", { testid: "empty_state_body_text" }, body),
    );
  }

  // Do something with the interface; on failure show the error cell, whose button does it again.
  async attempt(work, cells) {
    try {
      await work();
    } catch (wrong) {
      if (wrong instanceof LoginNeeded) askForLogin(this.posts ?? 0);
      else if (wrong instanceof Failed)
        this.rows.set([...cells(), errorCell(() => this.attempt(work, cells))]);
      else throw wrong;
    }
  }
}

class UserView extends View {
  constructor(handle, replies) {
    super();
    this.handle = handle;
    this.replies = replies;
    this.title = `@${handle} / Timeline`;
    this.cells = [];
    this.posts = 0;
    this.cursor = null;
    this.busy = false;
    this.over = false;
    this.root.append(this.bar(handle), this.list(`${handle}’s posts`));
    this.opened = this.attempt(
      () => this.open(),
      () => [],
    );
  }

  async open() {
    this.rows.set([loadingCell()]);
    const { data } = await query("UserByScreenName", { screen_name: this.handle });
    const user = data.user?.result;
    if (!user) this.only(this.empty("This account doesn’t exist", "Try searching for another."));
    else if (user.reason)
      this.only(this.empty("Account suspended", "Accounts that break the rules are suspended."));
    else await this.begin(user);
  }

  only(...children) {
    this.rows = null;
    this.over = true;
    this.root.replaceChildren(this.bar(this.handle), ...children);
  }

  async begin(user) {
    const { name, screen_name: handle } = user.core;
    const section = this.list(`${name}’s posts`);
    this.title = document.title = `${name} (@${handle}) / Timeline`;
    const header = [
      this.bar(name, `${short(user.legacy.statuses_count) || 0} posts`),
      this.profile(user),
      this.tabs(handle),
    ];
    if (user.privacy.protected) {
      this.only(
        ...header.slice(1),
        this.empty("These posts are protected", `Only approved followers can see @${handle}’s posts.`),
      );
      return;
    }
    this.root.replaceChildren(...header, section);
    this.user = user;
    await this.more();
  }

  profile(user) {
    const { legacy, core } = user;
    const joined = new Date(core.created_at).toLocaleDateString("en-US", {
      month: "long",
      year: "numeric",
      timeZone: "UTC",
    });
    return element(
      "div",
      { class: "profile" },
      element("div", { class: "banner", style: `--hue: ${Number(user.rest_id.slice(-5)) % 360}` }),
      portrait({ image: user.avatar.image_url }),
      element(
        "div",
        { testid: "UserName", class: "name" },
        plain(core.name),
        element("div", { class: "handle" }, `@${core.screen_name}`),
      ),
      legacy.description ? element("div", { testid: "UserDescription" }, legacy.description) : null,
      element("div", { testid: "UserProfileHeader_Items", class: "note" }, `Joined ${joined}`),
      element(
        "div",
        { class: "note" },
        element("b", {}, short(legacy.friends_count)),
        " Following  ",
        element("b", {}, short(legacy.followers_count)),
        " Followers",
      ),
    );
  }

  tabs(handle) {
    const tab = (text, path, chosen) =>
      element("a", { role: "tab", href: path, "aria-selected": String(chosen) }, element("span", {}, text));
    return element(
      "nav",
      { role: "tablist", class: "tabs" },
      tab("Posts", `/${handle}`, !this.replies),
      tab("Replies", `/${handle}/with_replies`, this.replies),
    );
  }

  scrolled() {
    super.scrolled();
    if (this.user && this.rows?.nearEnd) this.more();
  }

  more() {
    if (this.busy || this.over) return null;
    this.busy = true;
    return this.attempt(
      () => this.page(),
      () => this.cells,
    );
  }

  // One page; a failed one leaves the list busy until somebody presses the button.
  async page() {
    this.rows.set([...this.cells, loadingCell()]);
    const operation = this.replies ? "UserTweetsAndReplies" : "UserTweets";
    const asked = { userId: this.user.rest_id, count: 20, includePromotedContent: true };
    if (this.cursor) asked.cursor = this.cursor;
    const { data } = await query(operation, asked);
    const { cells, cursor } = timelineCells(data.user.result.timeline.timeline.instructions);
    const known = new Set(this.cells.map((cell) => cell.key));
    const added = cells.filter((cell) => !known.has(cell.key));
    this.cells.push(...added);
    this.posts = this.cells.length;
    this.over = !added.length || cursor === this.cursor;
    this.cursor = cursor;
    this.busy = false;
    if (!this.cells.length) {
      const handle = this.user.core.screen_name;
      this.root.lastChild.replaceWith(
        this.empty(`@${handle} hasn’t posted`, "When they do, their posts will show up here."),
      );
      this.rows = null;
      return;
    }
    this.rows.set(this.over ? [...this.cells, endCell()] : [...this.cells]);
    if (this.rows.nearEnd && this.root.isConnected) this.more();
  }
}

class PostView extends View {
  constructor(id) {
    super();
    this.id = id;
    this.title = "Post / Timeline";
    this.cells = [];
    this.root.append(this.bar("Post"), this.list("Conversation"));
    this.opened = this.attempt(
      () => this.page(),
      () => [],
    );
  }

  async page() {
    this.rows.set([loadingCell()]);
    const { data } = await query("TweetDetail", { focalTweetId: this.id, with_rux_injections: false });
    const conversation = data.threaded_conversation_with_injections_v2;
    if (!conversation) {
      this.root.lastChild.replaceWith(
        this.empty("Hmm...this page doesn’t exist.", "Try searching for something else."),
      );
      this.rows = null;
      return;
    }
    this.cells = conversationCells(conversation.instructions, this.id, (cursor, key) =>
      this.unfold(cursor, key),
    );
    this.rows.set([...this.cells, endCell()]);
    const focal = this.cells.find((cell) => cell.node?.querySelector(".focal"));
    if (focal && focal.top > 0 && this.root.isConnected) window.scrollTo(0, focal.top);
  }

  unfold(cursor, key) {
    const place = this.cells.findIndex((cell) => cell.key === key);
    if (place < 0) return null;
    const others = () => [...this.cells.slice(0, place), ...this.cells.slice(place + 1)];
    return this.attempt(async () => {
      const { data } = await query("TweetDetail", { focalTweetId: this.id, cursor });
      const { instructions } = data.threaded_conversation_with_injections_v2;
      this.cells.splice(place, 1, ...conversationCells(instructions, this.id, () => {}));
      this.rows.set([...this.cells, endCell()]);
    }, others);
  }
}

class HomeView extends View {
  constructor() {
    super();
    this.title = "Timeline";
    const links = state.users.map((handle) =>
      element("a", { href: `/${handle}`, class: "between" }, `@${handle}`),
    );
    this.root.append(this.bar("Timeline"), ...links);
  }
}
