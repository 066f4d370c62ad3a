// Routes: "#/" and "#/?filters" show the overview, "#/case/<id>[/<frame>]" and other "#/<name>" show a packed page.
// Anything else after "#" is a plain anchor of the overview.
const overview = document.getElementById("overview");
const page = document.getElementById("page");
const filters = document.getElementById("filters");
let shown = "";
let overviewScroll = 0;

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).text();
}

// Page name -> [block, place in it]. A block holds some dozens of pages and is unpacked when one of them is opened.
const places = new Map();
function learnPlaces() {
  for (const block of document.querySelectorAll("script.pages")) {
    block.dataset.names.split(" ").forEach((name, i) => places.set(name, [block, i]));
  }
}

async function open(name) {
  if (shown === name) return true;
  if (!places.has(name)) return false;
  const [block, place] = places.get(name);
  block.pages ??= JSON.parse(await unpack(block.textContent));
  // The text was escaped when the report was written, and the content security policy runs no script but this one.
  page.innerHTML = block.pages[place];
  page.hidden = false;  // the ladder fills the width it finds
  const data = page.querySelector(".ladder-data");
  ladder = data && JSON.parse(data.textContent);
  if (ladder) drawLadder(page.querySelector(".ladder"), ladder, data.dataset.base);
  shown = name;
  return true;
}

let ladder = null;

function choose(step, focus) {
  const place = page.querySelector(".ladder");
  for (const old of place.querySelectorAll(".step.chosen, .step[tabindex='0']")) {
    old.classList.remove("chosen");
    old.setAttribute("tabindex", "-1");
  }
  step.classList.add("chosen");
  step.setAttribute("tabindex", "0");
  drawDetail(page.querySelector(".detail"), ladder.steps[step.dataset.step], ladder.lanes);
  if (focus) step.focus({ preventScroll: true });
  reveal(step, false);
}

// By hand: Firefox's scrollIntoView takes a shape for the drawing it is in, and leaves the ladder where it was.
function reveal(step, centre) {
  const place = page.querySelector(".ladder"), band = step.querySelector(".band");
  const frame = place.getBoundingClientRect(), row = band.getBoundingClientRect();
  if (centre || row.top < frame.top + 30 || row.bottom > frame.bottom) {
    place.scrollTop += row.top - frame.top - place.clientHeight / 2;
  }
  const now = band.getBoundingClientRect();
  if (now.top < 60 || now.bottom > innerHeight) scrollBy(0, now.top - innerHeight / 2);
}

function showPage(frame) {
  if (overview.hidden === false) overviewScroll = scrollY;
  overview.hidden = true;
  page.hidden = false;
  const steps = [...page.querySelectorAll(".ladder .step")];
  if (frame) page.querySelector("#clause-" + CSS.escape(frame))?.scrollIntoView({ block: "center" });
  if (!steps.length) return;
  const wanted = frame ? steps.find((step) => step.getAttribute("href").endsWith("/" + frame)) : null;
  const first = wanted || steps.find((step) => step.classList.contains("broken"));
  if (first) choose(first, false);
  else steps[0].setAttribute("tabindex", "0");
  if (wanted) reveal(wanted, true);
}

function showOverview() {
  page.hidden = true;
  const was = overview.hidden;
  overview.hidden = false;
  if (was) scrollTo(0, overviewScroll);
}

async function route() {
  const hash = location.hash;
  if (!hash.startsWith("#/") || hash === "#/" || hash.startsWith("#/?")) {
    showOverview();
    if (hash.startsWith("#/?")) fromUrl(new URLSearchParams(hash.slice(3)));
    else if (hash === "#/" || hash === "") fromUrl(new URLSearchParams());
    else document.getElementById(hash.slice(1))?.scrollIntoView();
    return;
  }
  const [kind, id, frame] = hash.slice(2).split("/");
  const before = shown;
  if (await open(kind + "/" + id)) {
    showPage(frame);
    if (before !== shown || page.contains(document.activeElement) === false) {
      if (!frame) scrollTo(0, 0);
      page.focus({ preventScroll: true });
    }
    document.title = (page.querySelector("h1")?.textContent || "").trim() + " · Peerproof";
  } else {
    page.textContent = "This report has no such page.";
    shown = "";
    showPage();
  }
}

