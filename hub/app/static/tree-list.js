// The same tree in words: an ARIA tree whose branches are made when they are opened, and of a wide branch a part at a
// time. It is what a screen reader reads and what is printed.

const AT_ONCE = 100;
const PRINTED = 5000;
const SIGNS = { supported: "✓", refuted: "✗", null: "○", crashed: "!", running: "…", survived: "✓", "not survived": "✗" };

export class TreeList {
  constructor(root, data, chosen) {
    [this.root, this.data, this.onChoose] = [root, data, chosen];
    this.items = new Map();
    root.addEventListener("click", (event) => this.#click(event));
    root.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("beforeprint", () => this.#openAll());
    this.build();
  }

  build() {
    this.items.clear();
    this.root.replaceChildren();
    if (!this.data.size) return;
    this.root.append(this.#item(0, 1, 1, 1));
    this.items.get(0).tabIndex = 0;
    this.open(0);
    if (this.data.children[0]?.length === 1) this.open(this.data.children[0][0]);
  }

  #item(i, level, place, size) {
    const item = document.createElement("li");
    item.role = "treeitem";
    item.tabIndex = -1;
    item.dataset.number = i;
    item.ariaLevel = level;
    item.ariaPosInSet = place;
    item.ariaSetSize = size;
    item.ariaSelected = "false";
    if (this.data.children[i]) item.ariaExpanded = "false";
    item.append(document.createElement("span"));
    this.items.set(i, item);
    this.#tell(i);
    return item;
  }

  #tell(i) {
    const { data } = this;
    const item = this.items.get(i);
    const state = data.states[data.state[i]];
    const row = item.firstChild;
    row.className = "row";
    const name = document.createElement("b");
    name.textContent = data.id[i];
    const dead = data.kindOf(i) === "dead_end" || state === "pruned";
    const title = document.createElement(dead ? "s" : "span");
    title.textContent = data.title[i];
    const told = document.createElement("span");
    told.className = `outcome ${state}`;
    told.textContent = state ? `${SIGNS[state] ?? ""} ${state}${data.claims[i] ? ` ${data.claims[i]}` : ""}` : data.kindOf(i).replace("_", " ");
    row.replaceChildren(name, " ", title, " ", told);
  }

  // Shows the children of a node, at most `AT_ONCE` around the one that is wanted.
  open(i, wanted = 0) {
    const item = this.items.get(i);
    const children = this.data.children[i];
    if (!item || !children) return;
    item.querySelector(":scope > ul")?.remove();
    const group = document.createElement("ul");
    group.role = "group";
    const from = children.length <= AT_ONCE * 1.5 ? 0 : Math.max(0, wanted - AT_ONCE / 2);
    const to = children.length <= AT_ONCE * 1.5 ? children.length : Math.min(children.length, from + AT_ONCE);
    const level = Number(item.ariaLevel) + 1;
    if (from > 0) group.append(this.#more(i, from - AT_ONCE / 2, `${from} earlier …`, level));
    for (let k = from; k < to; k++) group.append(this.#item(children[k], level, k + 1, children.length));
    if (to < children.length) group.append(this.#more(i, to + AT_ONCE / 2 - 1, `${children.length - to} more …`, level));
    item.append(group);
    item.ariaExpanded = "true";
  }

  #more(i, wanted, text, level) {
    const item = document.createElement("li");
    item.role = "treeitem";
    item.ariaLevel = level;
    item.tabIndex = -1;
    item.dataset.of = i;
    item.dataset.wanted = Math.max(0, wanted);
    item.className = "more";
    item.textContent = text;
    return item;
  }

  close(i) {
    const item = this.items.get(i);
    item.querySelector(":scope > ul")?.remove();
    if (this.data.children[i]) item.ariaExpanded = "false";
  }

  #click(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item) return;
    if (item.dataset.of) return this.open(Number(item.dataset.of), Number(item.dataset.wanted));
    const i = Number(item.dataset.number);
    const beside = event.offsetX < 16 && event.target.classList.contains("row");
    if (beside && item.ariaExpanded) return item.ariaExpanded === "true" ? this.close(i) : this.open(i);
    this.onChoose(i);
  }

  #key(event) {
    const item = document.activeElement?.closest?.("[role=treeitem]");
    if (!item || event.ctrlKey || event.altKey || event.metaKey) return;
    const i = Number(item.dataset.number);
    const all = [...this.root.querySelectorAll("[role=treeitem]")];
    const at = all.indexOf(item);
    const acts = {
      ArrowDown: () => this.#focus(all[at + 1]),
      ArrowUp: () => this.#focus(all[at - 1]),
      Home: () => this.#focus(all[0]),
      End: () => this.#focus(all.at(-1)),
      ArrowRight: () => (item.ariaExpanded === "false" ? this.open(i) : this.#focus(item.querySelector("[role=treeitem]"))),
      ArrowLeft: () => (item.ariaExpanded === "true" ? this.close(i) : this.#focus(item.parentElement.closest("[role=treeitem]"))),
      Enter: () => item.querySelector(".row")?.click() ?? item.click(),
      " ": () => item.querySelector(".row")?.click() ?? item.click(),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }

  #focus(item) {
    if (!item) return;
    this.root.querySelectorAll("[tabindex='0']").forEach((other) => (other.tabIndex = -1));
    item.tabIndex = 0;
    item.focus();
  }

  // Marks a node as chosen and opens the way to it.
  choose(i, scroll = true) {
    const { data } = this;
    for (const at of data.path(i).slice(1)) {
      if (!this.items.get(at)?.isConnected) this.open(data.parent[at], data.children[data.parent[at]].indexOf(at));
    }
    this.root.querySelectorAll("[aria-selected=true]").forEach((item) => (item.ariaSelected = "false"));
    const item = this.items.get(i);
    if (!item) return;
    item.ariaSelected = "true";
    this.root.querySelectorAll("[tabindex='0']").forEach((other) => (other.tabIndex = -1));
    item.tabIndex = 0;
    if (scroll) this.root.scrollTop += item.getBoundingClientRect().top - this.root.getBoundingClientRect().top - 60;
  }

  // Takes in the nodes that came or changed.
  update(numbers) {
    const grown = new Set();
    for (const i of numbers) {
      const parent = this.items.get(this.data.parent[i]);
      if (this.items.get(i)?.isConnected) this.#tell(i);
      else if (parent?.isConnected) grown.add(this.data.parent[i]);
    }
    for (const parent of grown) {
      const item = this.items.get(parent);
      if (item.ariaExpanded === "true") this.#grow(parent, item);
      else item.ariaExpanded = "false";
    }
    if (!this.items.size) this.build();
  }

  #grow(parent, item) {
    const group = item.querySelector(":scope > ul");
    const children = this.data.children[parent];
    if (group.querySelector(":scope > .more") || children.length > AT_ONCE * 1.5) return;
    for (let k = group.children.length; k < children.length; k++) group.append(this.#item(children[k], Number(item.ariaLevel) + 1, k + 1, children.length));
    [...group.children].forEach((child) => (child.ariaSetSize = children.length));
  }

  #openAll() {
    const waiting = [0];
    while (waiting.length && this.items.size < PRINTED) {
      const i = waiting.shift();
      const children = this.data.children[i];
      if (!children) continue;
      if (this.items.get(i)?.ariaExpanded !== "true") this.open(i);
      waiting.push(...children.filter((child) => this.items.get(child)?.isConnected));
    }
  }
}
