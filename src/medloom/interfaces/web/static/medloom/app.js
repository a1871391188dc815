/* What the pages do in the browser. Everything works without it except live marks and own views. */
(function () {
  "use strict";
  const $ = (selector, root) => (root || document).querySelector(selector);
  const $$ = (selector, root) => Array.from((root || document).querySelectorAll(selector));
  const say = (text) => { const at = $("#said"); if (at) { at.textContent = text; } };

  /* times: the plant's zone is written, the viewer's own is on hover */
  function hoverTimes(root) {
    const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
    $$("time[datetime]", root).forEach((at) => {
      const moment = new Date(at.dateTime);
      if (isNaN(moment)) { return; }
      const text = moment.toLocaleString("sv-SE", { timeZone: mine });
      at.title = (at.dataset.zone || "UTC") + "\n" + text + " " + mine;
    });
  }

  function pickDays(root) {
    if (!window.flatpickr) { return; }
    const words = document.documentElement.lang === "zh-CN" && window.flatpickr.l10ns.zh;
    $$("input.day", root).forEach((input) => {
      if (!input._flatpickr) {
        window.flatpickr(input, { allowInput: true, dateFormat: "Y-m-d", locale: words || "default" });
      }
    });
  }

  /* density: kept by the browser, the same on every list */
  const DENSITIES = ["normal", "dense", "roomy"];
  function density() {
    const button = $("#density");
    if (!button) { return; }
    const show = (name) => {
      document.body.classList.remove(...DENSITIES);
      document.body.classList.add(name);
      $("span", button).textContent = button.dataset[name];
      localStorage.setItem("medloom.density", name);
    };
    show(DENSITIES.includes(localStorage.getItem("medloom.density")) ? localStorage.getItem("medloom.density") : "normal");
    button.onclick = () => {
      const now = DENSITIES.findIndex((d) => document.body.classList.contains(d));
      show(DENSITIES[(now + 1) % DENSITIES.length]);
    };
  }

  function picking() {
    const bar = $("#bulk");
    if (!bar) { return; }
    const boxes = $$("input[name=object]");
    const count = () => {
      const picked = boxes.filter((b) => b.checked);
      boxes.forEach((b) => b.closest("tr").classList.toggle("picked", b.checked));
      bar.hidden = !picked.length;
      $("#picked-count").textContent = picked.length;
      const all = $("#pick-all");
      if (all) { all.checked = picked.length === boxes.length; all.indeterminate = picked.length > 0 && !all.checked; }
    };
    boxes.forEach((b) => { b.onchange = count; });
    const all = $("#pick-all");
    if (all) { all.onchange = () => { boxes.forEach((b) => { b.checked = all.checked; }); count(); }; }
    count();
  }

  /* own views: a name for the present address, kept by this browser */
  function ownViews() {
    const place = $("#my-views");
    const keep = $("#keep-view");
    if (!place || !keep) { return; }
    const store = "medloom.views." + place.dataset.name;
    const read = () => { try { return JSON.parse(localStorage.getItem(store)) || []; } catch (error) { return []; } };
    const draw = () => {
      place.replaceChildren();
      read().forEach((view, index) => {
        const link = document.createElement("a");
        link.href = view.address;
        link.textContent = view.name;
        if (view.address === location.search) { link.setAttribute("aria-current", "true"); }
        const drop = document.createElement("button");
        drop.type = "button";
        drop.className = "btn btn-quiet btn-small";
        drop.textContent = "×";
        drop.setAttribute("aria-label", place.dataset.remove + ": " + view.name);
        drop.onclick = () => { const all = read(); all.splice(index, 1); localStorage.setItem(store, JSON.stringify(all)); draw(); };
        place.append(link, drop);
      });
    };
    keep.onclick = () => {
      const name = (window.prompt(keep.dataset.ask) || "").trim().slice(0, 40);
      if (name) {
        const all = read().filter((v) => v.name !== name);
        all.push({ name: name, address: location.search || "?" });
        localStorage.setItem(store, JSON.stringify(all));
        draw();
      }
    };
    draw();
  }

  /* a head box that ticks all boxes of one name */
  function tickAll() {
    $$("input[data-pick-all]").forEach((head) => {
      head.onchange = () => $$('input[name="' + head.dataset.pickAll + '"]').forEach((box) => { box.checked = head.checked; });
    });
    const print = $("#print");
    if (print) { print.onclick = () => window.print(); }
  }

  /* lines of a form: one more, one less; their numbers only tell them apart */
  function lineForms(root) {
    $$("[data-lines]", root).forEach((part) => {
      const body = $("tbody", part);
      const count = () => $$("tr", body).forEach((row, at) => { $("td", row).textContent = at + 1; });
      const wire = (row) => { $("[data-drop]", row).onclick = () => { const next = row.nextElementSibling || row.previousElementSibling; row.remove(); count(); ((next && $("input,select", next)) || $("[data-add]", part)).focus(); }; };
      $$("tr", body).forEach(wire);
      let next = $$("tr", body).length;
      $("[data-add]", part).onclick = () => {
        const holder = document.createElement("tbody");
        holder.innerHTML = $("template", part).innerHTML.replaceAll("__n__", String(next));
        next += 1;
        const row = holder.firstElementChild;
        body.append(row);
        wire(row);
        count();
        pickDays(row);
        offerNumbers(row);
        $("input,select", row).focus();
      };
    });
  }

  /* a choice that asks at once */
  function sendChoices(root) {
    $$("select[data-send]", root).forEach((choice) => { choice.onchange = () => choice.form.submit(); });
  }

  /* numbers that exist, offered below a field that names another object */
  function offerNumbers(root) {
    $$("input[data-ref]", root).forEach((box) => {
      let later = null;
      const ask = () => {
        const pick = $("#f-site", box.form);
        const query = new URLSearchParams({ q: box.value, site: pick ? pick.value : box.form.dataset.site || "" });
        fetch(box.dataset.ref + "?" + query, { credentials: "same-origin" })
          .then((answer) => (answer.ok ? answer.json() : { keys: [] }))
          .then((found) => box.list.replaceChildren(...found.keys.map((key) => { const one = document.createElement("option"); one.value = key; return one; })))
          .catch(() => {});
      };
      box.onfocus = ask;
      box.oninput = () => { clearTimeout(later); later = setTimeout(ask, 150); };
    });
  }

  function dressUp(root) { offerNumbers(root); lineForms(root); sendChoices(root); hoverTimes(root); pickDays(root); density(); picking(); tickAll(); news(); }

  /* live: a hint names what moved; rows on the page are fetched again in place and marked for a moment */
  const waiting = new Set();
  let others = false;
  let beat = 0;
  let timer = null;
  let reacted = 0;

  function pulse(state) {
    const at = $("#pulse");
    if (!at) { return; }
    at.dataset.state = state;
    $("span", at).textContent = at.dataset[state];
  }
  function heartbeat() {
    const at = $("#pulse");
    if (!at || Date.now() - beat < 900) { return; }
    beat = Date.now();
    at.classList.remove("beat");
    void at.offsetWidth;
    at.classList.add("beat");
  }
  function news() {
    const button = $("#show-news");
    if (button) {
      button.onclick = () => window.htmx.trigger("#live-list", "medloom:again");
      $("#news").hidden = !others;
    }
  }
  function fetchAgain(ids, quietly) {
    const place = $("#live-list");
    fetch(location.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
      .then((text) => {
        const fresh = new DOMParser().parseFromString(text, "text/html");
        const totals = $("#live-list > .totals", fresh);
        if (totals && !$("#chooser[open]")) { $("#live-list > .totals").replaceWith(document.adoptNode(totals)); }
        ids.forEach((id) => {
          const there = $("#row-" + CSS.escape(id));
          const here = fresh.getElementById("row-" + id);
          if (there && here && !there.classList.contains("picked")) {
            there.replaceWith(document.adoptNode(here));
            if (!quietly) { $("#row-" + CSS.escape(id)).classList.add("moved"); }
          } else if (there || here) { others = true; }
        });
        dressUp(place);
      })
      .catch(() => { others = true; news(); });
  }
  /* parts of a page are asked for at most every two seconds; what a person has ticked stays under their hand */
  let asked = 0;
  let asking = null;
  function askParts() {
    const wait = asked + 2000 - Date.now();
    if (wait > 0) {
      if (!asking) { asking = setTimeout(() => { asking = null; askParts(); }, wait); }
      return;
    }
    asked = Date.now();
    const free = $$("[data-live-part]").filter((part) => !$("input:checked", part));
    free.forEach((part) => window.htmx && window.htmx.trigger(part, "medloom:again"));
  }
  function react() {
    timer = null;
    reacted = Date.now();
    const ids = Array.from(waiting);
    waiting.clear();
    if ($("#live-list")) {
      const here = ids.filter((id) => $("#row-" + CSS.escape(id)));
      if (here.length) { fetchAgain(here); } else { news(); }
    }
    askParts();
  }
  function moved(hint) {
    heartbeat();
    const type = document.body.dataset.type;
    (hint.moved || []).forEach((one) => {
      if (one.type === type || one.object === document.body.dataset.object) { waiting.add(one.object); }
      if (one.type === type && !$("#row-" + CSS.escape(one.object))) { others = true; }
    });
    if (hint.many) { others = true; }
    if (document.body.dataset.object && waiting.has(document.body.dataset.object)) {
      const note = $("#moved-on");
      if (note) { note.hidden = false; }
    }
    /* the first hint is followed at once, those that come close behind it together */
    if (!timer) { timer = setTimeout(react, Math.max(0, reacted + 150 - Date.now())); }
    document.dispatchEvent(new CustomEvent("medloom:moved", { detail: hint }));
  }
  /* what moved while the stream was away has no hint: everything shown is asked for once */
  function catchUp() {
    const ids = $$("#live-list [id^='row-']").map((row) => row.id.slice(4));
    if (ids.length) { fetchAgain(ids, true); }
    askParts();
  }
  function listen() {
    const place = document.body.dataset.live;
    if (!place || !window.EventSource) { return; }
    const address = place.startsWith(":") ? location.protocol + "//" + location.hostname + place : place;
    const stream = new EventSource(address, { withCredentials: true });
    let lost = false;
    stream.addEventListener("ready", () => {
      pulse("live");
      if (lost) { lost = false; catchUp(); }
    });
    stream.addEventListener("moved", (event) => moved(JSON.parse(event.data)));
    stream.onerror = () => { lost = true; pulse("lost"); };
    window.addEventListener("pagehide", () => stream.close());
  }

  document.addEventListener("DOMContentLoaded", () => {
    dressUp(document);
    const here = $(".rail a[aria-current]");
    if (here) { here.scrollIntoView({ block: "nearest" }); }
    ownViews();
    listen();
    $$("form").forEach((form) => form.addEventListener("submit", () => $("#busy") && !form.querySelector("[download]") && $("#busy").classList.add("on")));
    document.addEventListener("click", (event) => {
      $$("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) { menu.open = false; } });
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { $$("details.menu[open]").forEach((menu) => { menu.open = false; }); }
      if (event.key === "/" && !/INPUT|TEXTAREA|SELECT/.test(event.target.tagName)) { event.preventDefault(); $(".find input").focus(); }
    });
    document.body.addEventListener("htmx:afterSwap", (event) => { others = false; dressUp(event.target); say(document.title); });
  });
  window.medloom = { dressUp: dressUp };
})();
