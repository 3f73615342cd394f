// The page keeps its latents; the server turns them into images and remembers nothing.

const PLACES = [-4, -3, -2, -1, 0, 1, 2, 3, 4]; // of a traversal, in standard deviations
const VALUES = [0.3, 1, 3, 10, 30, 810, 114514]; // those that the course report sets by hand
const REACH = 4; // of sliders, in standard deviations
const FRAMES = 24;

const byId = (id) => document.getElementById(id);
const short = (value) => String(Number(value.toPrecision(4)));

let run; // what the server says of the run
let effects = { coordinates: [], directions: [] };
let drawn = []; // the latents of the seed, as they were before any change
let latents = [];
let labels = [];
let pictures = []; // of the eight samples, as URLs
let selected = 0;
let mode = "coordinates";
let axis = { kind: "coordinates", index: 0 };
let chosenByHand = false; // whether a person chose the axis
let condition = null;

function say(text, wrong = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("wrong", wrong);
}

async function ask(path, data) {
  let answer;
  try {
    const isPicture = data instanceof Blob;
    const options = data && { method: "POST", body: isPicture ? data : JSON.stringify(data) };
    answer = await (await fetch(path, options)).json();
  } catch {
    throw new Error("ganzoo explore does not answer; start it again and reload this page");
  }
  if (answer.error) throw new Error(answer.error);
  return answer;
}

/** Make a handler whose errors are shown. */
const guarded = (action) => async (...given) => {
  try {
    await action(...given);
  } catch (error) {
    say(error.message, true);
  }
};

// Axes: a coordinate, in its own unit, or a direction, in standard deviations from the mean.

function valueOn(latent, { kind, index }) {
  if (kind === "coordinates") return latent[index];
  const { vector, spread } = effects.directions[index];
  return vector.reduce((sum, each, i) => sum + each * (latent[i] - run.center[i]), 0) / spread;
}

function movedTo(latent, where, value) {
  if (where.kind === "coordinates") return latent.with(where.index, value);
  const { vector, spread } = effects.directions[where.index];
  const shift = (value - valueOn(latent, where)) * spread;
  return latent.map((each, i) => each + shift * vector[i]);
}

/** Return a place of an axis, near so many standard deviations from the mean; coordinates get round numbers. */
function placeOn({ kind, index }, place) {
  if (kind === "directions") return place;
  const unit = Number(run.spread[index].toPrecision(1)) || 1;
  const center = (Math.round((10 * run.center[index]) / unit) / 10) * unit;
  return Number((center + place * unit).toPrecision(6));
}

const nameOf = ({ kind, index }) => (kind === "coordinates" ? `z[${index}]` : `sefa[${index}]`);

const ownLabel = (which) => (run.classes.length ? which % run.classes.length : 0);

function truncation() {
  const { value } = byId("truncation");
  return value === "" ? null : Number(value);
}

const told = (chosen) => ({ labels: chosen, condition, truncation: truncation() });

// Drawing. Requests of sliders overtake each other: only the newest state is asked for.

let busy = false;
let stale = false;

const refresh = guarded(async () => {
  if (busy) {
    stale = true;
    return;
  }
  busy = true;
  try {
    do {
      stale = false;
      await draw();
    } while (stale);
  } finally {
    busy = false;
  }
});

async function draw() {
  const [which, latent, where] = [selected, latents[selected], axis];
  const values = PLACES.map((place) => placeOn(where, place));
  const asked = [latent, ...values.map((value) => movedTo(latent, where, value))];
  const begun = performance.now();
  const { images } = await ask("api/images", { latents: asked, ...told([labels[which]]) });
  if (which === selected) {
    say(`Drawn in ${Math.round(performance.now() - begun)} ms`);
    show(which, images[0]);
    byId("traversal-title").textContent = `Traversal of ${nameOf(where)}`;
    byId("traversal").replaceChildren(...images.slice(1).map((url, i) => tile(url, short(values[i]),
      `${nameOf(where)} at ${short(values[i])}`, () => setAxis(where, values[i]))));
  }
}

function show(which, url) {
  pictures[which] = url;
  byId("samples").children[which].firstChild.src = url;
  if (which === selected) byId("image").src = url;
}

function tile(url, caption, text, action) {
  const figure = document.createElement("figure");
  const image = Object.assign(new Image(), { src: url, alt: action ? "" : text });
  const note = Object.assign(document.createElement("figcaption"), { textContent: caption });
  if (action) {
    const button = Object.assign(document.createElement("button"), { type: "button", onclick: action });
    button.setAttribute("aria-label", text);
    button.append(image);
    figure.append(button, note);
  } else {
    figure.append(image, note);
  }
  return figure;
}

async function drawAll() {
  const { images } = await ask("api/images", { latents, ...told(labels) });
  images.forEach((url, i) => show(i, url));
  await refresh();
}

