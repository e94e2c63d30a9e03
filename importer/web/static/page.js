// The page works without this. What it adds: a progress bar for uploads, and news by itself.
"use strict";

const token = () => document.querySelector("meta[name=csrf]").content;

// What can't be taken back is asked once more: in a dialog here, on a page of its own without this script.
async function ask(url) {
  const here = new URL(url, location.href);
  here.searchParams.set("in", "dialog");
  const answer = await fetch(here);
  if (!answer.ok || answer.redirected) { location.assign(url); return; }
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "ask-title");
  // Our own server's page, escaped there; scripts in it would not run.
  dialog.append(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.querySelector("[data-close]").addEventListener("click", (event) => { event.preventDefault(); dialog.close(); });
  dialog.querySelector("form").addEventListener("submit", (event) => { event.submitter.disabled = true; });
  const typed = dialog.querySelector("[data-number]");
  if (typed) {
    const button = dialog.querySelector("button");
    const compare = () => { button.disabled = typed.value.replace(/[ .,'\u00a0\u202f\u2019]/g, "") !== typed.dataset.number; };
    typed.addEventListener("input", compare);
    compare();
  }
  dialog.showModal();
}

function askFirst() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-ask]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    ask(link.href).catch(() => location.assign(link.href));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-ask]");
    if (!form) return;
    event.preventDefault();
    const url = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    ask(url).catch(() => location.assign(url));
  });
}

function watchUpload(form) {
  const input = form.querySelector("input[type=file]");
  const progress = form.querySelector(".progress");
  const send = (files) => {
    if (!files.length) return;
    const body = new FormData();
    body.append("csrf", token());
    for (const file of files) body.append("file", file, file.name);
    const request = new XMLHttpRequest();
    const what = progress.querySelector(".what");
    const say = (text) => { what.textContent = text; progress.hidden = false; };
    say(form.dataset.uploading.replace("{name}", [...files].map((file) => file.name).join(", ")));
    form.querySelector("button").disabled = true;
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) progress.querySelector("progress").value = (100 * event.loaded) / event.total;
    };
    // Leaving would cut the upload off: the browser asks first.
    const stay = (event) => event.preventDefault();
    window.addEventListener("beforeunload", stay);
    const cancel = progress.querySelector(".cancel");
    cancel.hidden = false;
    cancel.onclick = () => request.abort();
    request.onloadend = () => { window.removeEventListener("beforeunload", stay); cancel.hidden = true; };
    request.onabort = () => {
      say(form.dataset.cancelled);
      progress.querySelector("progress").value = 0;
      form.querySelector("button").disabled = false;
      input.value = "";
    };
    const failed = () => {
      let text = form.dataset.failed;
      try { text = JSON.parse(request.responseText).message || text; } catch { /* not ours: keep the general words */ }
      say(text);
      form.querySelector("button").disabled = false;
      input.value = "";
    };
    request.onload = () => {
      window.removeEventListener("beforeunload", stay);
      if (request.status !== 201) { failed(); return; }
      const { uploads } = JSON.parse(request.responseText);
      location.assign(uploads.length === 1 ? `/uploads/${uploads[0].id}` : "/");
    };
    request.onerror = failed;
    request.open("POST", "/api/uploads");
    request.setRequestHeader("X-CSRF-Token", token());
    request.send(body);
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); send(input.files); });
  input.addEventListener("change", () => send(input.files));
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => { event.preventDefault(); form.classList.add("over"); });
  }
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) form.classList.remove("over"); });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    send(event.dataTransfer.files);
  });
}

// Whether the server answers; while it does not, how old the figures are is said.
const connection = {
  heardAt: Date.now(),
  timer: 0,
  heard() {
    this.heardAt = Date.now();
    clearInterval(this.timer);
    this.timer = 0;
    document.getElementById("lost").hidden = true;
  },
  lost() {
    if (this.timer) return;
    const note = document.getElementById("lost");
    const tell = () => {
      const seconds = Math.round((Date.now() - this.heardAt) / 1000);
      note.textContent = note.dataset.words.replace("{age}", seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`);
    };
    tell();
    note.hidden = false;
    this.timer = setInterval(tell, 1000);
  },
};

const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex='0']";

async function replace(element, url) {
  try {
    const answer = await fetch(url);
    if (!answer.ok) { connection.lost(); return false; }
    // Our own server's page, escaped there; scripts in it would not run.
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    const focused = [...element.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
    const open = [...element.querySelectorAll("details")].map((one) => one.open);
    [...fresh.querySelectorAll("details")].forEach((one, place) => { one.open = open[place] ?? one.open; });
    element.replaceChildren(...fresh.childNodes);
    if (focused >= 0) element.querySelectorAll(FOCUSABLE)[focused]?.focus({ preventScroll: true });
    connection.heard();
    return true;
  } catch {
    connection.lost();
    return false;
  }
}

// A session that has ended: log in on the spot; what was asked for is asked again then, and nothing typed is lost.
const plainFetch = window.fetch.bind(window);
let loggingIn = null;
window.fetch = async (url, options) => {
  const answer = await plainFetch(url, options);
  if (answer.status !== 401) return answer;
  loggingIn ??= logInHere().finally(() => { loggingIn = null; });
  return (await loggingIn) ? plainFetch(url, options) : answer;
};

async function logInHere() {
  const parts = (text) => new DOMParser().parseFromString(text, "text/html").querySelector("form.login");
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "ask-title");
  dialog.append(parts(await (await plainFetch("/login?in=dialog")).text()));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    let done = false;
    dialog.addEventListener("close", () => { dialog.remove(); resolve(done); });
    dialog.addEventListener("submit", async (event) => {
      event.preventDefault();
      const body = new URLSearchParams(new FormData(event.target));
      const answer = await plainFetch("/login", { method: "POST", body, redirect: "manual" });
      done = answer.ok || answer.type === "opaqueredirect";
      if (done) { dialog.close(); return; }
      dialog.replaceChildren(parts(await answer.text()));
    });
  });
}

function watchRun(element) {
  const source = new EventSource(element.dataset.events);
  let busy = false;
  source.addEventListener("open", () => connection.heard());
  source.addEventListener("error", async () => {
    connection.lost();
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    source.close();
    const asked = await fetch("/api/session").catch(() => null); // asks to log in, if that is why
    if (asked?.ok) { connection.heard(); watchRun(element); } else setTimeout(() => watchRun(element), 3000);
  });
  source.addEventListener("run", async (event) => {
    const run = JSON.parse(event.data);
    if (!run || run.phase !== element.dataset.phase) {
      source.close();
      location.reload();
      return;
    }
    if (busy) return;
    busy = true;
    await replace(element, element.dataset.live);
    busy = false;
  });
  source.addEventListener("end", () => { source.close(); location.reload(); });
}

function watchReading(element) {
  const look = async () => {
    try {
      const answer = await fetch(element.dataset.poll);
      const data = await answer.json();
      if (data.state !== "reading") { location.reload(); return; }
    } catch { /* the server restarts: try again */ }
    setTimeout(look, 1000);
  };
  look();
}

askFirst();
const upload = document.getElementById("upload");
if (upload) watchUpload(upload);
const live = document.querySelector("[data-events]");
if (live) watchRun(live);
const reading = document.querySelector("[data-poll]");
if (reading) watchReading(reading);
const activity = document.querySelector("[data-refresh]");
if (activity) setInterval(() => { if (!document.hidden) replace(activity, activity.dataset.refresh); }, 3000);
