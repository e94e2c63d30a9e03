// The grid in which a list is corrected. Without this it is a form; with it each cell is checked when it is left, the
// arrow keys and Enter move, a column of a spreadsheet can be pasted, Ctrl+Z takes the last change back.
const form = document.getElementById("fix");
const state = document.getElementById("fix-state");
const csrf = document.querySelector("meta[name=csrf]").content;
const number = (value) => value.toLocaleString(document.documentElement.lang);
const mine = []; // numbers of the changes made on this page, the last one last

async function ask(path, body) {
  const options = body && {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
    body: JSON.stringify(body),
  };
  const answer = await fetch(form.dataset.api + path, options);
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.message || data.error);
  return data;
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

// --- what the server says of rows ---

function button(text, kind, role, value) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = kind;
  made.textContent = text;
  Object.assign(made.dataset, { role, value });
  return made;
}

function line(kind, ...parts) {
  const made = document.createElement("div");
  made.className = kind;
  made.append(...parts);
  return made;
}

function show(row, checked) {
  const body = form.querySelector(`tbody[data-key="${row.key}"]`);
  if (!body) return;
  const wrong = new Set(row.faults.map((one) => one.role));
  body.className = row.left_out ? "out" : !row.faults.length && checked ? "right" : "";
  for (const cell of body.querySelectorAll("input.cell")) {
    const role = cell.dataset.role;
    if (document.activeElement !== cell || cell.value === cell.dataset.was) cell.value = row[role];
    cell.dataset.was = row[role];
    cell.classList.toggle("corrected", role in row.as_read);
    if (wrong.has(role)) cell.setAttribute("aria-invalid", "true");
    else cell.removeAttribute("aria-invalid");
  }
  for (const box of body.querySelectorAll("input[type=checkbox]")) box.checked = row[box.dataset.role];
  const say = form.dataset;
  const lines = row.faults.map((one) => line("", one.message, " ",
    ...(one.suggestion ? [button(fill(say.take, { value: one.suggestion }), "take", one.role, one.suggestion)] : [])));
  if (!lines.length) lines.push(line("", row.left_out ? say.out : checked ? say.right : say.waits));
  for (const [role, value] of Object.entries(row.as_read)) {
    lines.push(line("small read", button(fill(say.read, { value: value || say.empty }), "plain", role, value)));
  }
  body.querySelector(".message").replaceChildren(...lines);
}

let version = Number(form?.dataset.version);

function take(data) {
  if (data.version < version) return; // an older answer that came late
  version = data.version;
  for (const row of data.rows) show(row, data.checked);
  if (!data.checked) {
    state.textContent = state.dataset.checking;
    state.classList.add("checking");
    wait();
    return;
  }
  state.classList.remove("checking");
  state.textContent = fill(state.dataset.state, {
    rejected: number(data.rejected), left_out: number(data.left_out), send: number(data.to_send),
  });
}

let waiting = false;

// The whole list is checked behind every change: what it says of the rows shown comes when it has ended.
async function wait() {
  if (waiting) return;
  waiting = true;
  const keys = [...form.querySelectorAll("tbody")].map((body) => body.dataset.key).join(",");
  try {
    const data = await ask(`/rows?wait&keys=${keys}`);
    waiting = false;
    take(data);
  } catch {
    waiting = false;
    setTimeout(wait, 2000);
  }
}

// --- changes ---

let queue = Promise.resolve();

// One after the other, in the order in which they were made.
function send(path, body, back) {
  queue = queue.then(async () => {
    state.textContent = state.dataset.checking;
    try {
      const data = await ask(path, body);
      if (path !== "/undo" && data.changes.length) mine.push(data.changes[0].number);
      take(data);
      return data;
    } catch (error) {
      back?.();
      state.textContent = error.message || form.dataset.failed;
      state.classList.add("warn");
      return null;
    }
  });
  state.classList.remove("warn");
  return queue;
}

function change(body, role, value) {
  const cell = body.querySelector(`[data-role="${role}"].cell`);
  if (cell) cell.value = value;
  send("/cells", { cells: [{ key: body.dataset.key, role, value }] }, () => { if (cell) cell.value = cell.dataset.was; });
}

function changed(input) {
  const body = input.closest("tbody");
  if (input.type === "checkbox") change(body, input.dataset.role, input.checked ? "yes" : null);
  else if (input.value !== input.dataset.was) change(body, input.dataset.role, input.value);
}

async function undo() {
  if (!mine.length) return;
  await send("/undo", { numbers: [mine.pop()] });
  wait();
}