// Editing the chosen sample.

function setLatent(latent) {
  latents[selected] = latent;
  stop();
  writeLatent();
  refresh();
}

function setAxis(where, value) {
  choose(where);
  setLatent(movedTo(latents[selected], where, value));
}

function writeLatent() {
  byId("latent").value = latents[selected].map(short).join(", ");
  for (const row of byId("sliders").children) {
    const value = valueOn(latents[selected], row.axis);
    row.slider.value = value;
    if (document.activeElement !== row.number) row.number.value = short(value);
  }
}

function choose(where, byHand = true) {
  chosenByHand = byHand;
  axis = where;
  for (const row of byId("sliders").children) row.classList.toggle("chosen", sameAxis(row.axis));
}

const sameAxis = (other) => other.kind === axis.kind && other.index === axis.index;

function select(which) {
  selected = which;
  [...byId("samples").children].forEach((each, i) => each.setAttribute("aria-pressed", i === which));
  byId("chosen-title").textContent = `Sample ${which + 1}`;
  byId("class").value = labels[which];
  if (pictures[which]) byId("image").src = pictures[which];
  writeLatent();
}

function sliderRow(where, change, largest) {
  const row = document.createElement("li");
  const name = Object.assign(document.createElement("button"), { type: "button", textContent: nameOf(where) });
  name.title = change === undefined ? "" : `pixels change by ${(100 * change).toFixed(2)} % per standard deviation`;
  name.style.setProperty("--effect", `${change ? (100 * change) / largest : 0}%`);
  name.onclick = () => { choose(where); refresh(); };
  const [low, high] = [placeOn(where, -REACH), placeOn(where, REACH)];
  const slider = Object.assign(document.createElement("input"), { type: "range", min: low, max: high, step: (high - low) / 400 });
  const number = Object.assign(document.createElement("input"), { type: "number", step: "any" });
  slider.setAttribute("aria-label", nameOf(where));
  number.setAttribute("aria-label", `${nameOf(where)}, as a number`);
  slider.oninput = () => setAxis(where, Number(slider.value));
  number.oninput = () => { if (number.value !== "" && Number.isFinite(Number(number.value))) setAxis(where, Number(number.value)); };
  row.append(name, slider, number);
  return Object.assign(row, { axis: where, slider, number });
}

function writeSliders() {
  const changes = mode === "coordinates" ? effects.coordinates : effects.directions.map((each) => each.change);
  const count = mode === "coordinates" ? run.dim : effects.directions.length;
  const order = [...Array(count).keys()];
  if (mode === "coordinates" && changes.length) order.sort((a, b) => changes[b] - changes[a]);
  const largest = Math.max(...changes);
  byId("sliders").replaceChildren(...order.map((index) => sliderRow({ kind: mode, index }, changes[index], largest)));
  byId("show-coordinates").setAttribute("aria-pressed", mode === "coordinates");
  byId("show-directions").setAttribute("aria-pressed", mode === "directions");
  if (axis.kind !== mode || !chosenByHand) axis = { kind: mode, index: order[0] };
  choose(axis, chosenByHand && axis.kind === mode);
  writeLatent();
}

function readLatent(text) {
  let numbers;
  try {
    const data = JSON.parse(text);
    numbers = Array.isArray(data) ? data : data.latent;
    if (data.class != null && run.classes.includes(data.class)) labels[selected] = run.classes.indexOf(data.class);
  } catch {
    numbers = text.split(/[\s,;]+/).filter(Boolean).map(Number);
  }
  if (!Array.isArray(numbers) || !numbers.every(Number.isFinite)) throw new Error("latent: every coordinate must be a number");
  if (numbers.length !== run.dim) throw new Error(`latent: needs ${run.dim} numbers, not ${numbers.length}`);
  return numbers;
}

// Everything else on the page.

async function drawSeed() {
  const seed = Number(byId("seed").value);
  if (!Number.isSafeInteger(seed)) throw new Error("seed: must be a whole number");
  ({ latents: drawn } = await ask("api/latents", { seed, truncation: truncation() }));
  latents = [...drawn];
  stop();
  select(selected);
  await drawAll();
}

function save(url, name) {
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
}

