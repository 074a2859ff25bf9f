// Keys, line ranges and live pages. Everything works without it.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const say = (text) => { $("#live").textContent = text; };

  const move = (list, by) => {
    if (!list.length) return;
    const at = list.indexOf(document.activeElement);
    const row = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : (at + by + list.length) % list.length];
    const step = row.closest("details");
    if (step) step.open = true;
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  };

  let before = "";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select, textarea")) return;
    const key = event.key;
    const repo = document.body.dataset.repo;
    if (before === "g" && key === "r") location.href = repo ? `/${repo}` : "/";
    else if (key === "j") move(rows(), 1);
    else if (key === "k") move(rows(), -1);
    else if (key === "f") move(rows().filter((row) => /failed|errored|rolled_back/.test(row.dataset.state)), 1);
    else if (key === "?") $("#help").showModal();
    else if (key === "/" && $("#search")) { event.preventDefault(); $("#search").focus(); }
    before = key;
  });

  const mark = () => {
    document.querySelectorAll(".l.on").forEach((line) => line.classList.remove("on"));
    const range = /^#L(\d+)(?:-L(\d+))?$/.exec(location.hash);
    if (!range) return;
    const from = +range[1];
    const to = Math.min(+(range[2] || range[1]), from + 5000);
    const first = document.getElementById(`L${from}`);
    if (!first) {
      const search = new URLSearchParams(location.search);
      if (!$("#log") || search.has("from")) return;
      search.set("from", Math.max(1, from - 20));
      location.search = search;
      return;
    }
    for (let at = from; at <= to; at += 1) document.getElementById(`L${at}`)?.classList.add("on");
    const step = first.closest("details");
    if (step) step.open = true;
    first.scrollIntoView({ block: "center" });
  };
  addEventListener("hashchange", mark);
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".l > a[href^='#L']");
    const start = /^#L(\d+)/.exec(location.hash);
    if (!link || !event.shiftKey || !start) return;
    event.preventDefault();
    const ends = [+start[1], +link.hash.slice(2)].sort((a, b) => a - b);
    location.hash = `L${ends[0]}-L${ends[1]}`;
  });
  mark();

  let source;
  const swap = async () => {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return say("The server is away; trying again.");
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const steps = [...document.querySelectorAll("details.step")].map((step) => step.open);
    const focus = document.activeElement?.getAttribute("href");
    $("main").replaceWith(fresh.querySelector("main"));
    document.querySelectorAll("details.step").forEach((step, at) => { if (steps[at]) step.open = true; });
    if (focus) $(`main a[href="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
    document.body.dataset.events = fresh.body.dataset.events;
    document.title = fresh.title;
    follow();
  };

  function follow() {
    source?.close();
    const address = document.body.dataset.events;
    if (!address) return;
    const log = $("#log");
    // Someone who reads an earlier part must not find the newest lines under it.
    const part = new URLSearchParams(location.search).has("from");
    const query = log ? `?offset=${log.dataset.offset}&line=${log.dataset.line}&attempt=${log.dataset.attempt}` : "";
    source = new EventSource(address + query);
    source.onopen = () => say("");
    source.onerror = () => {
      source.close();
      say("The connection was lost; connecting again.");
      setTimeout(() => swap().catch(() => setTimeout(follow, 2000)), 2000);
    };
    source.addEventListener("changed", () => { source.close(); swap().catch(() => setTimeout(follow, 2000)); });
    source.addEventListener("lines", (event) => {
      const last = part ? null : $("#log details:last-of-type .log");
      if (!last) return;
      const low = innerHeight + scrollY >= document.body.scrollHeight - 80;
      last.insertAdjacentHTML("beforeend", event.data);
      if (low) scrollTo(0, document.body.scrollHeight);
    });
  }
  follow();
})();