// --- moving ---

const columns = ["serial", "gtin", "batch", "expiry"];

function go(input, down, right) {
  const bodies = [...form.querySelectorAll("tbody")];
  const at = bodies.indexOf(input.closest("tbody")) + down;
  const role = columns[columns.indexOf(input.dataset.role) + right];
  const target = bodies[Math.max(0, Math.min(at, bodies.length - 1))]?.querySelector(`input.cell[data-role="${role}"]`);
  if (!target || target === input) return false;
  here(target);
  target.focus();
  target.select();
  return true;
}

// One cell of the table can be reached by Tab: the one that was left last.
function here(cell) {
  for (const other of form.querySelectorAll("input.cell[tabindex='0']")) other.tabIndex = -1;
  cell.tabIndex = 0;
}

const whole = (input) => input.selectionStart === 0 && input.selectionEnd === input.value.length;

function moves(event) {
  const input = event.target;
  const start = whole(input) || input.selectionEnd === 0;
  const end = whole(input) || input.selectionStart === input.value.length;
  switch (event.key) {
    case "ArrowUp": return go(input, -1, 0);
    case "ArrowDown": return go(input, 1, 0);
    case "ArrowLeft": return start && !event.shiftKey && go(input, 0, -1);
    case "ArrowRight": return end && !event.shiftKey && go(input, 0, 1);
    case "PageUp": return go(input, -10, 0);
    case "PageDown": return go(input, 10, 0);
    case "Enter":
      if (!go(input, event.shiftKey ? -1 : 1, 0)) input.blur();
      return true;
    case "Escape": input.value = input.dataset.was; input.select(); return true;
    case "F2": input.setSelectionRange(input.value.length, input.value.length); return true;
    case "z": return (event.ctrlKey || event.metaKey) && input.value === input.dataset.was && (undo(), true);
    default: return false;
  }
}

// What a spreadsheet puts on the clipboard: rows on lines, cells between tabs, quoted where they hold either.
export function cells(text) {
  const rows = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    const row = rows[rows.length - 1];
    if (quoted) {
      if (char !== '"') row[row.length - 1] += char;
      else if (text[at + 1] === '"') { row[row.length - 1] += char; at += 1; } else quoted = false;
    } else if (char === '"' && row[row.length - 1] === "" && /"(\t|\r?\n|$)/.test(text.slice(at + 1))) quoted = true;
    else if (char === "\t") row.push("");
    else if (char === "\n") rows.push([""]);
    else if (char !== "\r") row[row.length - 1] += char;
  }
  if (rows.length > 1 && rows[rows.length - 1].join("") === "") rows.pop();
  return rows;
}

async function paste(event) {
  const table = cells(event.clipboardData.getData("text/plain"));
  if (table.length === 1 && table[0].length === 1) return; // into the cell, as everywhere
  event.preventDefault();
  const bodies = [...form.querySelectorAll("tbody")];
  const keys = bodies.slice(bodies.indexOf(event.target.closest("tbody"))).map((body) => body.dataset.key);
  const data = await send("/paste", { keys, role: event.target.dataset.role, table, kind: form.dataset.kind });
  if (data) document.getElementById("fix-keys").firstElementChild.textContent = fill(form.dataset.pasted, { n: number(table.length) });
}

if (form) {
  form.querySelector("#check").hidden = true; // for those who have no JavaScript
  const all = form.querySelectorAll("input.cell");
  for (const cell of all) cell.tabIndex = -1;
  here(form.querySelector("input.cell[aria-invalid]") || all[0]);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("keydown", (event) => {
    if (event.target.matches("input.cell") && !event.isComposing && moves(event)) event.preventDefault();
  });
  form.addEventListener("focusin", (event) => { if (event.target.matches("input.cell")) { here(event.target); event.target.select(); } });
  form.addEventListener("change", (event) => changed(event.target));
  form.addEventListener("paste", (event) => { if (event.target.matches("input.cell")) paste(event); });
  form.addEventListener("click", (event) => {
    const pressed = event.target.closest("button[data-role]");
    if (!pressed) return;
    const body = pressed.closest("tbody");
    change(body, pressed.dataset.role, pressed.dataset.value);
    body.querySelector(`input.cell[data-role="${pressed.dataset.role}"]`)?.focus();
  });
  if (!form.dataset.checked) wait();
}
if (!form && state && state.textContent === state.dataset.checking) setTimeout(() => location.reload(), 1000);
