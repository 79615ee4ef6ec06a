// A run as it goes on: its account line by line, and its state, budgets and questions as they change.

import { follow } from "./live.js";

const MOST = 1000; // lines that are kept in the page
const lines = document.getElementById("lines");
const { run, did } = lines.dataset;

function refresh(what) {
  const query = what === "waiting" && did ? `?did=${encodeURIComponent(did)}` : "";
  htmx.ajax("GET", `/runs/${run}/${what}${query}`, { target: `#${what}`, swap: "innerHTML" });
}

let listing = null;
function packages() {
  listing ??= setTimeout(() => {
    listing = null;
    htmx.ajax("GET", `/runs/${run}`, { target: "#packages", select: "#packages", swap: "outerHTML" });
  }, 3000);
}

let due = null;
function soon() {
  due ??= setTimeout(() => {
    due = null;
    refresh("status");
  }, 700);
}

function line([time, kind, text]) {
  const item = document.createElement("li");
  item.className = kind.replace(/[^a-z_]/g, "-");
  const when = document.createElement("time");
  when.dateTime = time;
  when.textContent = time.slice(11, 19);
  const told = document.createElement("span");
  told.textContent = text;
  item.append(when, " ", told);
  return item;
}

lines.scrollTop = lines.scrollHeight;
if (run) {
  follow(`/runs/${run}/stream`, lines.dataset.from, {
    lines: ({ lines: told }) => {
      const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 60;
      lines.append(...told.map(line));
      while (lines.childElementCount > MOST) lines.firstElementChild.remove();
      if (atEnd) lines.scrollTop = lines.scrollHeight;
      soon();
      if (told.some(([, kind]) => kind === "package.compiled")) packages();
      // A form that somebody fills in is left alone.
      if (!document.getElementById("waiting").contains(document.activeElement)) refresh("waiting");
    },
    end: () => {},
  });
  // A process that is killed writes no event.
  setInterval(() => document.hidden || refresh("status"), 10_000);
}
