// Where pictures come from: dropped anywhere on the page, chosen, pasted, or one of the examples.

import { call } from "./service.js";

/** Hand on pictures as files, several at a time. add: takes a list of them. complain: takes an error. */
export function takeIn(add, complain) {
  const files = document.getElementById("files");
  files.addEventListener("change", () => {
    add([...files.files]);
    files.value = ""; // so that the same file can be chosen again
  });
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("over");
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) document.body.classList.remove("over");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    add([...(event.dataTransfer?.files ?? [])]);
  });
  addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (pasted.length === 0) return;
    event.preventDefault();
    add(pasted);
  });
  for (const button of document.querySelectorAll("[data-example]")) {
    button.addEventListener("click", () => example(button.dataset.example).then(add, complain));
  }
}

async function example(name) {
  const content = await (await call(`page/${name}`)).blob();
  return [new File([content], name, { type: content.type })];
}
