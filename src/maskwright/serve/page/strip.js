// The strip of pictures: a button for each, with a small view and how far it is.

import { thumbnail } from "./picture.js";

const strip = document.getElementById("strip");
const SIGNS = { waiting: "…", asking: "…", busy: "◷", failed: "!", done: "✓" };
const WORDS = { waiting: "waiting", asking: "under way", busy: "waiting for the service", failed: "failed", done: "done" };

/** A picture's place in the strip. */
export class Item {
  constructor(name, onSelect) {
    this.element = document.createElement("li");
    this.button = document.createElement("button");
    this.view = document.createElement("span");
    this.view.className = "view";
    this.sign = document.createElement("span");
    this.sign.className = "sign";
    this.sign.ariaHidden = "true";
    this.button.append(this.view, this.sign);
    this.name = name;
    this.seen = false; // whether it has a small view
    this.button.title = name;
    this.button.addEventListener("click", onSelect);
    this.element.append(this.button);
    this.tell("waiting");
    strip.append(this.element);
  }

  /** Show a small view of what `openPicture` gave. */
  show(view) {
    this.view.replaceChildren(thumbnail(view));
    this.seen = true;
  }

  /** Show how far the picture is. */
  tell(state) {
    this.element.dataset.state = state;
    this.sign.textContent = SIGNS[state];
    this.button.ariaLabel = `${this.name}, ${WORDS[state]}`;
  }

  /** Show whether this is the picture that is looked at. */
  mark(selected) {
    if (selected) {
      this.button.setAttribute("aria-current", "true");
      this.element.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else {
      this.button.removeAttribute("aria-current");
    }
  }

  remove() {
    this.element.remove();
  }
}

strip.addEventListener("keydown", (event) => {
  const place = event.target.closest("li");
  const beside = { ArrowLeft: place?.previousElementSibling, ArrowRight: place?.nextElementSibling }[event.key];
  if (!beside) return;
  event.preventDefault();
  beside.querySelector("button").focus();
});
