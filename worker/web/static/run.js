// A run's page: hears of every Record, makes the list of steps anew, and shows the log of the step that matters.

import { listenForActions } from "./actions.js";
import { LogPane, anchorOf } from "./log.js";
import { refresh } from "./refresh.js";
import { keepTime } from "./time.js";

const page = document.querySelector("[data-run]");
const pane = new LogPane();
let shown = ""; // the anchor of the step whose log is shown
let isChosen = false; // by the reader, so that the page doesn't move on by itself

const steps = () => [...document.querySelectorAll("a.step")];
const find = (anchor) => steps().find((step) => anchorOf(step) === anchor);
const hasFinished = () => document.querySelector('[data-live="head"]').dataset.finished === "true";

function show(step, line = 0) {
  if (!step) return;
  shown = anchorOf(step);
  mark();
  pane.open(step, line);
}

function mark() {
  for (const step of steps()) {
    if (anchorOf(step) === shown) step.setAttribute("aria-current", "true");
    else step.removeAttribute("aria-current");
  }
}

function mostTelling() {
  const all = steps();
  const withStatus = (...statuses) => all.find((step) => statuses.includes(step.dataset.status));
  const last = all.findLast((step) => step.dataset.status === "success");
  return withStatus("running") ?? withStatus("failure", "timed_out", "error", "lost", "cancelled") ?? last ?? all[0];
}

function showFromAddress() {
  const [anchor, line] = location.hash.slice(1).split(":");
  const step = find(anchor);
  if (!step) return false;
  isChosen = true;
  show(step, Number(line) || 0);
  return true;
}

async function update() {
  await refresh();
  mark();
  const current = find(shown);
  const telling = mostTelling();
  if (telling && !isChosen && anchorOf(telling) !== shown) show(telling);
  else if (current) pane.update(current);
}

// At most one request at a time, and one more after it if something has come meanwhile.
let running = null;
let isDue = false;
function updateSoon() {
  isDue = true;
  running ??= (async () => {
    while (isDue) {
      isDue = false;
      await update().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    running = null;
  })();
}

function listen() {
  const source = new EventSource(`/api/runs/${page.dataset.run}/records`);
  source.onmessage = (event) => {
    updateSoon();
    if (JSON.parse(event.data).type === "run_finished") source.close();
  };
}

document.addEventListener("click", (event) => {
  const step = event.target.closest?.("a.step");
  if (!step || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  isChosen = true;
  history.pushState(null, "", `#${anchorOf(step)}`);
  show(step);
});
window.addEventListener("popstate", showFromAddress);
window.addEventListener("hashchange", showFromAddress);

listenForActions(page.dataset.run);
keepTime(page.dataset.now);
if (!showFromAddress()) show(mostTelling());
if (!hasFinished()) listen();
