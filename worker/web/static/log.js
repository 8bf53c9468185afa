// The log pane: shows one step's log as it grows, follows its end until the reader scrolls up, and links its lines.
// The line that shows a command folds what it printed away, and tells how it ended once the step has.

import { Ansi } from "./ansi.js";
import { duration } from "./time.js";

const SHOWN_AT_FIRST = 2000; // lines; a link to an earlier one opens the log there
const MOST_LINES = 20000; // older ones leave the page; the raw log has them all
const BEFORE_TARGET = 50;

export class LogPane {
  constructor() {
    this.lines = document.querySelector("#log-lines");
    this.title = document.querySelector("#log-title");
    this.raw = document.querySelector("#log-raw");
    this.state = document.querySelector("#log-state");
    this.followButton = document.querySelector("#log-follow");
    this.source = null;
    this.follows = true;
    this.lines.addEventListener("scroll", () => this.#noticeScroll(), { passive: true });
    this.followButton.addEventListener("click", () => this.#follow());
    this.lines.addEventListener("click", (event) => this.#fold(event));
  }

  // Show a step: a link of the list of steps. `line` is the one to go to, if any.
  open(step, line = 0) {
    this.close();
    this.step = step;
    this.target = line;
    this.follows = !line;
    this.prefix = anchorOf(step);
    this.title.textContent = `${step.dataset.job} / ${step.dataset.step}`;
    this.raw.href = step.getAttribute("href");
    const removed = this.lines.dataset.removed;
    this.raw.hidden = Boolean(removed);
    this.#say(step.dataset);
    if (!removed) this.#listen(step.getAttribute("href"), line);
  }

  close() {
    this.source?.close();
    this.lines.replaceChildren();
    this.styles = { stdout: new Ansi(), stderr: new Ansi(), system: new Ansi() };
    this.command = "";
    this.folded = new Set();
    this.hasEnded = false;
  }

  // The list of steps was made anew: say what has become of the one that is shown.
  update(step) {
    this.step = step;
    this.#say(step.dataset);
  }

  #listen(href, line) {
    const from = line > BEFORE_TARGET ? line - BEFORE_TARGET : 1;
    const start = line ? `from=${from}` : `tail=${SHOWN_AT_FIRST}`;
    this.source = new EventSource(`${href}?${start}`);
    this.source.onmessage = (event) => this.#add(JSON.parse(event.data));
    this.source.addEventListener("end", (event) => {
      this.source.close();
      this.hasEnded = true;
      this.#tellCommands(JSON.parse(event.data).attempts);
      this.#say(this.step.dataset);
    });
  }

  #add(chunk) {
    if (!this.lines.firstElementChild && chunk.line > 1) this.lines.append(this.#earlier(chunk.line));
    const fragment = document.createDocumentFragment();
    chunk.lines.forEach((text, index) => fragment.append(this.#line(chunk, chunk.line + index, text)));
    this.lines.append(fragment);
    while (this.lines.childElementCount > MOST_LINES) this.lines.firstElementChild.remove();
    this.#goToTarget();
    if (this.follows) this.lines.scrollTop = this.lines.scrollHeight;
    this.state.hidden = this.hasEnded === false && this.lines.childElementCount > 0;
  }

  #line(chunk, number, text) {
    const line = document.createElement("div");
    line.className = `line ${chunk.stream}`;
    line.id = `${this.prefix}:${number}`;
    const command = chunk.command === null ? "" : `${chunk.attempt}.${chunk.command}`;
    if (command) line.dataset.command = command;
    if (command && command !== this.command && text.startsWith("+ ")) line.classList.add("command");
    else line.hidden = this.folded.has(command);
    this.command = command;
    const link = document.createElement("a");
    link.href = `#${line.id}`;
    link.textContent = number;
    link.tabIndex = -1;
    const content = document.createElement("span");
    content.append(this.styles[chunk.stream].render(text));
    line.append(link, content);
    return line;
  }

  // Fold what a command printed away, or show it again.
  #fold(event) {
    const head = event.target.closest?.(".line.command");
    if (!head || event.target.closest("a") || !getSelection().isCollapsed) return;
    const { command } = head.dataset;
    const isFolded = head.classList.toggle("folded");
    if (isFolded) this.folded.add(command);
    else this.folded.delete(command);
    for (const line of this.lines.querySelectorAll(`[data-command="${command}"]:not(.command)`)) line.hidden = isFolded;
  }

  // Say how each command ended, on its own line.
  #tellCommands(attempts) {
    for (const { number, commands } of attempts) {
      for (const { command, exit_code, duration_ms } of commands) {
        const code = exit_code === null ? "stopped, " : exit_code ? `exit code ${exit_code}, ` : "";
        const head = this.lines.querySelector(`.command[data-command="${number}.${command}"]`);
        if (!head) continue;
        head.classList.toggle("failed", exit_code !== 0);
        head.lastElementChild.dataset.ended = `${code}${duration(duration_ms)}`;
      }
    }
  }

  #earlier(first) {
    const note = document.createElement("p");
    note.className = "log-note";
    note.textContent = `Lines 1 to ${first - 1} are in the raw log.`;
    return note;
  }

  #goToTarget() {
    const line = this.target && document.getElementById(`${this.prefix}:${this.target}`);
    if (!line) return;
    this.lines.querySelector(".target")?.classList.remove("target");
    line.classList.add("target");
    line.scrollIntoView({ block: "center" });
    this.target = 0;
  }

  #noticeScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.lines;
    this.follows = scrollHeight - scrollTop - clientHeight < 24;
    this.followButton.hidden = this.follows || this.hasEnded;
  }

  #follow() {
    this.follows = true;
    this.lines.scrollTop = this.lines.scrollHeight;
  }

  #say({ status, note }) {
    const said = status.replace("_", " ");
    const isOver = !["pending", "running", "blocked"].includes(status);
    const { removed } = this.lines.dataset;
    const more = (note ? `: ${note}` : "") + (removed ? `; ${removed}` : "");
    this.state.className = `log-note ${status}`;
    this.state.textContent = isOver ? `${said}${more}` : status === "running" ? "Waiting for output…" : `${said}${more}`;
    this.state.hidden = !isOver && this.lines.childElementCount > 0;
    if (isOver) this.followButton.hidden = true;
  }
}

// A step in an address: `job/step`, each of which may hold any character.
export function anchorOf({ dataset: { job, step } }) {
  return `${encodeURIComponent(job)}/${encodeURIComponent(step)}`;
}
