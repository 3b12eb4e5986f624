// Files for the user: asked of the service for the picture and the threshold that are looked at.

import { call, Refusal } from "./service.js";

const trouble = document.getElementById("download-trouble");
const FILES = {
  mask: { answer: "mask", ending: "-mask.png" },
  cutout: { answer: "cutout", ending: "-cutout.png" },
  geojson: { answer: "polygons", ending: ".geojson", part: "polygons" },
  polygons: { answer: "polygons", ending: ".json" },
};

/** Let the buttons work. lookedAt: returns {name, file, query} of the picture that is looked at. say: announces. */
export function offerDownloads(lookedAt, say) {
  for (const button of document.querySelectorAll("#downloads button")) {
    button.addEventListener("click", async () => {
      if (button.ariaBusy === "true") return;
      trouble.textContent = "";
      button.ariaBusy = "true";
      try {
        say(`${await download(FILES[button.dataset.answer], lookedAt(), say)} is ready.`);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        trouble.textContent = `${error.message} ${error.fix}`;
        say(trouble.textContent);
      } finally {
        button.ariaBusy = "false";
      }
    });
  }
}

async function download({ answer, ending, part }, { name, file, query }, say) {
  const onWait = (seconds) => {
    trouble.textContent = seconds ? `The service is busy: again in ${seconds} s` : "";
  };
  const response = await call("predict", { query: { ...query, answer }, body: file, onWait });
  const content = part ? new Blob([JSON.stringify((await response.json())[part])]) : await response.blob();
  const called = name.replace(/\.[^.]*$/, "") + ending;
  save(content, called);
  return called;
}

function save(content, called) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = called;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
