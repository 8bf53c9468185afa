// ANSI: turns a line of a log into text nodes and spans. Colours and weight (SGR) are shown, every other control
// sequence is dropped: cursor moves, titles, links and whatever else would speak to a terminal. Text never becomes HTML.

const SEQUENCE = new RegExp(
  [
    "(?:\\x1b\\[|\\x9b)([0-9;:]*)m", // SGR, the only one with a group
    "(?:\\x1b\\[|\\x9b)[0-?]*[ -/]*[@-~]", // other control sequences
    "(?:\\x1b[\\]PX^_]|[\\x90\\x98\\x9d-\\x9f]).*?(?:\\x07|\\x1b\\\\|\\x9c|$)", // strings: titles, links
    "\\x1b[ -/]*[0-~]?", // other escapes
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]", // single control characters
  ].join("|"),
  "g",
);
const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const LEVELS = [0, 95, 135, 175, 215, 255];
const FLAGS = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike" };
const UNSET = { 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"], 27: ["inverse"], 29: ["strike"] };

export class Ansi {
  constructor() {
    this.reset();
  }

  reset() {
    this.flags = new Set();
    this.colours = { fg: null, bg: null };
  }

  // A fragment for one line. What a line sets lasts into the next, as in a terminal.
  render(line) {
    const fragment = document.createDocumentFragment();
    const text = lastDrawn(line);
    let position = 0;
    for (const match of text.matchAll(SEQUENCE)) {
      this.#add(fragment, text.slice(position, match.index));
      if (match[1] !== undefined) this.#select(match[1]);
      position = match.index + match[0].length;
    }
    this.#add(fragment, text.slice(position));
    return fragment;
  }

  #add(fragment, text) {
    if (!text) return;
    if (!this.flags.size && !this.colours.fg && !this.colours.bg) {
      fragment.append(text);
      return;
    }
    const span = document.createElement("span");
    span.className = [...this.flags].join(" ");
    for (const [place, colour] of Object.entries(this.colours)) {
      if (colour?.name) span.classList.add(`${place}-${colour.name}`);
      else if (colour) span.style[place === "fg" ? "color" : "backgroundColor"] = colour.rgb;
    }
    span.textContent = text;
    fragment.append(span);
  }

  #select(parameters) {
    const codes = parameters.split(/[;:]/).map(Number);
    while (codes.length) this.#apply(codes.shift(), codes);
  }

  #apply(code, rest) {
    if (code === 0) this.reset();
    else if (FLAGS[code]) this.flags.add(FLAGS[code]);
    else if (UNSET[code]) UNSET[code].forEach((flag) => this.flags.delete(flag));
    else if (code === 39 || code === 49) this.colours[code === 39 ? "fg" : "bg"] = null;
    else if (code === 38 || code === 48) this.colours[code === 38 ? "fg" : "bg"] = extended(rest);
    else if (code >= 30 && code <= 47) this.colours[code < 40 ? "fg" : "bg"] = { name: NAMES[code % 10] };
    else if (code >= 90 && code <= 107) this.colours[code < 100 ? "fg" : "bg"] = { name: `bright-${NAMES[code % 10]}` };
  }
}

// What a carriage return leaves to see: the last drawing of a progress bar.
function lastDrawn(line) {
  return line.split("\r").findLast((part) => part !== "") ?? "";
}

// A colour of 38 or 48: `5;N` of the table of 256, or `2;R;G;B`.
function extended(codes) {
  const kind = codes.shift();
  if (kind === 2) return { rgb: `rgb(${codes.splice(0, 3).map((level) => level & 255).join(" ")})` };
  const index = kind === 5 ? codes.shift() & 255 : 7;
  if (index < 16) return { name: (index < 8 ? "" : "bright-") + NAMES[index % 8] };
  if (index >= 232) return { rgb: `rgb(${Array(3).fill((index - 232) * 10 + 8).join(" ")})` };
  const cube = index - 16;
  return { rgb: `rgb(${[cube / 36, cube / 6, cube].map((part) => LEVELS[Math.floor(part) % 6]).join(" ")})` };
}
