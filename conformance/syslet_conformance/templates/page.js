"use strict";
// Filters, opening what a link leads to, copying. The page shows everything without this.
(() => {
  const form = document.getElementById("filters");
  const cards = [...document.querySelectorAll("details.card")];
  const rows = new Map();
  for (const row of document.querySelectorAll("tr[data-id]")) rows.set(row.dataset.id, row);
  const areas = [...document.querySelectorAll("tbody[data-area]")];
  const columns = [...document.querySelectorAll(".matrix [data-engine]")];
  const words = new Map(cards.map((card) => [card, card.textContent.toLowerCase()]));
  const names = ["area", "level", "verdict", "engine", "text"];
  const field = (name) => form.elements.namedItem(name);

  const fits = (card, wanted) => {
    if (wanted.area && card.dataset.area !== wanted.area) return false;
    if (wanted.level && card.dataset.level !== wanted.level) return false;
    if (wanted.verdict || wanted.engine) {
      const cells = [...card.querySelectorAll(".cells > li")].filter(
        (cell) =>
          (!wanted.engine || cell.dataset.engine === wanted.engine) &&
          (!wanted.verdict || cell.dataset.verdict === wanted.verdict));
      if (!cells.length) return false;
    }
    return wanted.text.toLowerCase().split(/\s+/).every((word) => words.get(card).includes(word));
  };

  const apply = () => {
    const wanted = Object.fromEntries(names.map((name) => [name, field(name).value.trim()]));
    let shown = 0;
    for (const card of cards) {
      card.hidden = !fits(card, wanted);
      rows.get(card.id).hidden = card.hidden;
      shown += !card.hidden;
    }
    for (const area of areas) area.hidden = !area.querySelector("tr[data-id]:not([hidden])");
    for (const cell of columns) {
      cell.hidden = Boolean(wanted.engine) && cell.dataset.engine !== wanted.engine;
    }
    form.elements.namedItem("count").value = `${shown} of ${cards.length} requirements`;
    return wanted;
  };

  // A filtered view is a link: #area=ring&verdict=fail. Any other fragment is the id of a thing.
  const remember = () => {
    const wanted = Object.entries(apply()).filter(([, value]) => value);
    const fragment = new URLSearchParams(wanted).toString();
    if (fragment || location.hash.includes("=")) history.replaceState(null, "", `#${fragment}`);
  };

  const open = (thing) => {
    for (let at = thing; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    const card = thing.closest("details.card");
    if (card && card.hidden) { form.reset(); apply(); }
    thing.scrollIntoView({ block: "start" });
  };

  const follow = () => {
    const fragment = location.hash.slice(1);
    if (fragment.includes("=")) {
      const wanted = new URLSearchParams(fragment);
      for (const name of names) field(name).value = wanted.get(name) ?? "";
      apply();
      return;
    }
    let id = fragment;
    try { id = decodeURIComponent(fragment); } catch { /* a % that is none */ }
    const thing = id && document.getElementById(id);
    if (thing) open(thing);
  };

  form.hidden = false;
  for (const kind of ["input", "change"]) form.addEventListener(kind, remember);
  form.addEventListener("reset", () => setTimeout(remember));
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link && link.getAttribute("href") === location.hash) follow();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, select, textarea")) return;
    event.preventDefault();
    field("text").focus();
  });
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.previousElementSibling.textContent);
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
  }
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open]):not(.tests)")];
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of closed) one.open = false; });
  apply();
  follow();
})();