function downloadLatent() {
  const named = run.classes.length ? run.classes[labels[selected]] : null;
  const data = { format: "ganzoo-latent-1", run: run.name, checkpoint: run.checkpoint, class: named, latent: latents[selected] };
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(data, null, 2)}\n`], { type: "application/json" }));
  save(url, `${run.name}-latent.json`);
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

let frames = [];
let timer;

function stop() {
  clearInterval(timer);
  timer = undefined;
  frames = [];
  byId("play").setAttribute("aria-pressed", "false");
  byId("play").textContent = "Play";
}

async function loadFrames() {
  const [from, to] = [Number(byId("from").value), Number(byId("to").value)];
  const request = { begin: latents[from], end: latents[to], frames: FRAMES, ...told([labels[from]]) };
  ({ images: frames } = await ask("api/animation", request));
  byId("animation").hidden = false;
}

function showFrame() {
  byId("animation").src = frames[Number(byId("frame").value)];
}

async function play() {
  if (timer) {
    stop();
    return;
  }
  await loadFrames();
  byId("play").setAttribute("aria-pressed", "true");
  byId("play").textContent = "Stop";
  let step = Number(byId("frame").value);
  timer = setInterval(() => {
    step = (step + 1) % (2 * FRAMES - 2);
    byId("frame").value = step < FRAMES ? step : 2 * FRAMES - 2 - step;
    showFrame();
  }, 70);
}

async function invert() {
  const [picture] = byId("picture").files;
  if (!picture) return;
  const which = selected;
  byId("inverted-text").textContent = "Searching for the latent …";
  const any = run.classes.length ? byId("any-class").checked : !condition;
  const asked = any ? "" : `?${encodeURIComponent(JSON.stringify(told([labels[which]])))}`;
  let found;
  try {
    found = await ask(`api/invert${asked}`, picture);
  } catch (error) {
    byId("inverted-text").textContent = "";
    throw error;
  }
  byId("inverted").replaceChildren(tile(found.target, "picture", "The picture"), tile(found.image, "found", "What was found"));
  const notes = [`Error ${(100 * found.distance).toFixed(1)} % of the range from black to white.`, found.note, `Sample ${which + 1} is now this latent.`];
  byId("inverted-text").textContent = notes.filter(Boolean).join(" ");
  latents[which] = found.latent;
  if (found.label !== null) labels[which] = found.label;
  select(which);
  await refresh();
}

const start = guarded(async () => {
  run = await ask("api/run");
  document.title = `${run.name} – ganzoo explorer`;
  byId("name").textContent = run.name;
  byId("facts").textContent = `${run.width} × ${run.height} pixels, ${run.dim} latent coordinates, checkpoint ${run.checkpoint}`;
  labels = [...Array(8).keys()].map(ownLabel);
  byId("class").append(...run.classes.map((name, i) => new Option(name, i)));
  byId("class-line").hidden = byId("any-class-line").hidden = !run.classes.length;
  condition = run.condition;
  byId("condition-line").hidden = !condition;
  byId("condition").value = (condition ?? []).join(", ");
  for (let i = 0; i < 8; i += 1) {
    const button = Object.assign(document.createElement("button"), { type: "button", onclick: () => { select(i); refresh(); } });
    button.setAttribute("aria-label", `Sample ${i + 1}`);
    button.append(Object.assign(new Image(), { alt: "" }));
    byId("samples").append(button);
    byId("from").append(new Option(`sample ${i + 1}`, i));
    byId("to").append(new Option(`sample ${i + 1}`, i, i === 1, i === 1));
  }
  for (const value of VALUES) {
    byId("values").append(Object.assign(document.createElement("button"), { type: "button", textContent: value, onclick: () => setAxis(axis, value) }));
  }
  ({ latents: drawn } = await ask("api/latents", { seed: 0, truncation: null }));
  latents = [...drawn];
  writeSliders();
  select(0);
  await drawAll();
  effects = await ask("api/effects");
  byId("order").textContent = "Those that change images most come first; the bar says how much.";
  byId("show-directions").disabled = !effects.directions.length;
  writeSliders();
  await refresh();
});

const on = (id, event, action) => byId(id).addEventListener(event, guarded(action));

on("seed", "change", drawSeed);
on("truncation", "change", drawSeed);
on("next", "click", () => { byId("seed").value = Number(byId("seed").value) + 1; return drawSeed(); });
on("class", "change", () => { labels[selected] = Number(byId("class").value); return refresh(); });
on("condition", "change", () => { condition = byId("condition").value.split(/[\s,;]+/).filter(Boolean).map(Number); return drawAll(); });
on("show-coordinates", "click", () => { mode = "coordinates"; writeSliders(); return refresh(); });
on("show-directions", "click", () => { mode = "directions"; writeSliders(); return refresh(); });
on("reset", "click", () => { labels[selected] = ownLabel(selected); byId("class").value = labels[selected]; setLatent(drawn[selected]); });
on("use-latent", "click", () => { const latent = readLatent(byId("latent").value); setLatent(latent); byId("class").value = labels[selected]; });
on("download-image", "click", () => save(pictures[selected], `${run.name}-sample.png`));
on("download-latent", "click", downloadLatent);
on("from", "change", stop);
on("to", "change", stop);
on("play", "click", play);
on("frame", "input", async () => { if (!frames.length) await loadFrames(); showFrame(); });
on("picture", "change", invert);

start();
