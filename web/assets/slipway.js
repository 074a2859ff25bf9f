// Keys, line ranges, parts of long logs, and live pages. Everything can be read without it.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const say = (text) => { if ($("#live").textContent !== text) $("#live").textContent = text; };
  document.documentElement.classList.add("scripted");

  // Keys.
  const move = (list, by) => {
    if (!list.length) return;
    const at = list.indexOf(document.activeElement);
    const row = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : (at + by + list.length) % list.length];
    const step = row.closest("details");
    if (step) step.open = true;
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  };
  const help = () => $("#help").open ? $("#help").close() : $("#help").showModal();
  let before = "";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const key = event.key;
    const repo = document.body.dataset.repo;
    const rows = () => $$("[data-row]");
    if (before === "g" && key === "r") location.href = repo ? `/${repo}` : "/";
    else if (before === "g" && key === "h") location.href = "/";
    else if (key === "j") move(rows(), 1);
    else if (key === "k") move(rows(), -1);
    else if (key === "f") move(rows().filter((row) => /failed|errored|rolled_back|lost/.test(row.dataset.state)), 1);
    else if (key === "?") help();
    else if (key === "/" && $("#search")) { event.preventDefault(); $("#search").select(); }
    before = key;
  });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-help]")) help(); });

  // Times: relative ones grow old, running ones count.
  const duration = (s) => s < 1 ? "<1 s" : s < 60 ? `${s} s` : s < 3600 ? `${s / 60 | 0} min ${s % 60} s`
    : s < 86400 ? `${s / 3600 | 0} h ${(s / 60 | 0) % 60} min` : `${s / 86400 | 0} d ${(s / 3600 | 0) % 24} h`;
  const age = (s) => s < 10 ? "now" : s < 60 ? `${s} s ago` : s < 3600 ? `${s / 60 | 0} min ago`
    : s < 86400 ? `${s / 3600 | 0} h ago` : `${s / 86400 | 0} d ago`;
  const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  // The server's clock counts, not this machine's.
  const skew = Date.parse(document.body.dataset.now) - Date.now() || 0;
  const since = (iso) => Math.max(0, Math.floor((Date.now() + skew - Date.parse(iso)) / 1000));
  setInterval(() => {
    $$("[data-since]").forEach((element) => put(element, duration(since(element.dataset.since))));
    $$("time").forEach((element) => {
      const seconds = since(element.dateTime);
      if (seconds < 2592000) put(element, age(seconds));
    });
  }, 1000);

  // Long logs: each step holds lines that follow each other; what is missing is fetched.
  const BLOCK = 500, MOST = 4000;
  const number = (line) => +line.id.slice(1);
  const held = (body) => body.getElementsByClassName("l");
  const body = (step) => $(".log", step);
  const gaps = (step) => {
    const lines = held(body(step)), first = +step.dataset.first, last = +step.dataset.last;
    const above = lines.length ? number(lines[0]) - first : 0;
    const below = lines.length ? last - number(lines[lines.length - 1]) : last - first + 1;
    const show = (gap, count, text) => { gap.hidden = count <= 0; put(gap, `${count.toLocaleString("en")} ${text}`); };
    show($(".up", step), above, "earlier lines");
    show($(".down", step), below, lines.length ? "later lines" : "lines: show");
  };
  const fetched = async (from, to) => {
    const { fragment, attempt } = $("#log").dataset;
    const answer = await fetch(`${fragment}?attempt=${attempt}&from=${from}&to=${to}`);
    if (!answer.ok) throw new Error(answer.status);
    return answer.text();
  };
  const fill = async (step, up) => {
    if (step.dataset.busy) return;
    step.dataset.busy = "yes";
    try {
      const lines = held(body(step)), first = +step.dataset.first, last = +step.dataset.last;
      if (up) {
        const top = number(lines[0]);
        const html = await fetched(Math.max(first, top - BLOCK), top - 1);
        // What one reads stays where it is.
        const line = lines[0], was = line.getBoundingClientRect().top;
        $(".up", step).insertAdjacentHTML("afterend", html);
        while (lines.length > MOST) lines[lines.length - 1].remove();
        gaps(step);
        scrollBy({ top: line.getBoundingClientRect().top - was, behavior: "instant" });
      } else {
        const from = lines.length ? number(lines[lines.length - 1]) + 1 : first;
        const html = await fetched(from, Math.min(last, from + BLOCK - 1));
        const line = lines[lines.length - 1], was = line?.getBoundingClientRect().top;
        $(".down", step).insertAdjacentHTML("beforebegin", html);
        while (lines.length > MOST) lines[0].remove();
        gaps(step);
        if (line?.isConnected) scrollBy({ top: line.getBoundingClientRect().top - was, behavior: "instant" });
      }
      say("");
    } catch {
      say("These lines could not be fetched: the server is away.");
    } finally {
      delete step.dataset.busy;
    }
  };
  document.addEventListener("click", (event) => {
    const gap = event.target.closest(".gap");
    if (!gap) return;
    event.preventDefault();
    fill(gap.closest(".step"), gap.classList.contains("up"));
  });
  // Once somebody scrolls through a step, its next lines come by themselves.
  const near = new IntersectionObserver((entries) => entries.forEach(({ isIntersecting, target }) => {
    const step = target.closest(".step");
    if (isIntersecting && step.open && step.dataset.read && held(body(step)).length) fill(step, target.classList.contains("up"));
  }), { rootMargin: "400px" });
  const watch = () => $$(".gap").forEach((gap) => near.observe(gap));
  watch();
  document.addEventListener("toggle", (event) => {
    const step = event.target;
    if (step.matches?.(".step") && step.open && !held(body(step)).length && +step.dataset.last >= +step.dataset.first) {
      step.dataset.read = "yes";
      fill(step, false);
    }
  }, true);
  addEventListener("wheel", (event) => {
    const step = event.target.closest?.(".step");
    if (step) step.dataset.read = "yes";
  }, { passive: true });

  // Lines by address: #L120 and #L120-L130.
  const range = () => {
    const found = /^#L(\d+)(?:-L(\d+))?$/.exec(location.hash);
    return found && [+found[1], Math.min(+(found[2] || found[1]), +found[1] + 5000)];
  };
  const paint = () => {
    const marked = range();
    $$(".l.on").forEach((line) => line.classList.remove("on"));
    if (marked) for (let at = marked[0]; at <= marked[1]; at += 1) document.getElementById(`L${at}`)?.classList.add("on");
    return marked;
  };
  const go = async () => {
    const marked = paint();
    if (!marked || !$("#log")) return;
    const from = marked[0];
    if (!document.getElementById(`L${from}`)) {
      const step = $$(".step").find((step) => +step.dataset.first <= from && from <= +step.dataset.last);
      if (!step) return;
      try {
        const first = Math.max(+step.dataset.first, from - 100);
        const html = await fetched(first, Math.min(+step.dataset.last, first + BLOCK));
        [...held(body(step))].forEach((line) => line.remove());
        $(".up", step).insertAdjacentHTML("afterend", html);
        gaps(step);
      } catch {
        return say("This line could not be fetched: the server is away.");
      }
    }
    const line = document.getElementById(`L${from}`);
    if (!line) return;
    line.closest("details").open = true;
    paint();
    line.scrollIntoView({ block: "center" });
  };
  addEventListener("hashchange", go);
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".l > a[href^='#L']");
    const start = range();
    if (!link || !event.shiftKey || !start) return;
    event.preventDefault();
    const ends = [start[0], +link.hash.slice(2)].sort((a, b) => a - b);
    location.hash = `L${ends[0]}-L${ends[1]}`;
  });
  document.addEventListener("click", (event) => {
    const hit = event.target.closest(".hits li a");
    if (!hit || !$("#log") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (location.hash === hit.hash) go(); else location.hash = hit.hash;
  });
  document.addEventListener("submit", (event) => {
    const line = $("#line", event.target)?.value.replace(/\D/g, "");
    if (!$("#log") || line === undefined) return;
    event.preventDefault();
    if (line) location.hash = `L${line}`;
  });
  go();

  // Live: the new page's text goes into the place of the old; what did not change is not touched.
  const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id ?? "") === (b.id ?? "");
  const mine = /^(open|data-busy|data-read)$/;
  const morph = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== 1) { old.nodeValue = fresh.nodeValue; return; }
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !mine.test(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (!mine.test(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    if (old.hasAttribute("data-keep") || old.matches("input, select")) return;
    let at = old.firstChild;
    for (const child of [...fresh.childNodes]) {
      if (child.id) {
        const known = [...old.children].find((element) => element.id === child.id);
        if (known && known !== at) { old.insertBefore(known, at); at = known; }
      }
      if (at && same(at, child)) { morph(at, child); at = at.nextSibling; continue; }
      if (child.nodeType === 1 && child.nodeName === "LI") child.classList.add("new");
      old.insertBefore(child, at);
    }
    while (at) { const next = at.nextSibling; at.remove(); at = next; }
  };
  // A line that came before its step was known stands in the step before.
  const sort = () => {
    const steps = $$(".step");
    steps.forEach((step, at) => {
      const lines = held(body(step)), next = steps[at + 1];
      while (next && lines.length && number(lines[lines.length - 1]) > +step.dataset.last) {
        const line = lines[lines.length - 1];
        if ([...held(body(next))].some((other) => other.id === line.id)) line.remove();
        else $(".up", next).after(line);
      }
    });
    steps.forEach(gaps);
  };
  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (answer.status === 401) return location.reload();
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const steps = $$(".step").length;
      const log = $("#log"), next = $("#log", fresh);
      // Another attempt: nothing of the old one's lines may stay.
      if (log && next && log.dataset.attempt !== next.dataset.attempt) log.replaceWith(document.importNode(next, true));
      morph($("main"), $("main", fresh));
      document.title = fresh.title;
      document.body.dataset.events = fresh.body.dataset.events;
      if (fresh.body.dataset.refresh) document.body.dataset.refresh = fresh.body.dataset.refresh;
      else delete document.body.dataset.refresh;
      if ($("#log")) {
        // The step that ran is over: fold it, unless it is red or somebody reads it.
        $$(".step").slice(0, -1).forEach((step) => { if (step.dataset.followed && !$(".note", step)) { step.open = false; delete step.dataset.followed; } });
        if ($$(".step").length > steps) $$(".step").at(-1).open = true;
        sort();
        watch();
      }
      return true;
    } finally {
      looking = false;
    }
  };

  let source, lost = false;
  const back = () => { if (lost) { lost = false; say("Connected again."); setTimeout(() => say(""), 2000); } };
  const away = () => { lost = true; say("The server is away; connecting again…"); };
  const append = (html) => {
    const step = $$(".step").at(-1);
    if (!step) return;
    const box = $("#follow"), log = body(step), down = $(".down", step);
    step.dataset.followed = "yes";
    const parsed = new DOMParser().parseFromString(html, "text/html");
    const lines = $$(".l", parsed);
    if (!lines.length) return;
    const have = held(log), last = have.length ? number(have[have.length - 1]) : +step.dataset.first - 1;
    step.dataset.last = Math.max(+step.dataset.last, number(lines.at(-1)));
    put($("[data-total]"), `${(+step.dataset.last).toLocaleString("en")} lines`);
    // Somebody who reads an earlier part does not get the newest lines under it.
    if (down.hidden) lines.filter((line) => number(line) > last).forEach((line) => down.before(line));
    if (box?.checked) while (have.length > MOST) have[0].remove();
    gaps(step);
    if (box?.checked) scrollTo({ top: document.body.scrollHeight, behavior: "instant" });
  };
  const follow = () => {
    source?.close();
    source = undefined;
    const address = document.body.dataset.events;
    if (!address) return;
    const log = $("#log")?.dataset;
    const query = log ? `?offset=${log.offset}&line=${log.line}&attempt=${log.attempt}` : "";
    const own = source = new EventSource(address + query);
    own.onopen = back;
    own.onerror = () => {
      away();
      // The browser tries again by itself, unless it was refused.
      if (own.readyState === EventSource.CLOSED) setTimeout(() => look().then(follow, follow), 2000);
    };
    own.addEventListener("changed", async () => {
      const had = `${document.body.dataset.events} ${$("#log")?.dataset.attempt}`;
      if (!await look().catch(away)) return;
      if (`${document.body.dataset.events} ${$("#log")?.dataset.attempt}` !== had) follow();
    });
    own.addEventListener("lines", (event) => append(event.data));
  };
  follow();
  // Whoever scrolls up stops following.
  let height = scrollY;
  addEventListener("scroll", () => {
    if ($("#follow")?.checked && scrollY < height - 40) $("#follow").checked = false;
    height = scrollY;
  }, { passive: true });

  let due = Date.now();
  setInterval(async () => {
    const seconds = +document.body.dataset.refresh;
    if (!seconds || document.hidden || Date.now() - due < seconds * 1000) return;
    // A list that somebody reads further down stays as it is.
    if (!document.body.dataset.events && scrollY > 200) return;
    due = Date.now();
    await look().then((done) => { if (done && !source) back(); }, away);
  }, 1000);
})();
