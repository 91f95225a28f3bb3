// Enhances pages that work without it: numbers and times in the visitor's form, changes without a reload, searching and
// sorting in place. It talks to the API beside it and to nothing else.
"use strict";
(() => {
  const body = document.body;
  const page = body.dataset.page;
  const store = body.dataset.store;
  const $ = (id) => document.getElementById(id);

  // Numbers and times as the visitor writes them.

  const numberForm = new Intl.NumberFormat();
  const clockForm = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const secondsForm = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const dateForm = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const agoForm = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  const number = (n) => numberForm.format(typeof n === "string" ? BigInt(n) : n);
  const time = (t, seconds) => {
    const today = t.toDateString() === new Date().toDateString();
    return (today ? (seconds ? secondsForm : clockForm) : dateForm).format(t);
  };
  const ago = (seconds) => {
    if (seconds < 5) return "just now";
    if (seconds < 90) return agoForm.format(-Math.round(seconds), "second");
    if (seconds < 5400) return agoForm.format(-Math.round(seconds / 60), "minute");
    if (seconds < 129600) return agoForm.format(-Math.round(seconds / 3600), "hour");
    return agoForm.format(-Math.round(seconds / 86400), "day");
  };
  const localise = (root) => {
    for (const e of root.querySelectorAll("[data-n]")) {
      e.textContent = e.textContent.replace(/[−-]?\d[\d,]*/, (n) => number(n.replaceAll(",", "").replace("−", "-")));
      e.removeAttribute("data-n");
    }
    for (const e of root.querySelectorAll("time[datetime]")) {
      const t = new Date(e.dateTime);
      e.title = t.toISOString();
      e.textContent = time(t, "seconds" in e.dataset);
    }
  };
  // Counts beyond 2^53 stay exact where the browser tells their text.
  const parse = (text) => JSON.parse(text, (_, value, context) =>
    typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && context ? context.source : value);
  // What cannot be seen, or changes the direction of what follows, is spelt out, as the server does.
  const visible = (s) => s.replace(/[\p{Cc}\p{Cf}\ufffd]/gu, (c) =>
    c === "\u200d" ? c : "\\u" + c.codePointAt(0).toString(16).padStart(4, "0"));

  // How old it is, by the server's clock and ours together.

  const asOf = $("as-of");
  const age = $("age");
  let readAt = age ? performance.now() - 1000 * Number(age.dataset.age) : 0;
  const showAge = () => {
    if (!age) return;
    const seconds = (performance.now() - readAt) / 1000;
    const text = `(${ago(seconds)})`;
    if (age.textContent !== text) age.textContent = text;
    $("asof").classList.toggle("stale", seconds > 60);
  };

  // What the inventory page shows of a reading.

  const rows = $("rows");
  const address = new URLSearchParams(location.search);
  const wanted = {
    q: address.get("q") || "", sort: address.get("sort") || "need", reverse: address.get("reverse") === "1",
    shown: 100 + (Number(address.get("from")) || 0),
  };
  const query = (more) => {
    const q = new URLSearchParams();
    if (store) q.set("store", store);
    if (wanted.q) q.set("q", wanted.q);
    if (more || wanted.sort !== "need") q.set("sort", wanted.sort);
    if (wanted.reverse) q.set("reverse", "1");
    for (const k in more) q.set(k, more[k]);
    return q;
  };
  const link = (item) => "./?" + new URLSearchParams(store ? { store, item } : { item });

  const get = async (url) => {
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(response.status);
    return parse(await response.text());
  };

  let asked = 0; // number of the last question: older answers are dropped
  const refresh = async (news) => {
    const mine = ++asked;
    let all;
    try {
      all = await get("api/v1/items?" + query({ limit: Math.min(1000, wanted.shown) }));
      while (all.cursor && all.rows.length < wanted.shown) {
        const next = await get("api/v1/items?" + query({ limit: 1000, cursor: all.cursor }));
        all.rows.push(...next.rows);
        all.cursor = next.cursor;
      }
    } catch {
      return; // the line of events says what is wrong, and brings the next try
    }
    if (mine !== asked) return;
    show(all, news);
  };

  const show = (all, news) => {
    const before = new Map([...rows.rows].map((row) => [row.dataset.item ?? row.querySelector("a").textContent, row.dataset.mark ?? markOf(row)]));
    const focused = document.activeElement?.closest?.("#rows tr")?.querySelector("a").getAttribute("href");
    const top = 4 * (Number(all.axis[1]) || 1);
    const changes = [];
    rows.replaceChildren(...all.rows.slice(0, wanted.shown).map((r) => {
      const row = $("row").content.firstElementChild.cloneNode(true);
      const [shop, item, count, chart, state] = row.cells;
      const some = r.level !== "ok" && r.stores > (r.out_in || 0) ? " some" : "";
      row.className = r.level + some;
      shop.textContent = r.store ? visible(r.store) : r.stores === 1 ? "1 store" : `${number(r.stores || 0)} stores`;
      item.firstChild.textContent = visible(r.item);
      item.firstChild.href = link(r.item);
      count.textContent = number(r.count).replace("-", "−");
      chart.querySelector("rect").setAttribute("width", `${Math.max(0, Number(r.count)) / top * 100}%`);
      state.firstChild.className = "mark " + r.level + some;
      state.firstChild.textContent = r.status;
      row.dataset.item = visible(r.item);
      row.dataset.mark = markOf(row);
      if (news && before.has(row.dataset.item) && before.get(row.dataset.item) !== row.dataset.mark) {
        row.classList.add("changed");
        changes.push(`${row.dataset.item}: ${count.textContent}, ${r.status}`);
      }
      return row;
    }));
    if (focused) [...rows.querySelectorAll("a")].find((a) => a.getAttribute("href") === focused)?.focus();
    document.querySelectorAll(".axis text").forEach((e, i) => { e.textContent = number(all.axis[i]); });
    $("stock").dataset.version = all.version;
    $("nothing").hidden = all.found > 0;
    $("sought").textContent = wanted.q;
    const many = all.found > all.rows.length;
    $("pages").hidden = !many && all.found <= 100;
    $("range").textContent = `${number(all.rows.length)} of ${number(all.found)}`;
    for (const a of $("pages").querySelectorAll("a")) a.remove();
    if (many) $("pages").append(" ", more);
    if (changes.length) say(changes.slice(0, 3).join("; ") + (changes.length > 3 ? `; ${changes.length - 3} more changes` : ""));
    else if (!news) say(`${number(all.found)} found`);
  };
  const markOf = (row) => row.querySelector(".n").textContent + row.querySelector(".mark").textContent;
  const say = (text) => { $("news").textContent = text; };

  const more = document.createElement("button");
  more.type = "button";
  more.textContent = "Show 100 more";
  more.addEventListener("click", () => { wanted.shown += 100; refresh(false); });

  // Searching and sorting in place; the address keeps what is selected.

  const select = () => {
    wanted.shown = 100;
    const q = query().toString();
    history.replaceState(null, "", q ? "./?" + q : "./");
    for (const a of document.querySelectorAll("[data-file]")) a.href = `api/v1/items.${a.dataset.file}?${query({})}`;
    for (const a of document.querySelectorAll("[data-sort]")) {
      const here = a.dataset.sort === wanted.sort;
      a.closest("th").setAttribute("aria-sort", here ? (wanted.reverse ? "descending" : "ascending") : "none");
    }
    refresh(false);
  };
  if (rows) {
    const search = $("q");
    let pause;
    search.addEventListener("input", () => {
      clearTimeout(pause);
      pause = setTimeout(() => { wanted.q = search.value.trim(); select(); }, 150);
    });
    $("stock").tHead.addEventListener("click", (e) => {
      const a = e.target.closest("[data-sort]");
      if (!a || e.metaKey || e.ctrlKey || e.shiftKey) return;
      e.preventDefault();
      wanted.reverse = a.dataset.sort === wanted.sort && !wanted.reverse;
      wanted.sort = a.dataset.sort;
      select();
    });
    $("more")?.replaceWith(more);
    $("pages").querySelector("[rel=prev]")?.remove();
    if (wanted.shown > 100) refresh(false);
  }
  const tools = $("tools");
  const chooser = $("store");
  const go = () => {
    const q = new URLSearchParams();
    if (chooser.value) q.set("store", chooser.value);
    if (wanted.q && rows) q.set("q", wanted.q);
    if (wanted.sort !== "need") q.set("sort", wanted.sort);
    if (wanted.reverse) q.set("reverse", "1");
    location.assign(tools.getAttribute("action") + (q.size ? "?" + q : ""));
  };
  tools?.addEventListener("submit", (e) => {
    e.preventDefault();
    if (rows && chooser.value === store) { wanted.q = $("q").value.trim(); select(); } else go();
  });
  chooser?.addEventListener("change", go);
  if (chooser) tools.querySelector("[type=submit]").hidden = chooser.tagName === "SELECT";

  // The stores to choose from, with how much each is out of.

  let storesAt = performance.now();
  const refreshStores = async () => {
    if (chooser?.tagName !== "SELECT" || chooser === document.activeElement || performance.now() - storesAt < 10000) return;
    storesAt = performance.now();
    let all;
    try { all = await get("api/v1/stores?limit=1000"); } catch { return; }
    if (all.cursor) return; // too many for a list
    const options = all.stores.map((s) => {
      const name = [...visible(s.store)];
      const label = name.length > 60 ? name.slice(0, 59).join("") + "…" : name.join("");
      return new Option(s.out ? `${label} — ${number(s.out)} out` : label, s.store, false, s.store === store);
    });
    chooser.replaceChildren(chooser.options[0], ...options);
  };

  // The other pages are asked for again as a whole. Their content may be newer than the reading that the events tell of, so
  // that two readings alike prove nothing about what was shown in between: it is settled when it came out the same again.

  let shown = $("swap")?.innerHTML;
  let shownAt = performance.now();
  let settled = false;
  let swaps = 0; // number of the last one: older answers are dropped
  const swap = async () => {
    const mine = ++swaps;
    let text;
    try { text = await (await fetch(location.href)).text(); } catch { return; }
    if (mine !== swaps) return;
    const old = $("swap");
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const next = fresh.getElementById("swap");
    if (!next) return;
    settled = next.innerHTML === shown;
    shown = next.innerHTML;
    shownAt = performance.now();
    if (settled && page !== "operator") return;
    const ticked = new Set([...old.querySelectorAll("input:checked")].map((e) => e.getAttribute("aria-label")));
    localise(next);
    for (const e of next.querySelectorAll("input[type=checkbox]")) e.checked = ticked.has(e.getAttribute("aria-label"));
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const place = focused ? [...old.querySelectorAll("a, input")].indexOf(focused) : -1;
    old.replaceWith(next);
    if (place >= 0) next.querySelectorAll("a, input")[place]?.focus();
    const at = fresh.getElementById("as-of");
    if (at && page === "operator") { asOf.dateTime = at.dateTime; localise($("asof") ?? asOf.parentElement); }
  };

  // Events, while somebody looks.

  const live = $("live");
  const setLive = (on) => {
    if (!live) return;
    live.hidden = false;
    live.classList.toggle("off", !on);
    live.textContent = on ? "Live" : "Not live";
  };
  const trouble = (d) => {
    const box = $("warnings");
    let p = box?.querySelector(".trouble");
    if (!box || !d.trouble) { p?.remove(); return; }
    const text = `The inventory cannot be read: ${d.trouble}. Since ${time(new Date(d.trouble_since))}.`;
    if (!p) {
      p = document.createElement("p");
      p.className = "warning trouble";
      p.append(Object.assign(document.createElement("strong"), { textContent: "Not up to date." }), " ", "");
      box.prepend(p);
      say(text);
    }
    p.lastChild.textContent = text;
  };
  let version = $("stock")?.dataset.version ?? null;
  let reloading = false;
  const take = (d) => {
    setLive(!d.trouble);
    trouble(d);
    if (!d.as_of) return;
    readAt = performance.now() - 1000 * d.age_seconds;
    if (asOf) { asOf.dateTime = d.as_of; asOf.textContent = time(new Date(d.as_of), true); asOf.title = d.as_of; }
    showAge();
    for (const [id, n] of [["n-out", d.out], ["n-low", d.low], ["n-items", d.items]]) {
      const e = $(id);
      if (!e) continue;
      e.textContent = number(n);
      e.closest("li").classList.toggle("none", n === 0);
    }
    const reading = $("reading");
    if (reading) { reading.hidden = d.whole; $("n-read").textContent = number(d.items); }
    const old = version;
    version = d.version;
    if ($("swap")) {
      if (old !== null && old !== version || !settled && readAt > shownAt) swap();
      return;
    }
    if (old === version) return;
    if (rows) { refresh(true); if (!store) refreshStores(); return; }
    // there was nothing to show, or the store was empty
    if ((d.items || old) && !reloading) { reloading = true; location.reload(); }
  };

  let line = null;
  let retry;
  const open = () => {
    if (line || document.hidden) return;
    line = new EventSource("api/v1/events" + (store ? "?" + new URLSearchParams({ store }) : ""));
    line.addEventListener("view", (e) => take(parse(e.data)));
    line.addEventListener("error", () => {
      setLive(false);
      if (line && line.readyState === EventSource.CLOSED) { // refused: too many look
        close();
        retry = setTimeout(open, 30000);
      }
    });
  };
  const close = () => {
    clearTimeout(retry);
    line?.close();
    line = null;
  };
  let timer;
  const look = () => {
    clearInterval(timer);
    if (document.hidden) { close(); return; }
    if (!page) return; // nothing is shown that could change
    if (page === "operator") {
      timer = setInterval(swap, 5000);
      return;
    }
    timer = setInterval(showAge, 1000);
    showAge();
    open();
  };

  localise(document);
  const print = $("print");
  if (print) { print.hidden = false; print.addEventListener("click", () => window.print()); }
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (e) => { if (e.persisted) look(); });
  look();
})();
