// The board: types in contexts, which can be moved while the figures follow.
(() => {
  const board = document.getElementById("board");
  if (!board) return;
  const sheet = DATA, names = sheet.names;
  const nodes = sheet.nodes;
  const original = nodes.map(n => n.part), labels = [...names];
  let part = [...original], undo = [], chosen = -1;

  const measure = p => measured(sheet, p, labels.length);
  const before = measure(original);
  const shown = [["cost", "cost", 2], ["severed", "evidence severed", 2], ["ops", "operations across", 0], ["span", "transactions that span", 0], ["writes", "foreign writers", 0], ["reads", "foreign readers", 0], ["alive", "contexts", 0]];

  function figures() {
    const now = measure(part), box = document.getElementById("figures");
    box.replaceChildren(...shown.map(([key, label, digits]) => {
      const d = document.createElement("div");
      d.className = "figure";
      const diff = now[key] - before[key];
      d.innerHTML = "<b></b><span></span> <i></i>";
      d.children[0].textContent = now[key].toFixed(digits);
      d.children[1].textContent = label;
      if (Math.abs(diff) >= (digits ? .005 : .5)) {
        d.children[2].textContent = (diff > 0 ? "+" : "") + diff.toFixed(digits);
        if (key !== "alive") d.children[2].className = diff > 0 ? "worse" : "better";
      }
      return d;
    }));
    document.getElementById("undo").disabled = !undo.length;
    document.getElementById("reset").disabled = part.every((p, i) => p === original[i]);
  }

  function move(i, to) {
    if (i < 0 || to < 0 || to >= labels.length || part[i] === to) return;
    undo.push([i, part[i]]);
    part[i] = to;
    draw();
  }

  const short = name => { const [t, m] = name.split("#"); return t.replace(/^.*[./]/, "") + (m ? " {" + m + "}" : ""); };

  function draw() {
    const q = document.getElementById("find").value.trim().toLowerCase();
    board.replaceChildren(...labels.map((label, c) => {
      const box = document.createElement("div");
      box.className = "context";
      const mine = nodes.map((n, i) => i).filter(i => part[i] === c);
      const h = document.createElement("h3");
      h.textContent = (c + 1) + " " + label;
      const s = document.createElement("span");
      s.textContent = mine.filter(i => !nodes[i].table).length + " types";
      h.append(s);
      box.append(h);
      mine.sort((a, b) => (nodes[b].table ? 1 : 0) - (nodes[a].table ? 1 : 0) || nodes[a].name.localeCompare(nodes[b].name));
      for (const i of mine) {
        const n = nodes[i], chip = document.createElement("button");
        chip.className = "chip" + (n.table ? " table" : "") + (n.common ? " common" : "") + (n.also ? " near" : "") + (part[i] !== original[i] ? " moved" : "") + (i === chosen ? " chosen" : "") + (q && n.name.toLowerCase().includes(q) ? " found" : "");
        chip.textContent = (n.table ? "▤ " : "") + short(n.name);
        chip.title = n.name + (n.place ? "\n" + n.place : "") + "\n" + n.kind + (n.also ? "\nnearly as close to " + n.also : "");
        chip.draggable = true;
        chip.addEventListener("dragstart", e => e.dataTransfer.setData("text/plain", String(i)));
        chip.addEventListener("click", () => { chosen = chosen === i ? -1 : i; draw(); });
        box.append(chip);
      }
      box.addEventListener("dragover", e => { e.preventDefault(); box.classList.add("over-it"); });
      box.addEventListener("dragleave", () => box.classList.remove("over-it"));
      box.addEventListener("drop", e => { e.preventDefault(); move(Number(e.dataTransfer.getData("text/plain")), c); });
      return box;
    }));
    figures();
  }

  document.addEventListener("keydown", e => { if (e.target.tagName !== "INPUT" && chosen >= 0 && /^[1-9]$/.test(e.key)) move(chosen, Number(e.key) - 1); });
  document.getElementById("undo").addEventListener("click", () => { const [i, p] = undo.pop(); part[i] = p; draw(); });
  document.getElementById("reset").addEventListener("click", () => { part = [...original]; undo = []; draw(); });
  document.getElementById("new").addEventListener("click", () => { const name = prompt("Name of the new context"); if (name) { labels.push(name); draw(); } });
  document.getElementById("find").addEventListener("input", draw);
  document.getElementById("copy").addEventListener("click", async e => {
    const text = labels.map((l, c) => nodes.some((n, i) => part[i] === c) ? JSON.stringify(l) + ":\n" + nodes.map((n, i) => part[i] === c ? "  - " + JSON.stringify(n.name) + "\n" : "").join("") : "").join("");
    try { await navigator.clipboard.writeText(text); e.target.textContent = "Copied"; }
    catch { const w = open("", "_blank"); w.document.body.append(Object.assign(w.document.createElement("pre"), { textContent: text })); }
  });
  draw();
})();
