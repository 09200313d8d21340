// A list of which only the rows near the window are in the page, each placed where it belongs.

const NEAR = 250; // pixels above and below the window in which rows are kept
const GUESS = 220; // a row's height before it has been in the page

class Rows {
  constructor(list) {
    this.list = list;
    this.cells = [];
    this.sizes = new ResizeObserver(() => this.place());
  }

  // cells: {key, build, height, node}; those that are known keep what is known of them.
  set(cells) {
    const known = new Map(this.cells.map((cell) => [cell.key, cell]));
    this.cells = cells.map(
      (cell) => known.get(cell.key) ?? Object.assign(cell, { node: null, height: null, top: 0 }),
    );
    const kept = new Set(this.cells);
    for (const cell of known.values()) if (!kept.has(cell)) this.remove(cell);
    this.place();
  }

  clear() {
    this.sizes.disconnect();
    for (const cell of this.cells) this.remove(cell);
  }

  remove(cell) {
    if (!cell.node) return;
    this.sizes.unobserve(cell.node);
    cell.node.remove();
    cell.node = null;
  }

  // Mount what is near, measure it, and repeat until nothing moves; what the reader sees stays where it is.
  place() {
    if (!this.list.isConnected) return;
    for (let round = 0; round < 8; round += 1) {
      const start = -this.list.getBoundingClientRect().top;
      const anchor = this.cells.find((cell) => cell.node && cell.top + cell.height > start);
      const before = anchor?.top;
      for (const cell of this.cells) if (cell.node) cell.height = cell.node.offsetHeight;
      this.stack();
      if (anchor && anchor.top !== before && start > 0) window.scrollBy(0, anchor.top - before);
      if (!this.mount()) break;
    }
  }

  stack() {
    let top = 0;
    for (const cell of this.cells) {
      cell.top = top;
      if (cell.node) cell.node.style.transform = `translateY(${top}px)`;
      top += cell.height ?? GUESS;
    }
    this.list.style.minHeight = `${top}px`;
  }

  mount() {
    const start = -this.list.getBoundingClientRect().top;
    let changed = false;
    let above = null;
    for (const cell of this.cells) {
      const near =
        cell.top + (cell.height ?? GUESS) > start - NEAR && cell.top < start + window.innerHeight + NEAR;
      if (near && !cell.node) {
        cell.node = element("div", { testid: "cellInnerDiv", class: "cell" }, cell.build(cell));
        cell.node.style.transform = `translateY(${cell.top}px)`;
        if (above) above.after(cell.node);
        else this.list.prepend(cell.node);
        cell.height = cell.node.offsetHeight;
        this.sizes.observe(cell.node);
        changed = true;
      } else if (!near && cell.node) {
        this.remove(cell);
        changed = true;
      }
      above = cell.node ?? above;
    }
    return changed;
  }

  get nearEnd() {
    return this.list.getBoundingClientRect().bottom < window.innerHeight * 2 + NEAR;
  }
}
