// Keys of every page: j and k move between [data-item], Enter opens, / searches, ? helps, g and a letter goes somewhere.
// A page adds its own with `bind`. Keys never act while one types.

const PLACES = { d: "/", r: "/runs", t: "/tensions", v: "/review", a: "/arena", l: "/lessons" };
const own = new Map();
let going = false;

export function bind(key, act) {
  own.set(key, act);
}

function items() {
  return [...document.querySelectorAll("[data-item]")].filter((item) => item.offsetParent !== null);
}

function move(step) {
  const all = items();
  if (!all.length) return;
  const now = all.findIndex((item) => item.classList.contains("at"));
  const next = all[Math.min(all.length - 1, Math.max(0, now < 0 ? (step > 0 ? 0 : all.length - 1) : now + step))];
  if (now >= 0) all[now].classList.remove("at");
  next.classList.add("at");
  next.scrollIntoView({ block: "nearest" });
  const focus = next.matches("a, button, input, summary") ? next : next.querySelector("a, button, input, summary");
  (focus ?? next).focus({ preventScroll: true });
}

function typing(target) {
  return target.matches?.("textarea, select, [contenteditable], input:not([type=radio]):not([type=checkbox]):not([type=range])");
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && typing(event.target)) return event.target.blur();
  if (typing(event.target) && !(event.ctrlKey && own.has(`Ctrl+${event.key}`))) return;
  if (event.altKey || event.metaKey) return;
  const key = event.ctrlKey ? `Ctrl+${event.key}` : event.key;
  if (going) {
    going = false;
    if (PLACES[key]) {
      event.preventDefault();
      location.assign(PLACES[key]);
    }
    return;
  }
  const act =
    own.get(key) ??
    {
      j: () => move(1),
      k: () => move(-1),
      g: () => (going = true),
      "/": () => document.getElementById("find").select(),
      "?": () => document.getElementById("help").showModal(),
    }[key];
  if (act) {
    event.preventDefault();
    act(event);
  }
});

document.querySelector("[data-help]")?.addEventListener("click", () => document.getElementById("help").showModal());
