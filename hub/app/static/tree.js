// The page of a tree: data once, then what changes; canvas, list and card show the same choice.

import { bind } from "./keys.js";
import { follow } from "./live.js";
import { TreeCanvas } from "./tree-canvas.js";
import { TreeData } from "./tree-data.js";
import { TreeList } from "./tree-list.js";

export async function openTree(stage, address, chosen) {
  const wait = stage.querySelector(".tree-wait");
  try {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    const told = await answer.json();
    const data = new TreeData(told);
    wait.hidden = data.size > 0;
    wait.textContent = "This run has no nodes yet: they appear here as soon as it has chosen its first step.";
    return { told, data, view: new TreeCanvas(stage, data, chosen) };
  } catch (error) {
    wait.textContent = `The tree could not be read: ${error.message}. Reload the page to try again.`;
    throw error;
  }
}

export function tools(stage, view) {
  const find = stage.querySelector("#tree-find");
  const found = stage.querySelector("#tree-found");
  const acts = {
    fold: () => view.fold(Math.max(0, view.selected)),
    foldAll: () => foldAll(view),
    unfoldAll: () => (view.data.folded.clear(), view.relay(), view.fit()),
    in: () => view.zoom(1.4),
    out: () => view.zoom(1 / 1.4),
    fit: () => view.fit(),
  };
  stage.querySelectorAll("[data-do]").forEach((button) => button.addEventListener("click", acts[button.dataset.do]));
  stage.querySelector("#tree-fill").addEventListener("change", (event) => {
    view.mode = event.target.value;
    view.redraw(true);
  });
  let [matches, at] = [[], -1];
  const step = (by) => {
    if (!matches.length) return;
    at = (at + by + matches.length) % matches.length;
    view.show(matches[at]);
    view.choose(matches[at]);
    found.textContent = `${at + 1} of ${matches.length}`;
  };
  find.addEventListener("input", () => {
    matches = view.data.find(find.value);
    at = -1;
    view.matches = new Set(matches.slice(0, 3000));
    found.textContent = find.value.trim() ? `${matches.length} found` : "";
    view.redraw();
  });
  find.addEventListener("keydown", (event) => event.key === "Enter" && step(event.shiftKey ? -1 : 1));
  bind("f", () => find.select());
  bind("n", () => step(1));
  bind("N", () => step(-1));
  bind("+", acts.in);
  bind("-", acts.out);
  bind("0", acts.fit);
}

// Folds everything below the first two levels, but for the way to the chosen node.
function foldAll(view) {
  const { data } = view;
  const kept = new Set(view.selected >= 0 ? data.path(view.selected) : []);
  const depth = new Int16Array(data.size);
  for (let i = 0; i < data.size; i++) {
    depth[i] = data.parent[i] < 0 ? 0 : depth[data.parent[i]] + 1;
    if (depth[i] >= 2 && data.children[i] && !kept.has(i)) data.folded.add(i);
  }
  view.relay();
  view.fit();
}

export async function showCard(card, base, name) {
  const answer = await fetch(`${base}/nodes/${encodeURIComponent(name)}`);
  const text = await answer.text();
  if (card.dataset.node !== name) return;
  if (answer.ok) card.innerHTML = text;
  else card.textContent = new DOMParser().parseFromString(text, "text/html").querySelector("main p")?.textContent ?? "This node could not be read.";
}

function tell(data) {
  const ended = data.stopped ? `, stopped: ${data.stopped}` : "";
  document.getElementById("tree-told").textContent = `${data.size.toLocaleString("en")} nodes, ${(data.seq + 1).toLocaleString("en")} events${ended}`;
}

async function start(stage) {
  const base = stage.dataset.tree;
  const card = document.getElementById("card");
  let list = null;
  const choose = (i, scroll = true) => {
    view.choose(i, false);
    list.choose(i, scroll);
    card.dataset.node = data.id[i];
    history.replaceState(null, "", `?node=${encodeURIComponent(data.id[i])}`);
    showCard(card, base, data.id[i]);
  };
  const { data, view } = await openTree(stage, `${base}/tree.json`, choose);
  list = new TreeList(document.getElementById("tree-list"), data, (i) => {
    choose(i, false);
    view.show(i);
  });
  tools(stage, view);
  tell(data);
  const asked = data.number.get(card.dataset.node);
  if (asked !== undefined) {
    choose(asked);
    view.show(asked);
  }
  window.evidentiaTree = { data, view, drawn: () => [...view.spans].sort((a, b) => a - b)[view.spans.length >> 1] };
  if (data.stopped) return;
  const live = document.getElementById("tree-live");
  live.hidden = false;
  let relaying = 0;
  follow(`${base}/tree/stream`, Math.max(0, data.seq), {
    nodes(message) {
      const first = !data.size;
      if (data.take(message)) relaying ||= setTimeout(() => ((relaying = 0), view.relay(), first && view.fit()), 250);
      else view.redraw(true);
      if (data.size) stage.querySelector(".tree-wait").hidden = true;
      list.update(message.rows.map((row) => row[0]));
      tell(data);
      if (message.rows.some((row) => row[1] === card.dataset.node)) showCard(card, base, card.dataset.node);
    },
    end: () => (live.hidden = true),
  });
}

const stage = document.querySelector("[data-live=yes]");
if (stage) start(stage);
