// How a node looks: shape by kind, fill by outcome, effect or rung, border by rung. Colours come from the style sheet.

export const ROW = 24;
export const COLUMN = 250;
const RUNG_WIDTH = [1, 1.6, 2.2, 2.8, 3.2, 3.6];

export function readInks(place) {
  const inks = {};
  for (const item of place.querySelectorAll("[data-ink]")) inks[item.dataset.ink] = getComputedStyle(item).color;
  return inks;
}

export function fillOf(data, i, state, mode, inks) {
  const told = data.states[state];
  if (mode === "rung") {
    if (data.rung[i] < -1) return inks.line;
    return data.rung[i] >= 3 ? inks.good : data.rung[i] >= 1 ? inks.accent : inks.dim;
  }
  if (mode === "effect" && !(data.effect[i] > 0)) return inks.line;
  if (mode === "effect") return inks.accent;
  if (told === "survived" || told === "mended") return inks.supported;
  if (told === "not survived" || told === "failed") return inks.refuted;
  if (told === "undecided" || told === "recorded") return inks.null;
  return inks[told] ?? (data.kindOf(i) === "dead_end" ? inks.dim : inks.sheet);
}

// The size of an effect as opacity: ten times the smallest effect of interest is twice as dark as once.
export function strength(data, i, mode) {
  return mode === "effect" && data.effect[i] > 0 ? Math.min(1, 0.3 + 0.35 * Math.log10(1 + data.effect[i])) : 1;
}

export function borderOf(data, i, inks) {
  const rung = data.rung[i];
  const ink = rung >= 3 ? inks.good : rung >= 1 ? inks.accent : inks.dim;
  return [ink, rung >= 0 ? RUNG_WIDTH[Math.min(rung, 5)] : 1, rung === -1 || rung === 0];
}

const SHAPES = {
  question(pen, x, y, r) {
    pen.arc(x, y, r * 1.15, 0, 7);
    pen.moveTo(x + r * 0.55, y);
    pen.arc(x, y, r * 0.55, 0, 7);
  },
  experiment: (pen, x, y, r) => pen.arc(x, y, r, 0, 7),
  decision: (pen, x, y, r) => polygon(pen, [[x, y - r * 1.25], [x + r * 1.25, y], [x, y + r * 1.25], [x - r * 1.25, y]]),
  attack: (pen, x, y, r) => polygon(pen, [[x, y - r * 1.1], [x + r * 1.15, y + r * 0.95], [x - r * 1.15, y + r * 0.95]]),
  repair: (pen, x, y, r) => pen.rect(x - r * 1.2, y - r * 0.65, r * 2.4, r * 1.3),
  aggregate: (pen, x, y, r) => polygon(pen, [0, 1, 2, 3, 4, 5].map((k) => [x + r * 1.2 * Math.cos((k * Math.PI) / 3), y + r * 1.2 * Math.sin((k * Math.PI) / 3)])),
  pivot: (pen, x, y, r) => polygon(pen, [[x - r, y - r * 1.1], [x + r * 1.3, y], [x - r, y + r * 1.1]]),
  dead_end: (pen, x, y, r) => pen.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8),
};

function polygon(pen, points) {
  points.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
}

export function drawNode(pen, data, i, x, y, r, look) {
  const kind = data.kindOf(i);
  pen.beginPath();
  SHAPES[kind](pen, x, y, r);
  pen.fillStyle = look.fill;
  pen.globalAlpha = look.alpha * look.strength;
  pen.fill();
  pen.globalAlpha = look.alpha;
  if (r < 3) return;
  const [ink, width, dashed] = look.border;
  pen.strokeStyle = ink;
  pen.lineWidth = width;
  pen.setLineDash(dashed ? [2, 2] : []);
  pen.stroke();
  pen.setLineDash([]);
  if (kind === "dead_end") {
    pen.beginPath();
    pen.moveTo(x - r * 1.5, y + r * 1.5);
    pen.lineTo(x + r * 1.5, y - r * 1.5);
    pen.stroke();
  }
}

const widths = new Map();

function widthOf(pen, text) {
  let found = widths.get(text);
  if (found === undefined) {
    if (widths.size > 20000) widths.clear();
    widths.set(text, (found = pen.measureText(text).width));
  }
  return found;
}

export function drawLabel(pen, data, i, x, y, room, look, inks) {
  const most = Math.floor(room / 5.9);
  const title = data.title[i];
  const text = title.length > most ? `${title.slice(0, Math.max(1, most - 1))}…` : title;
  const width = Math.min(room, widthOf(pen, text));
  pen.globalAlpha = 1;
  pen.fillStyle = inks.sheet;
  pen.fillRect(x - 3, y - 8, width + 6, 16);
  pen.globalAlpha = look.alpha;
  const dead = data.kindOf(i) === "dead_end" || data.states[data.state[i]] === "pruned";
  pen.fillStyle = dead ? inks.dim : inks.text;
  pen.fillText(text, x, y, room);
  if (dead) pen.fillRect(x, y, width, 1);
  return width;
}
