// The chain of a claim by number keys, and the claims beside it.
import { bind } from "./keys.js";

["claim", "cells", "run", "code", "output"].forEach((id, place) =>
  bind(String(place + 1), () => {
    const section = document.getElementById(id);
    section?.scrollIntoView({ block: "start" });
    section?.focus({ preventScroll: true });
  }),
);
bind("n", () => document.querySelector("[data-after]")?.click());
bind("p", () => document.querySelector("[data-before]")?.click());
