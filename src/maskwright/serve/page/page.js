// The page: which pictures there are, which one is looked at, and what is asked of the service next.

import { offerDownloads } from "./downloads.js";
import { takeIn } from "./intake.js";
import { answerFor, openMask } from "./mask.js";
import { openPicture } from "./picture.js";
import { call, Refusal } from "./service.js";
import { clearMask, maskCanvas, showPicture, showProgress } from "./stage.js";
import { Item } from "./strip.js";
import { showClasses, showModels, showThreshold } from "./panel.js";
import { fromAddress } from "./token.js";

const AT_ONCE = 2; // pictures that are asked for at a time
const SETTLED = 300; // milliseconds without a move, after which a slider rests

const by = (id) => document.getElementById(id);
const pictures = [];
let running = 0;
let current = null;
let model = null; // {name, description, threshold}; threshold: null until it is moved
let turn = 0; // of what is shown: what is overtaken shows nothing
let opened = {}; // what stands on the stage: {picture, source, view, bytes, mask}

const threshold = () => model.threshold ?? model.description.threshold;

function add(files) {
  if (!model) return;
  by("notice").hidden = true;
  for (const file of files) {
    const picture = { file, name: file.name, answers: new Map(), problem: null, substitute: null, abort: null };
    picture.item = new Item(file.name, () => select(picture));
    pictures.push(picture);
  }
  if (files.length === 0) return;
  document.body.classList.add("working");
  by("work").hidden = false;
  select(pictures[pictures.length - files.length]);
}

function remove(picture) {
  const place = pictures.indexOf(picture);
  pictures.splice(place, 1);
  picture.abort?.abort();
  picture.item.remove();
  say(`${picture.name} is removed.`);
  const next = pictures[Math.min(place, pictures.length - 1)] ?? null;
  select(next);
  (next?.item.button ?? by("files")).focus();
}

function select(picture) {
  current?.item.mark(false);
  current = picture;
  by("work").hidden = picture === null;
  document.body.classList.toggle("working", picture !== null);
  if (picture === null) {
    opened = {};
    return;
  }
  picture.item.mark(true);
  pump();
  show();
}

// Polygons hold for the threshold that they were asked for, anything else for all.
function answered(picture) {
  const answer = picture.answers.get(model.name);
  if (!answer || answer.kind !== "polygons" || picture !== current) return Boolean(answer);
  return answer.threshold === threshold();
}

function pump() {
  while (running < AT_ONCE) {
    const waiting = [current, ...pictures].find((one) => one && !one.abort && !one.problem && !answered(one));
    if (!waiting) return;
    running++;
    waiting.abort = new AbortController();
    work(waiting).finally(() => {
      running--;
      waiting.abort = null;
      pump();
    });
  }
}

async function work(picture) {
  const { name, description } = model;
  const kind = answerFor(description);
  const asked = { model: name, answer: kind, threshold: kind === "polygons" ? threshold() : null };
  const { signal } = picture.abort;
  const onWait = (seconds) => tell(picture, seconds ? "busy" : "asking", seconds);
  try {
    tell(picture, "asking");
    await lookAt(picture, signal, onWait);
    const response = await call("predict", { query: asked, body: picture.file, signal, onWait });
    picture.answers.set(name, { kind, threshold: asked.threshold, bytes: await response.arrayBuffer() });
    tell(picture, "done");
  } catch (error) {
    if (signal.aborted) return;
    picture.problem = inWords(error);
    tell(picture, "failed");
  }
}

// See that there is something to be seen, if need be with the service's eyes.
async function lookAt(picture, signal, onWait) {
  if (picture.item.seen) return;
  await picture.file.slice(0, 1).arrayBuffer().catch(() => {
    throw new Refusal("This cannot be read: it may be a folder.", "drop the pictures in it instead");
  });
  const view = (await openPicture(picture.file)) ?? (await throughService(picture, signal, onWait));
  picture.item.show(view);
  if (picture === current) show();
}

async function throughService(picture, signal, onWait) {
  const query = { model: model.name, answer: "picture" };
  picture.substitute = await (await call("predict", { query, body: picture.file, signal, onWait })).blob();
  return openPicture(picture.substitute);
}

function inWords(error) {
  if (error instanceof Refusal) return { what: error.message, fix: error.fix };
  return { what: `The page cannot show this: ${error.message}`, fix: "The service's answer can be downloaded all the same" };
}

function tell(picture, state, seconds = 0) {
  picture.item.tell(state);
  picture.progress = { asking: "Looking at it …", busy: `The service is busy: again in ${seconds} s` }[state] ?? "";
  if (state === "failed") say(`${picture.name}: ${picture.problem.what} ${picture.problem.fix}`);
  if (state === "busy" && picture === current && seconds > 1) say(picture.progress);
  if (picture !== current) return;
  if (state === "done") show();
  else showState();
}

