// The output of a job as it comes: <job-output data-stream data-from><pre>. Follows the end while one is at the end.

import { follow } from "./live.js";

const MOST = 400_000; // characters that are kept in the page

customElements.define(
  "job-output",
  class extends HTMLElement {
    connectedCallback() {
      const shown = this.querySelector("pre");
      shown.scrollTop = shown.scrollHeight;
      if (!this.dataset.stream) return;
      const panel = this.closest(".job");
      this.stop = follow(this.dataset.stream, this.dataset.from, {
        output: ({ text, run }) => {
          panel?.querySelector("[data-until-output]")?.remove();
          const link = panel?.querySelector("[data-job-run]");
          if (run && link && location.pathname !== `/runs/${run}`) {
            link.hidden = false;
            link.querySelector("a").href = `/runs/${encodeURIComponent(run)}`;
          }
          const atEnd = shown.scrollHeight - shown.scrollTop - shown.clientHeight < 40;
          const all = shown.textContent + text;
          if (all.length > MOST) shown.textContent = `… ${all.slice(-MOST / 2)}`;
          else shown.append(text);
          if (atEnd) shown.scrollTop = shown.scrollHeight;
        },
        state: ({ state }) => {
          const mark = panel?.querySelector("[data-job-state]");
          if (mark) {
            mark.textContent = state;
            mark.className = `job-state ${state}`;
          }
          panel?.querySelectorAll("[data-while-running]").forEach((part) => part.remove());
          this.dispatchEvent(new CustomEvent("job-ended", { bubbles: true, detail: { state } }));
        },
        end: () => {},
      });
    }

    disconnectedCallback() {
      this.stop?.();
    }
  },
);