// Filters live in the URL, so that a filtered view can be sent to somebody.
function fromUrl(params) {
  if (!filters) return;
  for (const field of filters.elements) if (field.name) field.value = params.get(field.name) || "";
  apply();
  if ([...params].length) document.getElementById("cases").scrollIntoView();
}

function apply() {
  const { q, layer, endpoint, verdict, only } = Object.fromEntries(new FormData(filters));
  const column = filters.elements.endpoint.selectedIndex;
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0, total = 0;
  for (const group of document.querySelectorAll(".casefile")) {
    const rightLayer = !layer || group.dataset.layer === layer;
    const about = group.dataset.file.toLowerCase();
    let any = false;
    for (const row of group.querySelectorAll("tr[data-v]")) {
      total += 1;
      const text = words.length ? about + " " + row.cells[0].textContent.toLowerCase() : "";
      // With an endpoint chosen its column alone is looked at: its chips, their letters and rings.
      const chips = endpoint ? [...row.cells[column].querySelectorAll(".chip")] : null;
      const letters = chips ? chips.map((chip) => chip.textContent[0]).join("") : row.dataset.v;
      const red = chips ? chips.some((chip) => chip.classList.contains("red")) : "red" in row.dataset;
      const fits = rightLayer && letters && (!verdict || letters.includes(verdict)) &&
        (only !== "unexpected" || red) && words.every((word) => text.includes(word));
      row.hidden = !fits;
      if (fits) { any = true; count += 1; }
    }
    group.hidden = !any;
  }
  document.getElementById("shown").textContent = count === total ? total + " cases" : count + " of " + total + " cases";
}

function toUrl() {
  const params = new URLSearchParams([...new FormData(filters)].filter(([, value]) => value));
  history.replaceState(null, "", [...params].length ? "#/?" + params : "#/");
  apply();
}

filters?.addEventListener("input", toUrl);
filters?.addEventListener("submit", (event) => event.preventDefault());

page.addEventListener("keydown", (event) => {
  const step = event.target.closest?.(".step");
  if (!step) return;
  const steps = [...page.querySelectorAll(".ladder .step")];
  const move = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
  const at = event.key === "Home" ? 0 : event.key === "End" ? steps.length - 1 : steps.indexOf(step) + (move || NaN);
  if (Number.isNaN(at) || !steps[at]) return;
  event.preventDefault();
  choose(steps[at], true);
});

page.addEventListener("click", (event) => {
  const step = event.target.closest?.(".ladder .step");
  if (!step || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.replaceState(null, "", step.getAttribute("href"));
  choose(step, true);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !page.hidden) location.hash = "#/";
  if (event.key === "/" && filters && !overview.hidden && !/INPUT|SELECT/.test(event.target.tagName)) {
    event.preventDefault();
    filters.elements.q.focus();
  }
});

const theme = document.getElementById("theme");
const themes = ["system", "light", "dark"];
function setTheme(name) {
  document.documentElement.dataset.theme = name;
  theme.textContent = "Theme: " + name;
  try { localStorage.setItem("peerproof-theme", name); } catch { /* a sandboxed file keeps no choice */ }
}
theme.hidden = false;
theme.addEventListener("click", () => {
  setTheme(themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length]);
});
let kept = null;
try { kept = localStorage.getItem("peerproof-theme"); } catch { /* as above */ }
setTheme(themes.includes(kept) ? kept : "system");

addEventListener("hashchange", route);
addEventListener("DOMContentLoaded", () => { learnPlaces(); route(); });
