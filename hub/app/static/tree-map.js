// The small map: the whole tree at once, and the part that is in view. It is painted anew only when the tree changes.

import { placeOf } from "./tree-data.js";
import { ROW } from "./tree-paint.js";

const painted = new WeakMap();

export function mapScale(view) {
  const { layout, map } = view;
  return {
    x: (map.width - 12) / Math.max(1, layout.columns.length - 1),
    y: (map.height - 12) / Math.max(1, layout.bottom - layout.top),
  };
}

function paint(view) {
  const { map, layout, inks } = view;
  const sheet = new OffscreenCanvas(map.width, map.height);
  const pen = sheet.getContext("2d");
  const scale = mapScale(view);
  layout.columns.forEach((column, depth) => {
    for (let place = 0; place < column.y.length; ) {
      const look = view.look(column.node[place]);
      pen.globalAlpha = look.alpha;
      pen.fillStyle = look.fill === inks.sheet ? inks.dim : look.fill;
      pen.fillRect(4 + depth * scale.x, 6 + (column.y[place] - layout.top) * scale.y, 4, 1.2);
      place = placeOf(column.y, column.y[place] + 1.2 / scale.y, place + 1);
    }
  });
  return sheet;
}

export function drawMap(view) {
  const { map, layout } = view;
  if (!layout.columns.length) return;
  if (view.mapStale || !painted.has(map)) {
    painted.set(map, paint(view));
    view.mapStale = false;
  }
  const pen = map.getContext("2d");
  const scale = mapScale(view);
  pen.clearRect(0, 0, map.width, map.height);
  pen.drawImage(painted.get(map), 0, 0);
  const left = (-view.view.x / view.columnWidth) * scale.x;
  const top = (-view.view.y / (ROW * view.view.k) - layout.top) * scale.y;
  pen.strokeStyle = view.inks.accent;
  pen.lineWidth = 1.5;
  pen.strokeRect(6 + left, 6 + top, (view.width / view.columnWidth) * scale.x, (view.height / (ROW * view.view.k)) * scale.y);
}

// Moves the view so that a point of the map is in its middle.
export function goTo(view, px, py) {
  const scale = mapScale(view);
  view.view.x = view.width / 2 - ((px - 6) / scale.x) * view.columnWidth;
  view.view.y = view.height / 2 - ((py - 6) / scale.y + view.layout.top) * ROW * view.view.k;
  view.pan(0, 0);
}
