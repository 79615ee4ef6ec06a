// Reviewing by keyboard: digits answer the question one is at and go on, e shows its evidence, Ctrl+Enter submits.
import { bind } from "./keys.js";

const form = document.getElementById("review");
const next = document.getElementById("next");

function questions() {
  return [...form.querySelectorAll("[data-question]")];
}

function at() {
  const inside = document.activeElement?.closest?.("[data-question]");
  return inside ?? form.querySelector("[data-question].at") ?? questions().find((q) => !q.querySelector("input:checked")) ?? questions()[0];
}

function mark(question) {
  for (const other of questions()) other.classList.toggle("at", other === question);
  (question.querySelector("input:checked") ?? question.querySelector("input")).focus({ preventScroll: true });
  question.scrollIntoView({ block: "nearest" });
}

if (form) {
  for (let digit = 1; digit <= 5; digit++)
    bind(String(digit), () => {
      const question = at();
      const choice = question?.querySelectorAll("input[type=radio]")[digit - 1];
      if (!choice) return;
      choice.checked = true;
      choice.dispatchEvent(new Event("change", { bubbles: true }));
      question.classList.remove("missing");
      const all = questions();
      const following = all[all.indexOf(question) + 1];
      if (following) mark(following);
      else document.getElementById("summary").focus();
    });
  bind("e", () => document.getElementById(at()?.dataset.claim)?.scrollIntoView({ block: "center" }));
  bind("Ctrl+Enter", () => form.requestSubmit());
  if (questions().length) mark(form.querySelector(".missing[data-question]") ?? at());
}
next?.focus();
