// Replay: the log's history is folded here, so that every instant is a few thousand small steps away at most. The tree
// keeps its final shape and what was not there yet is dim, so that nothing jumps while one plays.

import { bind } from "./keys.js";
import { openTree, tools } from "./tree.js";
import { placeOf } from "./tree-data.js";

class Fold {
  constructor(size, [seqs, nodes, states]) {
    [this.seqs, this.nodes, this.changed] = [seqs, nodes, states];
    this.states = new Uint8Array(size);
    this.place = 0;
  }

  // The states of all nodes after an event: forwards from here, backwards from the beginning.
  to(seq) {
    if (this.place > 0 && this.seqs[this.place - 1] > seq) {
      this.states.fill(0);
      this.place = 0;
    }
    while (this.place < this.seqs.length && this.seqs[this.place] <= seq) {
      this.states[this.nodes[this.place]] = this.changed[this.place];
      this.place++;
    }
    return this.states;
  }
}

const transport = document.getElementById("transport");
const scrub = document.getElementById("scrub");
const state = document.getElementById("state");
const where = document.getElementById("where");
const strip = transport.querySelector(".strip");

function paintStrip(told, inks, at) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const [width, height] = [strip.clientWidth, 22];
  strip.width = width * ratio;
  strip.height = height * ratio;
  const pen = strip.getContext("2d");
  pen.scale(ratio, ratio);
  const place = (seq) => 8 + ((width - 16) * seq) / Math.max(1, told.seq);
  const bars = (seqs, ink, top, tall) => {
    pen.fillStyle = ink;
    let last = -2;
    for (const seq of seqs) {
      const x = place(seq);
      if (x - last >= 1.5) pen.fillRect((last = x), top, 1.5, tall);
    }
  };
  pen.fillStyle = inks.line;
  pen.fillRect(8, 11, width - 16, 1);
  bars(told.decisions, inks.accent, 1, 9);
  bars(told.failures, inks.refuted, 13, 8);
  pen.fillStyle = inks.text;
  pen.fillRect(place(at) - 1, 0, 2, 22);
}

function clock(seconds) {
  const two = (n) => String(n).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

async function start(stage) {
  const base = stage.dataset.tree;
  let chosen = "";
  const { told, data, view } = await openTree(stage, `${base}/tree.json?history=true`, (i) => {
    chosen = data.id[i];
    ask();
  });
  tools(stage, view);
  const fold = new Fold(data.size, told.changes);
  const last = Math.max(0, told.seq);
  scrub.max = last;
  let at = 0;
  let [playing, before] = [0, 0];

  let asked = 0;
  async function load() {
    const [seq, node] = [at, chosen];
    const answer = await fetch(`${base}/replay/state?at=${seq}&node=${encodeURIComponent(node)}`);
    if (seq !== at || node !== chosen) return;
    const open = new Map([...state.querySelectorAll("[data-group]")].map((group) => [group.dataset.group, group.open]));
    if (!answer.ok) return void (state.textContent = "This instant could not be read.");
    state.innerHTML = await answer.text();
    for (const group of state.querySelectorAll("[data-group]")) if (open.has(group.dataset.group)) group.open = open.get(group.dataset.group);
  }
  function ask() {
    clearTimeout(asked);
    asked = setTimeout(load, playing ? 250 : 90);
    history.replaceState(null, "", `?at=${at}${chosen ? `&node=${encodeURIComponent(chosen)}` : ""}`);
  }

  function seek(seq, follow = true) {
    at = Math.max(0, Math.min(last, Math.round(seq)));
    view.stateAt = fold.to(at);
    view.limit = at;
    const about = told.about[at] ?? -1;
    if (follow) {
      chosen = "";
      view.choose(about, false);
      if (about >= 0 && view.nearby(about)) view.show(about, false);
    }
    view.redraw();
    scrub.value = at;
    const kind = told.event_kinds[told.event[at]] ?? "";
    where.textContent = `event ${at.toLocaleString("en")} of ${last.toLocaleString("en")}, ${clock(told.time[at] ?? 0)} after the start`;
    scrub.ariaValueText = `event ${at} of ${last}: ${kind}`;
    paintStrip(told, view.inks, at);
    ask();
  }

  function next(seqs, back) {
    stop();
    const place = back ? placeOf(seqs, at) - 1 : placeOf(seqs, at + 1);
    if (place >= 0 && place < seqs.length) seek(seqs[place]);
    else where.textContent = back ? "there is none before this" : "there is none after this";
  }

  function stop() {
    playing = 0;
    document.getElementById("play-word").textContent = "Play";
  }
  function tick(now) {
    if (!playing) return;
    const steps = ((now - before) / 1000) * Number(document.getElementById("speed").value);
    if (steps >= 1) {
      before = now;
      seek(at + Math.floor(steps));
      if (at >= last) return stop();
    }
    requestAnimationFrame(tick);
  }
  function play() {
    if (playing) return stop();
    if (at >= last) seek(0);
    playing = 1;
    before = performance.now();
    document.getElementById("play-word").textContent = "Pause";
    requestAnimationFrame(tick);
  }

  const acts = {
    back: () => (stop(), seek(at - 1)),
    forward: () => (stop(), seek(at + 1)),
    play,
    decision: () => next(told.decisions, false),
    failure: () => next(told.failures, false),
  };
  transport.querySelectorAll("[data-go]").forEach((button) => button.addEventListener("click", acts[button.dataset.go]));
  scrub.addEventListener("input", () => (stop(), seek(Number(scrub.value))));
  bind("p", play);
  bind("ArrowLeft", acts.back);
  bind("ArrowRight", acts.forward);
  bind("d", acts.decision);
  bind("D", () => next(told.decisions, true));
  bind("x", acts.failure);
  bind("X", () => next(told.failures, true));
  addEventListener("resize", () => paintStrip(told, view.inks, at));
  seek(Number(transport.dataset.at) || 0);
  const given = data.number.get(transport.dataset.node);
  if (given !== undefined) view.choose(given);
  window.evidentiaReplay = { seek, at: () => at, told, view };
}

const stage = document.querySelector("[data-tree]");
if (stage) start(stage);