function showState() {
  const { problem, progress } = current;
  showProgress(progress ?? "");
  by("trouble").hidden = !problem;
  by("what").textContent = problem?.what ?? "";
  by("fix").textContent = problem?.fix ?? "";
  const unseen = Boolean(problem) && opened.picture === current && !opened.view;
  by("stage").hidden = by("compare-row").hidden = unseen;
}

async function show() {
  const mine = ++turn;
  const picture = current;
  showState();
  try {
    await open(picture, () => mine !== turn);
  } catch (error) {
    picture.problem = inWords(error);
    tell(picture, "failed");
  }
}

async function open(picture, overtaken) {
  const source = picture.substitute ?? picture.file;
  by("name").textContent = picture.name;
  if (opened.source !== source) {
    const view = await openPicture(source);
    if (overtaken()) return;
    opened = { picture, source, view };
    showPicture(view, picture.name);
  }
  const bytes = picture.answers.get(model.name)?.bytes;
  if (bytes !== opened.bytes) {
    const mask = bytes && (await openMask(bytes, model.description));
    if (overtaken()) return;
    opened = { ...opened, bytes, mask };
    if (mask) say(`${picture.name}: ${inShares(mask)}`);
  }
  const { view, mask } = opened;
  if (mask && view && !picture.substitute && (view.width !== mask.width || view.height !== mask.height)) {
    await throughService(picture); // the browser turns it otherwise than the service
    if (!overtaken()) show();
    return;
  }
  const size = mask ?? (picture.substitute ? null : view);
  by("size").textContent = size ? `${size.width} × ${size.height}` : "";
  showState();
  paint();
}

function paint() {
  by("downloads").hidden = by("download-title").hidden = !opened.mask;
  if (opened.mask) opened.mask.paint(maskCanvas, threshold(), by("opacity").value / 100);
  else clearMask();
  showClasses(model.description.classes, opened.mask?.shares(threshold()));
}

function inShares(mask) {
  const { names, exclusive } = model.description.classes;
  const shares = mask.shares(threshold());
  const told = names.map((name, number) => `${name} ${(100 * shares[number]).toFixed(1)} %`);
  return told.slice(exclusive ? 1 : 0).join(", ");
}

const say = (text) => (by("news").textContent = text);

async function choose(name) {
  const description = await (await call("model", { query: { model: name } })).json();
  if (name !== by("model").value) return; // another one was chosen meanwhile
  model = { name, description, threshold: null };
  by("notice").hidden = true;
  showThreshold(description.threshold, null);
  for (const picture of pictures) {
    picture.abort?.abort();
    picture.problem = null;
    picture.item.tell(answered(picture) ? "done" : "waiting");
  }
  opened = { picture: opened.picture, source: opened.source, view: opened.view };
  pump();
  if (current) show();
}

let rest = 0;
function moveThreshold(value) {
  model.threshold = value;
  showThreshold(model.description.threshold, value);
  clearTimeout(rest);
  rest = setTimeout(settled, SETTLED);
  if (opened.mask) requestAnimationFrame(paint);
}

function settled() {
  if (!current) return;
  if (answered(current)) {
    if (opened.mask) say(inShares(opened.mask));
    return;
  }
  current.abort?.abort();
  pump();
}

async function start() {
  try {
    const { models } = await (await call("models")).json();
    showModels(models, (name) => choose(name).catch(complain));
    await choose(models[0].name);
    by("intake").hidden = false;
  } catch (error) {
    complain(error);
  }
}

function complain(error) {
  by("notice").textContent = `${error.message} ${error.fix ?? ""}`;
  by("notice").hidden = false;
}

by("opacity").addEventListener("input", () => {
  by("opacity-value").textContent = by("opacity").ariaValueText = `${by("opacity").value} %`;
  if (model) requestAnimationFrame(paint);
});
by("opacity").dispatchEvent(new Event("input"));
by("threshold").addEventListener("input", () => moveThreshold(by("threshold").valueAsNumber));
by("own-threshold").addEventListener("click", () => moveThreshold(null));
by("remove").addEventListener("click", () => remove(current));
by("again").addEventListener("click", () => {
  current.problem = null;
  tell(current, "waiting");
  pump();
});
by("strip").addEventListener("keydown", (event) => {
  const picture = pictures.find(({ item }) => item.element.contains(event.target));
  if (event.key === "Delete" && picture) remove(picture);
});
const started = start();
takeIn((files) => started.then(() => add(files)), complain); // what comes too early waits
offerDownloads(
  () => ({ name: current.name, file: current.file, query: { model: model.name, threshold: model.threshold } }),
  say,
);
addEventListener("hashchange", () => {
  if (fromAddress()) location.reload();
});
