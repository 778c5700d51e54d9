"use strict";
// Filters, opening what a link leads to, copying. The page shows everything without this.
(() => {
  const form = document.getElementById("filters");
  const cards = [...document.querySelectorAll("details.card")];
  const rows = new Map();
  for (const row of document.querySelectorAll("tr[data-id]")) rows.set(row.dataset.id, row);
  const areas = [...document.querySelectorAll("tbody[data-area]")];
  const heads = [...document.querySelectorAll(".matrix thead [data-engine]")];
  const owners = heads.filter((head) => head.matches(".abi")).map((head) => head.dataset.engine);
  const words = new Map();
  const names = ["area", "level", "verdict", "engine", "text"];
  const field = (name) => form.elements.namedItem(name);

  const fits = (card, wanted) => {
    if (wanted.area && card.dataset.area !== wanted.area) return false;
    if (wanted.level && card.dataset.level !== wanted.level) return false;
    if (wanted.verdict) {
      const of = wanted.engine ? `[data-engine="${CSS.escape(wanted.engine)}"]` : "";
      if (!card.querySelector(`.cells > li${of} .chip.${CSS.escape(wanted.verdict)}`)) return false;
    }
    if (!wanted.text) return true;
    if (!words.has(card)) words.set(card, card.textContent.toLowerCase());
    return wanted.text.toLowerCase().split(/\s+/).every((word) => words.get(card).includes(word));
  };

  // One engine alone: its columns, and in the cards what is of it.
  let alone = "";
  const isolate = (engine) => {
    if (engine === alone) return;
    alone = engine;
    const isOther = (owner) => Boolean(engine) && owner !== engine;
    for (const head of heads) head.hidden = isOther(head.dataset.engine);
    for (const row of rows.values()) {
      owners.forEach((owner, at) => { row.cells[at + 2].hidden = isOther(owner); });
    }
    for (const one of document.querySelectorAll(".card [data-engine]")) {
      one.hidden = isOther(one.dataset.engine);
    }
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
    isolate(wanted.engine);
    form.elements.namedItem("count").value = `${shown} of ${cards.length} requirements`;
    return wanted;
  };

  // A filtered view is a link: #area=ring&verdict=fail. Any other fragment is the id of a thing.
  // What is chosen is a step that Back undoes; a letter typed is none.
  const remember = (event) => {
    const wanted = Object.entries(apply()).filter(([, value]) => value);
    const fragment = new URLSearchParams(wanted).toString();
    if (fragment === location.hash.slice(1)) return;
    if (!fragment && !location.hash.includes("=")) return;
    if (event.type === "input") history.replaceState(null, "", `#${fragment}`);
    else history.pushState(null, "", `#${fragment}`);
  };

  const clear = () => { for (const name of names) field(name).value = ""; };

  const open = (thing) => {
    for (let at = thing; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    const card = thing.closest("details.card");
    if (card && (card.hidden || thing.closest("[hidden]"))) { clear(); apply(); }
    thing.scrollIntoView({ block: "start" });
  };

  const follow = () => {
    const fragment = location.hash.slice(1);
    if (!fragment || fragment.includes("=")) {
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
  field("text").addEventListener("input", remember);
  for (const list of form.querySelectorAll("select")) list.addEventListener("change", remember);
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    clear();
    remember(event);
  });
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
  // Pages that came by plain http have no clipboard: there the command is selected and copied.
  const copy = async (pre) => {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(pre.textContent);
      return "copied";
    }
    getSelection().selectAllChildren(pre);
    return document.execCommand("copy") ? "copied" : "selected";
  };
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      button.textContent = await copy(button.previousElementSibling).catch(() => "not copied");
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
