"use strict";
// Draws the ladder of a case page from its data (see harness/report/ladder.py). Text goes in as text, never as markup.
const SVG = "http://www.w3.org/2000/svg";
const ROW = 30, TOP = 12;
let WIDTH, LEFT, RIGHT, LABEL, TIME, NUMBER, KIND;

// On a phone the lanes move together, labels are cut earlier and kinds are left out, so that letters keep their size.
function fit(available) {
  const narrow = available < 640;
  WIDTH = narrow ? Math.max(300, available) : Math.min(860, available);
  [LEFT, RIGHT, TIME, NUMBER] = narrow ? [88, WIDTH - 28, 44, 74] : [142, WIDTH - 144, 62, 104];
  LABEL = Math.floor((RIGHT - LEFT) / 7.6);
  KIND = !narrow;
}

function svg(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  return element;
}

function html(name, text, className) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

const shorten = (text) => {
  const flat = text.replace(/\s+/g, " ").trim();
  return flat.length <= LABEL ? flat : flat.slice(0, LABEL - 1) + "…";
};

function laneX(count) {
  if (count < 2) return [(LEFT + RIGHT) / 2];
  return Array.from({ length: count }, (_, i) => LEFT + ((RIGHT - LEFT) / (count - 1)) * i);
}

function describe(step, lanes) {
  const [ms, frame, from, to, kind, label, mark, detail] = step;
  const way = from === to ? lanes[from] || "" : (lanes[from] || "somebody") + " to " + (lanes[to] || "somebody");
  const because = mark ? "; " + (mark === 2 ? "broken: " : "judged: ") + detail.clauses.join(", ") : "";
  return (frame ? "frame " + frame + ", " : "") + ms.toFixed(1) + " ms, " + way + ": " + kind + " " + label + because;
}

function drawStep(step, number, xs, lanes, base) {
  const [ms, frame, from, to, kind, label, mark] = step;
  const y = TOP + ROW * number + ROW * 0.7;
  const middle = (LEFT + RIGHT) / 2;
  const x1 = xs[from] ?? middle, x2 = xs[to] ?? x1;
  const state = mark === 2 ? " broken" : mark === 1 ? " judged" : "";
  const link = svg("a", {
    class: "step k-" + kind.toLowerCase().replace(/[^a-z0-9]+/g, "-") + state,
    href: base + (frame || "s" + number), "data-step": number, "aria-label": describe(step, lanes), tabindex: "-1",
  });
  link.append(
    svg("rect", { class: "band", x: 0, y: y - 20, width: WIDTH, height: 29, rx: 3 }),
    svg("text", { class: "time", x: TIME, y, "text-anchor": "end" }, ms.toFixed(1)),
    svg("text", { class: "no", x: NUMBER, y, "text-anchor": "end" }, frame || ""),
  );
  if (x1 !== x2) {
    link.append(
      svg("line", { class: "arrow", x1, y1: y + 3, x2, y2: y + 3, "marker-end": "url(#head)" }),
      svg("text", { class: "label", x: (x1 + x2) / 2, y: y - 4, "text-anchor": "middle" }, shorten(label)),
    );
  } else {
    const right = x1 < WIDTH / 2;
    link.append(
      svg("circle", { class: "dot", cx: x1, cy: y - 4, r: 4 }),
      svg("text", { class: "label event", x: x1 + (right ? 10 : -10), y, "text-anchor": right ? "start" : "end" }, shorten(label)),
    );
  }
  const tag = mark === 2 ? "✗ breaks a clause" : mark === 1 ? "✓ judged" : kind;
  if (KIND) link.append(svg("text", { class: "kind", x: WIDTH - 12, y, "text-anchor": "end" }, tag));
  return link;
}

