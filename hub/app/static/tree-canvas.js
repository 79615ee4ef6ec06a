// The tree on a canvas: pan and zoom by mouse, touch and keys; only what is visible is drawn, and no more of it than
// there are pixels. Rows and columns scale apart: far out the rows shrink to a heat map while depths stay apart.

import { layOut, placeOf } from "./tree-data.js";
import { COLUMN, ROW, borderOf, drawLabel, drawNode, fillOf, readInks, strength } from "./tree-paint.js";
import { listen } from "./tree-hands.js";
import { drawMap } from "./tree-map.js";

const LABELS_FROM = 13;
const SHAPES_FROM = 4;
const LAST = 210; // what the first node and the label of the last depth take

export class TreeCanvas {
  constructor(stage, data, chosen) {
    this.stage = stage;
    this.canvas = stage.querySelector("canvas.tree");
    this.map = stage.querySelector("canvas.minimap");
    this.pen = this.canvas.getContext("2d");
    this.data = data;
    this.onChoose = chosen;
    this.selected = -1;
    this.matches = new Set();
    this.mode = "outcome";
    this.limit = Infinity;
    this.stateAt = null;
    this.spans = [];
    this.view = { k: 1, x: 60, y: 0 };
    this.inks = readInks(stage);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.inks = readInks(stage);
      this.redraw(true);
    });
    this.relay();
    this.#measure();
    this.fit();
    new ResizeObserver(() => this.#measure()).observe(this.canvas);
    listen(this);
  }

  #measure() {
    const ratio = Math.min(2, devicePixelRatio || 1);
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const first = !this.width;
    [this.width, this.height, this.ratio] = [width, height, ratio];
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    if (first) this.fit();
    this.redraw(true);
  }

  relay() {
    this.layout = layOut(this.data);
    this.below = this.data.below();
    this.redraw(true);
  }

  // The scale of rows at which all of them are in sight.
  get fitting() {
    return Math.min(1, (this.height - 40) / ((this.layout.bottom - this.layout.top + 1) * ROW));
  }

  // How wide a column is drawn: as wide as fits when all is in sight, wider as one goes nearer, never narrower.
  get columnWidth() {
    const depths = Math.max(1, this.layout.columns.length - 1);
    const least = ROW * this.fitting >= LABELS_FROM ? 120 : 24;
    const fits = Math.min(COLUMN, Math.max(least, (this.width - LAST) / depths));
    return Math.min(COLUMN * 1.3, fits * Math.max(1, this.view.k / this.fitting));
  }

  x(depth) {
    return this.view.x + depth * this.columnWidth;
  }

  y(row) {
    return this.view.y + row * ROW * this.view.k;
  }

  // Whether all of the tree is in sight, so that no map is needed.
  get whole() {
    const { layout, width, height } = this;
    const last = this.x(layout.columns.length - 1);
    return this.x(0) >= 0 && last <= width && this.y(layout.top) >= 0 && this.y(layout.bottom) <= height && ROW * this.view.k >= LABELS_FROM;
  }

  fit() {
    if (!this.width) return;
    this.view.k = this.fitting;
    this.view.x = 30;
    this.view.y = this.height / 2 - ((this.layout.top + this.layout.bottom) / 2) * ROW * this.view.k;
    this.redraw(true);
  }

  zoom(factor, px = this.width / 2, py = this.height / 2) {
    const depth = (px - this.view.x) / this.columnWidth;
    const row = (py - this.view.y) / (ROW * this.view.k);
    this.view.k = Math.max(this.fitting / 1.5, Math.min(2.5, this.view.k * factor));
    this.view.x = px - depth * this.columnWidth;
    this.view.y = py - row * ROW * this.view.k;
    this.#hold();
  }

  pan(dx, dy) {
    this.view.x += dx;
    this.view.y += dy;
    this.#hold();
  }

  // A part of the tree always stays in sight.
  #hold() {
    const [margin, { view, layout }] = [60, this];
    const wide = (layout.columns.length - 1) * this.columnWidth;
    view.x = Math.min(this.width - margin, Math.max(margin - wide - COLUMN / 2, view.x));
    view.y = Math.min(this.height - margin - layout.top * ROW * view.k, Math.max(margin - layout.bottom * ROW * view.k, view.y));
    this.redraw();
  }

  // Brings a node into view, near enough to be read.
  show(i, near = true) {
    const data = this.data;
    const folded = data.path(i).slice(0, -1).filter((at) => data.folded.has(at));
    if (folded.length) {
      folded.forEach((at) => data.folded.delete(at));
      this.relay();
    }
    if (near && ROW * this.view.k < LABELS_FROM) this.view.k = 0.8;
    const [px, py] = [this.x(this.layout.depth[i]), this.y(this.layout.row[i])];
    if (px < 40 || px > this.width - COLUMN / 2 || py < 30 || py > this.height - 30) {
      this.view.x += this.width * 0.35 - px;
      this.view.y += this.height / 2 - py;
    }
    this.redraw();
  }

  // Whether rows are large enough that one follows a single node.
  nearby(i) {
    return ROW * this.view.k >= SHAPES_FROM && this.layout.depth[i] >= 0;
  }

  choose(i, tell = true) {
    this.selected = i;
    this.redraw();
    if (tell && i >= 0) this.onChoose(i);
  }

  fold(i) {
    if (!this.data.children[i]) return;
    const before = this.y(this.layout.row[i]);
    if (!this.data.folded.delete(i)) this.data.folded.add(i);
    this.relay();
    this.view.y += before - this.y(this.layout.row[i]);
    this.#hold();
  }

  // The node under a point: its column by division, its row by halving.
  at(px, py) {
    const width = this.columnWidth;
    const labels = ROW * this.view.k >= LABELS_FROM;
    const depth = labels ? Math.floor((px - this.view.x + 12) / width) : Math.round((px - this.view.x) / width);
    const column = this.layout.columns[depth];
    if (!column) return -1;
    if (!labels && Math.abs(px - this.x(depth)) > 12) return -1;
    const row = (py - this.view.y) / (ROW * this.view.k);
    let place = placeOf(column.y, row);
    if (place > 0 && (place === column.y.length || row - column.y[place - 1] < column.y[place] - row)) place--;
    return Math.abs(column.y[place] - row) * ROW * this.view.k <= Math.max(9, (ROW * this.view.k) / 2) ? column.node[place] : -1;
  }

  redraw(map = false) {
    this.mapStale ||= map;
    if (this.waiting || !this.width) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      const start = performance.now();
      this.#draw();
      this.map.hidden = this.whole;
      if (!this.whole) drawMap(this);
      this.spans.push(performance.now() - start);
      if (this.spans.length > 240) this.spans.shift();
    });
  }

  look(i) {
    const state = this.stateAt ? this.stateAt[i] : this.data.state[i];
    const there = this.data.born[i] <= this.limit;
    return {
      fill: fillOf(this.data, i, there ? state : 0, this.mode, this.inks),
      strength: strength(this.data, i, this.mode),
      border: borderOf(this.data, i, this.inks),
      alpha: there ? 1 : 0.16,
    };
  }

  #draw() {
    const { pen, layout, view, inks } = this;
    const step = ROW * view.k;
    const [low, high] = [(-20 - view.y) / step, (this.height + 20 - view.y) / step];
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.globalAlpha = 1;
    pen.clearRect(0, 0, this.width, this.height);
    pen.font = "12px system-ui, 'DejaVu Sans', sans-serif";
    pen.textBaseline = "middle";
    const shown = layout.columns.map((column, depth) => [column, this.x(depth)]);
    this.#links(shown, low, high, step);
    const width = this.columnWidth;
    for (const [column, x] of shown) {
      if (x < -width || x > this.width + 20) continue;
      let place = placeOf(column.y, low);
      while (place < column.y.length && column.y[place] <= high) {
        this.#node(column.node[place], x, this.y(column.y[place]), step, width);
        place = step < 2 ? placeOf(column.y, column.y[place] + 2 / step, place + 1) : place + 1;
      }
    }
    for (const i of this.matches) this.#ring(i, inks.mark, 3);
    if (this.selected >= 0) this.#ring(this.selected, inks.accent, 2.5);
    pen.globalAlpha = 1;
  }

  // One bracket per parent, from its first child to its last; brackets of a depth never overlap.
  #links(shown, low, high, step) {
    const { pen, inks } = this;
    const width = this.columnWidth;
    pen.strokeStyle = inks.line;
    pen.lineWidth = 1;
    pen.beginPath();
    for (const [depth, [column, x]] of shown.entries()) {
      if (x < -width || x > this.width) continue;
      const bend = x + width - Math.min(16, width / 3);
      let drawn = -Infinity;
      for (let place = placeOf(column.last, low); place < column.first.length && column.first[place] <= high; place++) {
        const y = this.y(column.parentY[place]);
        const [top, bottom] = [this.y(column.first[place]), this.y(column.last[place])];
        if (bottom - top < 1 && y - drawn < 1.5) continue;
        drawn = y;
        pen.moveTo(x, y);
        pen.lineTo(bend, y);
        pen.moveTo(bend, Math.max(-10, top));
        pen.lineTo(bend, Math.min(this.height + 10, bottom));
      }
      const next = this.layout.columns[depth + 1];
      if (!next || step < SHAPES_FROM) continue;
      for (let place = placeOf(next.y, low); place < next.y.length && next.y[place] <= high; place++) {
        pen.moveTo(bend, this.y(next.y[place]));
        pen.lineTo(x + width, this.y(next.y[place]));
      }
    }
    pen.stroke();
  }

  #node(i, x, y, step, width) {
    const { pen, data, inks } = this;
    const look = this.look(i);
    if (step < SHAPES_FROM) {
      pen.globalAlpha = look.alpha * look.strength;
      pen.fillStyle = look.fill === inks.sheet ? inks.dim : look.fill;
      pen.fillRect(x - 4, y - 1, 8, Math.max(1.5, step * 0.8));
      return;
    }
    const r = Math.min(7, Math.max(2, step * 0.3));
    drawNode(pen, data, i, x, y, r, look);
    if (step < LABELS_FROM || width < 90) return;
    const taken = drawLabel(pen, data, i, x + r + 6, y, width - r - 34, look, inks);
    if (data.folded.has(i)) {
      pen.fillStyle = inks.accent;
      pen.fillText(`+${this.below[i]}`, x + r + 12 + taken, y);
    }
  }

  #ring(i, ink, lineWidth) {
    const depth = this.layout.depth[i];
    if (depth === undefined || depth < 0) return;
    const [x, y] = [this.x(depth), this.y(this.layout.row[i])];
    if (y < -20 || y > this.height + 20) return;
    this.pen.globalAlpha = 1;
    this.pen.strokeStyle = ink;
    this.pen.lineWidth = lineWidth;
    this.pen.beginPath();
    this.pen.arc(x, y, Math.min(11, Math.max(5, ROW * this.view.k * 0.45)), 0, 7);
    this.pen.stroke();
  }
}
