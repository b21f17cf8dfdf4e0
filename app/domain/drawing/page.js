"use strict";
const levels = [...document.querySelectorAll(".level")], rows = [...document.querySelectorAll("tbody tr")];
const output = document.querySelector("output"), search = document.querySelector("input");
const boxes = levels.map((level) => [...level.querySelectorAll("g")].map((box) => [box, new Set(box.dataset.nodes.split(" "))]));
const whole = levels.map((level) => level.firstElementChild.getAttribute("viewBox").split(" ").map(Number));
let shown = 0, drag = null;
const view = (at, area) => levels[at].firstElementChild.setAttribute("viewBox", area.join(" "));
const area = () => levels[shown].firstElementChild.getAttribute("viewBox").split(" ").map(Number);
function show(at) {
  if (at < 0 || at >= levels.length) return;
  levels[shown].hidden = true; shown = at; levels[shown].hidden = false;
}
function mark(nodes) {
  boxes.forEach((level) => level.forEach(([box, inside]) => box.classList.toggle("on", nodes.some((node) => inside.has(node)))));
}
function list(nodes) {
  const wanted = new Set(nodes); let count = 0;
  rows.forEach((row) => { row.hidden = nodes.length > 0 && !wanted.has(row.dataset.node); count += !row.hidden; });
  output.textContent = nodes.length ? String(count) : ""; mark(nodes);
}
function choose(row) {
  rows.forEach((other) => other.classList.toggle("on", other === row));
  mark([row.dataset.node]);
}
function zoom(factor, x, y) {
  const [left, top, width, height] = area(), frame = levels[shown].getBoundingClientRect();
  const across = (x - frame.left) / frame.width, down = (y - frame.top) / frame.height;
  view(shown, [left + width * across * (1 - factor), top + height * down * (1 - factor), width * factor, height * factor]);
}
document.addEventListener("click", (event) => {
  const box = event.target.closest("g"), button = event.target.closest("button"), row = event.target.closest("tbody tr");
  if (box && !(drag && drag.moved)) list(box.dataset.nodes.split(" "));
  else if (row) choose(row);
  else if (button && button.dataset.nodes) list(button.dataset.nodes.split(" "));
  else if (button && button.dataset.do === "all") { search.value = ""; list([]); if (levels.length) view(shown, whole[shown]); }
  else if (button && button.dataset.do) show(shown + (button.dataset.do === "more" ? 1 : -1));
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("tbody tr")) choose(event.target);
});
search.addEventListener("input", () => {
  const text = search.value.trim().toLowerCase();
  const found = rows.filter((row) => text && row.textContent.toLowerCase().includes(text)).map((row) => row.dataset.node);
  list(text && !found.length ? ["none"] : found);
});
levels.forEach((level) => {
  level.addEventListener("wheel", (event) => { event.preventDefault(); zoom(1.2 ** Math.sign(event.deltaY), event.clientX, event.clientY); }, { passive: false });
  level.addEventListener("pointerdown", (event) => { drag = { x: event.clientX, y: event.clientY, from: area(), on: true, moved: false }; });
  level.addEventListener("pointermove", (event) => {
    if (!drag || !drag.on) return;
    const [left, top, width, height] = drag.from, frame = level.getBoundingClientRect(), by = Math.max(width / frame.width, height / frame.height);
    drag.moved = drag.moved || Math.abs(event.clientX - drag.x) + Math.abs(event.clientY - drag.y) > 4;
    view(shown, [left - (event.clientX - drag.x) * by, top - (event.clientY - drag.y) * by, width, height]);
  });
});
document.addEventListener("pointerup", () => { if (drag) drag.on = false; });
