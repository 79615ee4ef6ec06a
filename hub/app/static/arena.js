// Keys of the arena: 1 to 4 answer, Ctrl+Enter votes and goes on.
import { bind } from "./keys.js";

const form = document.getElementById("vote");
if (form) {
  for (const choice of form.querySelectorAll("[data-key]"))
    bind(choice.dataset.key, () => {
      choice.checked = true;
      choice.focus();
    });
  bind("Ctrl+Enter", () => form.requestSubmit());
}
