// The panel beside the picture: which model, its threshold, its classes with colours and shares.

const by = (id) => document.getElementById(id);

/** Offer the models. models: cards of the service; choose: is called with a name. */
export function showModels(models, choose) {
  const select = by("model");
  select.replaceChildren(...models.map(({ name }) => new Option(name, name)));
  const describe = () => {
    const { mode, size, runtime, precision } = models[select.selectedIndex];
    by("card").textContent = `${mode === "tile" ? "tiles of" : "looks at"} ${size.join(" × ")} · ${runtime} ${precision}`;
  };
  by("model-row").hidden = false;
  select.disabled = models.length === 1;
  select.addEventListener("change", () => {
    describe();
    choose(select.value);
  });
  describe();
}

/** Show where probabilities are cut. own: the model's threshold, null where it has none; moved: the user's, or null. */
export function showThreshold(own, moved) {
  by("threshold-row").hidden = own === null;
  if (own === null) return;
  by("threshold").value = moved ?? own;
  by("threshold-value").textContent = (moved ?? own).toFixed(2);
  by("own-threshold").textContent = `Back to the model's own, ${own.toFixed(2)}`;
  by("own-threshold").disabled = moved === null;
}

/** List the classes. classes: names, colours, exclusive; shares: one of each, or undefined as long as none are known. */
export function showClasses({ names, colours, exclusive }, shares) {
  const rows = names.map((name, number) => {
    const swatch = document.createElement("i");
    swatch.className = "swatch";
    if (number > 0 || !exclusive) swatch.style.background = `rgb(${colours[number].join(" ")})`;
    const row = document.createElement("tr");
    const title = document.createElement("th");
    title.scope = "row";
    title.append(swatch, name);
    const share = document.createElement("td");
    share.className = "number";
    share.textContent = shares ? `${(100 * shares[number]).toFixed(1)} %` : "";
    row.append(title, share);
    return row;
  });
  by("classes").replaceChildren(...rows);
}
