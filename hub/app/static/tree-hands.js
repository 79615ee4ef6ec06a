// Mouse, touch, wheel and keys on the tree and on its map.

import { goTo } from "./tree-map.js";

export function listen(view) {
  const { canvas, map } = view;
  const held = new Map();
  let moved = 0;
  let pinch = 0;

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, event);
    moved = 0;
    pinch = spread(held);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held.has(event.pointerId)) {
      const i = view.at(event.offsetX, event.offsetY);
      canvas.title = i >= 0 ? `${view.data.id[i]} ${view.data.title[i]}` : "";
      canvas.classList.toggle("over", i >= 0);
      return;
    }
    const last = held.get(event.pointerId);
    const [dx, dy] = [event.offsetX - last.offsetX, event.offsetY - last.offsetY];
    held.set(event.pointerId, event);
    moved += Math.abs(dx) + Math.abs(dy);
    view.pan(dx / held.size, dy / held.size);
    if (held.size === 2) {
      const now = spread(held);
      const [a, b] = [...held.values()];
      if (pinch) view.zoom(now / pinch, (a.offsetX + b.offsetX) / 2, (a.offsetY + b.offsetY) / 2);
      pinch = now;
    }
  });
  const release = (event) => {
    if (held.delete(event.pointerId) && event.type === "pointerup" && moved < 6) {
      const i = view.at(event.offsetX, event.offsetY);
      if (i >= 0) view.choose(i);
    }
    pinch = spread(held);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("dblclick", (event) => {
    const i = view.at(event.offsetX, event.offsetY);
    if (i >= 0) view.fold(i);
    else view.zoom(1.8, event.offsetX, event.offsetY);
  });
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const box = canvas.getBoundingClientRect();
      if (event.shiftKey) view.pan(-event.deltaY - event.deltaX, 0);
      else view.zoom(Math.exp(-event.deltaY * 0.0018), event.clientX - box.x, event.clientY - box.y);
    },
    { passive: false },
  );
  canvas.addEventListener("keydown", (event) => {
    const act = keys(view)[event.shiftKey && event.key.startsWith("Arrow") ? `Shift${event.key}` : event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });

  let mapping = false;
  const place = (event) => goTo(view, (event.offsetX * map.width) / map.clientWidth, (event.offsetY * map.height) / map.clientHeight);
  map.addEventListener("pointerdown", (event) => {
    mapping = true;
    map.setPointerCapture(event.pointerId);
    place(event);
  });
  map.addEventListener("pointermove", (event) => mapping && place(event));
  map.addEventListener("pointerup", () => (mapping = false));
}

function spread(held) {
  if (held.size !== 2) return 0;
  const [a, b] = [...held.values()];
  return Math.hypot(a.offsetX - b.offsetX, a.offsetY - b.offsetY);
}

function keys(view) {
  const { data, layout } = view;
  const now = Math.max(0, view.selected);
  const go = (i) => {
    if (i === undefined || i < 0) return;
    view.choose(i);
    view.show(i);
  };
  const beside = (step) => {
    const column = layout.columns[layout.depth[now]];
    return column?.node[column.node.indexOf(now) + step];
  };
  return {
    ArrowLeft: () => go(data.parent[now]),
    ArrowRight: () => go(view.selected < 0 ? 0 : data.children[now]?.[0]),
    ArrowUp: () => go(beside(-1)),
    ArrowDown: () => go(beside(1)),
    Home: () => go(0),
    " ": () => view.fold(now),
    "+": () => view.zoom(1.3),
    "-": () => view.zoom(1 / 1.3),
    0: () => view.fit(),
    ShiftArrowLeft: () => view.pan(80, 0),
    ShiftArrowRight: () => view.pan(-80, 0),
    ShiftArrowUp: () => view.pan(0, 80),
    ShiftArrowDown: () => view.pan(0, -80),
  };
}