function drawFold([count, first, last, text], number, xs) {
  const y = TOP + ROW * number + ROW * 0.7;
  const x1 = Math.min(...xs), x2 = Math.max(...xs);
  const said = count + " more: " + text;
  const group = svg("g", { class: "fold", role: "img", "aria-label": said });
  group.append(
    svg("text", { class: "no", x: NUMBER, y, "text-anchor": "end" }, first ? first + "–" + last : ""),
    svg("rect", { class: "mask", x: x1 - 6, y: y - 16, width: x2 - x1 + 12, height: 22, rx: 11 }),
    svg("text", { class: "label", x: (x1 + x2) / 2, y, "text-anchor": "middle" }, shorten(said)),
  );
  return group;
}

function drawLadder(place, data, base) {
  fit(place.clientWidth);
  const xs = laneX(data.lanes.length);
  const height = TOP + ROW * data.steps.length + 8;
  const head = svg("svg", { class: "lanes", viewBox: "0 0 " + WIDTH + " 26", width: WIDTH, height: 26, "aria-hidden": "true" });
  data.lanes.forEach((name, i) => head.append(svg("text", { x: xs[i], y: 17, "text-anchor": "middle" }, name)));
  const rungs = svg("svg", {
    class: "rungs", viewBox: "0 0 " + WIDTH + " " + height, width: WIDTH, height,
    role: "group", "aria-label": "Ladder diagram of " + data.lanes.join(" and "),
  });
  const marker = svg("marker", {
    id: "head", viewBox: "0 0 8 8", refX: 7.5, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto-start-reverse",
  });
  marker.append(svg("path", { d: "M0 0.5 8 4 0 7.5z", fill: "context-stroke" }));
  const defs = svg("defs", {});
  defs.append(marker);
  rungs.append(defs, ...xs.map((x) => svg("line", { class: "lane", x1: x, x2: x, y1: 0, y2: height })));
  data.steps.forEach((step, number) => {
    rungs.append(step.length === 4 ? drawFold(step, number, xs) : drawStep(step, number, xs, data.lanes, base));
  });
  place.replaceChildren(head, rungs);
}

function hexdump(hex, size) {
  const bytes = hex.match(/../g) || [];
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.slice(at, at + 16);
    const text = part.map((b) => { const c = parseInt(b, 16); return c > 31 && c < 127 ? String.fromCharCode(c) : "."; }).join("");
    lines.push(at.toString(16).padStart(4, "0") + "  " + part.join(" ").padEnd(47) + "  " + text);
  }
  if (size > bytes.length) lines.push("... " + (size - bytes.length) + " more bytes; the pcapng has them");
  return lines.join("\n");
}

function fieldsOf(fields) {
  const list = html("dl", undefined, "fields");
  for (const [name, value] of fields) {
    const row = html("div");
    row.append(html("dt", name), html("dd", value, "mono"));
    list.append(row);
  }
  return list;
}

function drawDetail(place, step, lanes) {
  const [ms, frame, from, to, kind, label, mark, detail] = step;
  const way = from === to ? lanes[from] || "" : (lanes[from] || "somebody") + " to " + (lanes[to] || "somebody");
  const parts = [
    html("h3", label),
    html("p", [frame ? "frame " + frame : "", ms.toFixed(3) + " ms", way, kind].filter(Boolean).join(" · "), "quiet"),
  ];
  if (mark) parts.push(html("p", (mark === 2 ? "Breaks " : "Judged by ") + detail.clauses.join(", "), mark === 2 ? "verdictline broken" : "verdictline"));
  if (detail.note) parts.push(html("p", detail.note));
  (detail.layers || []).forEach(([name, fields], i, all) => {
    const layer = html("details");
    layer.open = i >= all.length - 2;
    layer.append(html("summary", name), fieldsOf(fields));
    parts.push(layer);
  });
  if (detail.hex) {
    const dump = html("pre", hexdump(detail.hex, detail.size), "hex");
    dump.tabIndex = 0;
    parts.push(dump);
  } else if (frame && !detail.layers) {
    parts.push(html("p", "Layers and bytes of this frame are in wire.pcapng.", "quiet"));
  }
  place.replaceChildren(...parts);
}
