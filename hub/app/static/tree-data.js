// The tree of a run in columns, as the server sends it, and where every node is drawn.
// A layout keeps each depth as one column of nodes sorted from top to bottom: what is visible, and what lies under the
// pointer, is found by halving, so the cost of a frame grows with the screen and not with the tree.

const COLUMNS = ["id", "parent", "kind", "state", "rung", "effect", "born", "title", "claims"];

export class TreeData {
  constructor(told) {
    for (const name of COLUMNS) this[name] = Array.from(told[name]);
    this.kinds = told.kinds;
    this.states = told.states;
    this.seq = told.seq;
    this.stopped = told.stopped;
    this.children = this.id.map(() => null);
    this.number = new Map();
    this.folded = new Set();
    this.id.forEach((_, i) => this.#hang(i));
  }

  get size() {
    return this.id.length;
  }

  #hang(i) {
    this.number.set(this.id[i], i);
    const parent = this.parent[i];
    if (parent < 0) return;
    if (this.children[parent]) this.children[parent].push(i);
    else this.children[parent] = [i];
  }

  // Takes a message of the live stream; says whether the shape of the tree has changed.
  take(message) {
    const before = this.size;
    this.states = message.states;
    this.seq = message.seq;
    this.stopped = message.stopped;
    for (const [i, ...row] of message.rows) {
      COLUMNS.forEach((name, place) => (this[name][i] = row[place]));
      if (i >= before) {
        this.children[i] = null;
        this.#hang(i);
      }
    }
    return this.size > before;
  }

  kindOf(i) {
    return this.kinds[this.kind[i]];
  }

  path(i) {
    const found = [];
    for (let at = i; at >= 0; at = this.parent[at]) found.push(at);
    return found.reverse();
  }

  // The nodes whose name, title or state holds every word.
  find(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const found = [];
    for (let i = 0; i < this.size; i++) {
      const told = `${this.id[i]} ${this.title[i]} ${this.states[this.state[i]]} ${this.kindOf(i).replace("_", " ")}`.toLowerCase();
      if (words.every((word) => told.includes(word))) found.push(i);
    }
    return found;
  }

  // How many nodes lie below each, counted from the last to the first: a parent always came before its children.
  below() {
    const count = new Int32Array(this.size);
    for (let i = this.size - 1; i > 0; i--) if (this.parent[i] >= 0) count[this.parent[i]] += count[i] + 1;
    return count;
  }
}

export function layOut(data) {
  if (!data.size) return { columns: [], top: 0, bottom: 0, depth: new Int16Array(0), row: new Float32Array(0) };
  const root = d3.hierarchy(0, (i) => (data.folded.has(i) ? null : data.children[i]));
  d3
    .tree()
    .nodeSize([1, 1])
    .separation((a, b) => (a.parent === b.parent ? 1 : 1.3))(root);
  const columns = [];
  const depth = new Int16Array(data.size).fill(-1);
  const row = new Float32Array(data.size);
  let [top, bottom] = [0, 0];
  root.each((node) => {
    const column = (columns[node.depth] ??= { node: [], y: [], parentY: [], first: [], last: [] });
    column.node.push(node.data);
    column.y.push(node.x);
    depth[node.data] = node.depth;
    row[node.data] = node.x;
    top = Math.min(top, node.x);
    bottom = Math.max(bottom, node.x);
    if (node.children) {
      column.parentY.push(node.x);
      column.first.push(node.children[0].x);
      column.last.push(node.children.at(-1).x);
    }
  });
  for (const column of columns) for (const name of Object.keys(column)) column[name] = (name === "node" ? Int32Array : Float32Array).from(column[name]);
  return { columns, top, bottom, depth, row };
}

// The first place in a rising array whose value is at least `value`.
export function placeOf(values, value, from = 0) {
  let [low, high] = [from, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
