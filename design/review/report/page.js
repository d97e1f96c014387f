"use strict";
(() => {
  const $ = (s, e = document) => e.querySelector(s), all = (s, e = document) => [...e.querySelectorAll(s)];
  const search = $("#search"), family = $("#family"), element = $("#element"), chips = all(".chip");
  const findings = all(".finding"), frame = $("#map-frame"), svg = frame && $("svg", frame);
  if (!findings.length) { zoom(); return; }
  let of = "", begun = false; // an address that leads to a rule stays as it came

  // The filter stands in the address, so that it can be sent on.
  const state = new URLSearchParams(location.hash.slice(1));
  search.value = state.get("q") || "";
  family.value = state.get("family") || "";
  of = state.get("of") || "";
  const off = (state.get("without") || "").split(",");
  chips.forEach(c => c.setAttribute("aria-pressed", String(!off.includes(c.dataset.severity))));

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const without = chips.filter(c => c.getAttribute("aria-pressed") !== "true").map(c => c.dataset.severity);
    const any = words.length > 0 || without.length > 0 || family.value !== "" || of !== "";
    let shown = 0;
    for (const rule of all(".rule")) {
      let here = 0;
      const inFamily = !family.value || rule.dataset.family === family.value;
      const about = ($("h3", rule).textContent + " " + $(".docs summary", rule).textContent).toLowerCase();
      for (const f of all(".finding", rule)) {
        const text = about + " " + f.textContent.toLowerCase();
        const fits = inFamily && !without.includes(f.dataset.severity) && (!of || f.dataset.of.split(" ").includes(of)) && words.every(w => text.includes(w));
        f.hidden = !fits;
        if (fits) here++;
      }
      rule.hidden = here === 0;
      const fold = $(".fold", rule);
      if (fold) { // a filter shows what it finds
        if (any) { fold.dataset.was ??= fold.open; fold.open = true; }
        else if (fold.dataset.was !== undefined) { fold.open = fold.dataset.was === "true"; delete fold.dataset.was; }
        fold.hidden = !$(".finding:not([hidden])", fold);
      }
      $(".n", rule).textContent = here;
      shown += here;
    }
    $("#none").hidden = shown > 0;
    $("#shown").textContent = shown === findings.length ? "" : shown + " of " + findings.length;
    element.hidden = !of;
    element.textContent = of && of.slice(of.indexOf("/") + 1) + " ×";
    mark(of ? [of] : []);
    const s = new URLSearchParams();
    if (search.value) s.set("q", search.value);
    if (family.value) s.set("family", family.value);
    if (of) s.set("of", of);
    if (without.length) s.set("without", without.join(","));
    if (s.size || any || begun) history.replaceState(null, "", s.size ? "#" + s : location.pathname + location.search);
    begun = true;
  }

  // Elements that a finding is about stand out on the map.
  function mark(refs) {
    if (!svg) return;
    for (const n of all("[data-ref]", svg)) {
      if (n.classList.contains("group")) continue;
      const is = refs.includes(n.dataset.ref);
      n.classList.toggle("chosen", is);
      n.classList.toggle("dimmed", refs.length > 0 && !is);
    }
  }

  search.addEventListener("input", filter);
  family.addEventListener("change", filter);
  element.addEventListener("click", () => { of = ""; filter(); });
  chips.forEach(c => c.addEventListener("click", () => { c.setAttribute("aria-pressed", String(c.getAttribute("aria-pressed") !== "true")); filter(); }));
  findings.forEach(f => {
    f.addEventListener("pointerenter", () => mark(f.dataset.of.split(" ").filter(Boolean)));
    f.addEventListener("pointerleave", () => mark(of ? [of] : []));
  });
  if (svg) svg.addEventListener("click", e => {
    const n = e.target.closest("[data-ref]");
    of = n && n.dataset.ref !== of ? n.dataset.ref : "";
    filter();
  });
  addEventListener("beforeprint", () => all(".finding details, .fold").forEach(d => { d.dataset.printed = d.open; d.open = true; }));
  addEventListener("afterprint", () => all(".finding details, .fold").forEach(d => { d.open = d.dataset.printed === "true"; }));
  zoom();
  filter();

  function zoom() {
    if (!svg) return;
    const w = svg.viewBox.baseVal.width, h = svg.viewBox.baseVal.height;
    let scale = 1;
    const set = s => { scale = Math.min(4, Math.max(.15, s)); svg.style.width = w * scale + "px"; svg.style.height = h * scale + "px"; };
    const fit = () => set(Math.min(1, Math.max(.45, (frame.clientWidth - 2) / w))); // smaller, nobody reads the names
    $("#zoom-in").addEventListener("click", () => set(scale * 1.25));
    $("#zoom-out").addEventListener("click", () => set(scale / 1.25));
    $("#zoom-fit").addEventListener("click", fit);
    let fitted = true;
    all(".tools button").forEach(b => b.addEventListener("click", () => { fitted = b.id === "zoom-fit"; }));
    addEventListener("resize", () => { if (fitted) fit(); });
    fit();
  }
})();
