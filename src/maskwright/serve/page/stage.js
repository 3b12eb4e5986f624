// The picture with its mask over it, and the divider between the plain picture and the masked one.

const stage = document.getElementById("stage");
const frame = stage.closest(".view");
const picture = document.getElementById("picture");
const progress = document.getElementById("progress");
const compare = document.getElementById("compare");
const compared = document.getElementById("compare-value");

/** The canvas that masks are painted on. */
export const maskCanvas = document.getElementById("mask");

/** Show a picture without a mask; null: an empty stage. view: see `openPicture`. */
export function showPicture(view, name) {
  const { width, height } = view?.canvas ?? { width: 4, height: 3 };
  picture.width = width;
  picture.height = height;
  if (view) picture.getContext("2d").drawImage(view.canvas, 0, 0);
  picture.ariaLabel = name;
  frame.style.setProperty("--width", width);
  frame.style.setProperty("--height", height);
  clearMask();
}

/** Take the mask away. */
export function clearMask() {
  maskCanvas.width = 1; // a canvas that is given a size is empty
}

/** Say what is under way; nothing where the text is empty. */
export function showProgress(text) {
  progress.textContent = text;
  progress.hidden = text === "";
}

function moved() {
  stage.style.setProperty("--plain", `${compare.value}%`);
  compared.textContent = `${compare.value} % plain`;
  compare.ariaValueText = `the left ${compare.value} % without the mask`;
}

function dragged(event) {
  const box = stage.getBoundingClientRect();
  compare.value = (100 * (event.clientX - box.left)) / box.width;
  moved();
}

stage.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  stage.setPointerCapture(event.pointerId);
  if (event.pointerType !== "touch") dragged(event); // a finger may be about to scroll
});
stage.addEventListener("pointermove", (event) => {
  if (stage.hasPointerCapture(event.pointerId)) dragged(event);
});
compare.addEventListener("input", moved);
moved();
