// @ts-check
/** Dashboard for CryptoCloud accounts, built from Home Assistant's own cards. */

import { getWords } from "./words.js";

/**
 * @typedef {{state: string, last_changed: string, attributes: Record<string, any>}} State
 * @typedef {{entity_id: string, device_id: string, platform?: string, translation_key?: string,
 *   name?: string, hidden?: boolean}} Entity
 * @typedef {{language: string, user?: {is_admin: boolean}, entities: Record<string, Entity>,
 *   states: Record<string, State | undefined>, callWS: (message: object) => Promise<any>,
 *   devices: Record<string, {name: string | null, name_by_user: string | null} | undefined>,
 *   formatEntityState: (state: object) => string}} Hass
 * @typedef {Record<string, any>} Card
 * @typedef {(typeof PARTS)[number]} Part
 * @typedef {{amount: string, value?: string, name: string, color: string, usd: number}} Currency
 * @typedef {{key: string, entities: Entity[], deviceIds: string[], judged: Entity[],
 *   signs: Entity[], registry?: Promise<any>}} Own
 * @typedef {{hours: number, reach: number, since?: Date, age: number}} History Hours there are and
 *   hours to show, those before an outage included; when it began; hours since the latest change
 * @typedef {History & {hass: Hass, words: import("./words.js").Words, days: number, title: string,
 *   deviceId: string, main: string, find: (key: string) => string | undefined, help?: string,
 *   firstDay?: object, hasYesterday: boolean, charted: number, rejected: boolean, pace: number,
 *   currencies: Currency[]}} Account `main` is a total that stands for the account, or empty
 */

const DOMAIN = "cryptocloud";
const HOUR = 3600_000;
const MAX_TILES = 30;
const KEPT_HOURS = 240; // By default, Home Assistant forgets states after ten days.
const PARTS = /** @type {const} */ (["balance", "received", "changes", "currencies", "history"]);
/** In order of value, the same on the tiles and in the distribution */
const COLORS = `blue amber teal deep-orange purple green pink cyan indigo lime red brown
  light-blue deep-purple yellow blue-grey`.split(/\s+/);

/** @type {(config: Card) => Card & {show: readonly Part[]}} Without nonsense */
const readOptions = (config) => {
  const show = PARTS.filter((part) => Array.isArray(config.show) && config.show.includes(part));
  /** @type {(value: any, standard: number, max: number) => number} */
  const read = (value, standard, max) =>
    ["number", "string"].includes(typeof value) && value > 0 && value <= max ? +value : standard;
  return {
    hours_to_show: read(config.hours_to_show, 24, 24 * 366),
    days_to_show: read(config.days_to_show, 14, 3660),
    show: show.length ? show : PARTS,
  };
};

/** @type {() => any} */
const getApp = () => document.querySelector("home-assistant");
/** @type {(hass: Hass, state: string, attributes: object) => string} In the user's formats */
const format = (hass, state, attributes) =>
  // Only the latest hass can format, if the page was loading before.
  (getApp()?.hass ?? hass).formatEntityState({ entity_id: `sensor.${DOMAIN}`, state, attributes });
/** @type {(hass: Hass, deviceId: string) => string} */
const getTitle = ({ devices }, deviceId) =>
  devices[deviceId]?.name_by_user || devices[deviceId]?.name || "CryptoCloud";

/** @type {WeakMap<object, Own>} */
const owns = new WeakMap();
/** @type {(hass: Hass) => Own} Found once for each version of the entity registry */
const getOwn = ({ entities: all }) => owns.get(all) ?? findOwn(all);
/** @type {(all: Hass["entities"]) => Own} */
const findOwn = (all) => {
  const entities = Object.values(all).filter(
    (entity) => entity.platform === DOMAIN && entity.device_id && !entity.hidden,
  );
  const judged = entities.filter((e) => /^(total.*|balance)$/.test(e.translation_key ?? ""));
  const signs = entities.filter((e) => /^(total|balance_change)/.test(e.translation_key ?? ""));
  const deviceIds = [...new Set(entities.map((entity) => entity.device_id))];
  const own = { key: JSON.stringify(entities), entities, deviceIds, judged, signs };
  owns.set(all, own);
  return own;
};

// What cards depend on: whether a total is unavailable, and whether a balance is funded
/** @type {(entity: Entity, state: State | undefined) => boolean | undefined} */
const judge = ({ translation_key: key }, state) => {
  const balance = Number(state?.state ?? NaN);
  const isFunded = Number.isNaN(balance) ? undefined : balance !== 0;
  return key === "balance" ? isFunded : state?.state === "unavailable";
};
/** @type {WeakMap<object, {makeAt: number, until: number, compared: Hass["states"]}>} */
const looks = new WeakMap(); // For each dashboard or section, by its config
/** @type {(config: object | undefined, old: Hass, hass: Hass) => boolean} At every change */
const shouldRegenerate = (config = {}, old, hass) => {
  const own = getOwn(hass);
  const now = Date.now();
  const look = looks.get(config) ?? { makeAt: now + HOUR, until: 0, compared: old.states };
  const isPolled = own.signs.some(({ entity_id: id }) => look.compared[id] !== hass.states[id]);
  // Balances come moments after the first sign of a poll, and seldom without any.
  const until = isPolled ? now + 5000 : now - look.until > HOUR / 60 ? now : look.until;
  const isCompared = now <= until;
  const makeAt = now < look.makeAt ? look.makeAt : now + HOUR;
  looks.set(config, { makeAt, until, compared: isCompared ? hass.states : look.compared });
  return (
    now >= look.makeAt ||
    old.language !== hass.language ||
    (old.entities !== hass.entities && getOwn(old).key !== own.key) ||
    own.deviceIds.some((id) => getTitle(old, id) !== getTitle(hass, id)) ||
    (isCompared && own.judged.some((entity) => {
      const before = judge(entity, look.compared[entity.entity_id]);
      return (judge(entity, hass.states[entity.entity_id]) ?? before) !== before;
    }))
  );
};

/** @type {(hass: Hass, type: string, data?: object) => Promise<any>} */
const ask = (hass, type, data) => hass.callWS({ type, ...data }).catch(() => undefined);
/** @type {(hours: number) => string} */
const goBack = (hours) => new Date(Date.now() - hours * HOUR).toISOString();

/** @type {(url: string) => Promise<boolean>} Whether a picture loads within two seconds */
const isLoaded = (url) =>
  new Promise((resolve) => {
    const picture = Object.assign(new Image(), { src: url, onerror: () => resolve(false) });
    picture.onload = () => resolve(true);
    setTimeout(resolve, 2000, false);
  });

// An outage changes neither the choice nor the order: `last` are the last known values in USD.
/** @type {(hass: Hass, entities: Entity[], registry: Card, last?: Card) => Currency[]} */
const getCurrencies = (hass, entities, registry, last) => {
  const getUniqueId = (/** @type {string} */ id) => registry[id]?.unique_id ?? "";
  const byUniqueId = new Map(entities.map(({ entity_id: id }) => [getUniqueId(id), id]));
  byUniqueId.delete(""); // Entities whose unique id is unknown do not belong together.
  return entities
    .filter(({ translation_key: key, entity_id: id }) => key === "balance" && hass.states[id])
    .filter((entity) => judge(entity, hass.states[entity.entity_id])
      ?? (!last || getUniqueId(entity.entity_id) in last))
    .map(({ entity_id: amount, name = amount }) => ({
      amount, name, value: byUniqueId.get(getUniqueId(amount).replace(/:balance$/, ":usd_value")),
      usd: hass.states[amount]?.attributes.balance_usd ?? last?.[getUniqueId(amount)] ?? NaN,
    }))
    .sort((a, b) => (b.usd || 0) - (a.usd || 0) || a.amount.localeCompare(b.amount))
    .map((currency, i) => ({ ...currency, color: COLORS[i] ?? `hsl(${(i * 137) % 360} 55% 55%)` }));
};

/** @type {(hass: Hass, main: string, change: string, wanted: number) => Promise<History>} */
const getHistory = async (hass, main, change, wanted) => {
  const state = hass.states[main];
  const isOutage = state?.state === "unavailable";
  const looked = isOutage ? KEPT_HOURS : Math.min(wanted, KEPT_HOURS);
  /** @type {Record<string, {s: string, lu: number}[]> | undefined} */
  const history = await ask(hass, "history/history_during_period", {
    start_time: goBack(looked), entity_ids: isOutage && change ? [main, change] : [main],
    significant_changes_only: false, minimal_response: true, no_attributes: true,
  });
  const rows = history?.[main] ?? [];
  // In an outage, the state does not say when the latest change was.
  const changes = isOutage ? history?.[change]?.map(({ s }) => s) : [hass.states[change]?.state];
  const ages = changes?.map((s = "") => Math.ceil((Date.now() - (Date.parse(s) || 0)) / HOUR));
  const known = rows.map(({ s }) => !Number.isNaN(Number(s)));
  const covered = (Date.now() / 1000 - rows[known.indexOf(true)]?.lu) / 3600 || 0;
  // After a restart, the state is newer than the outage.
  const end = known.includes(true) ? rows[known.lastIndexOf(true) + 1] : undefined;
  const since = isOutage ? new Date(end ? end.lu * 1000 : state.last_changed) : undefined;
  const reach = wanted + (since ? Math.ceil((Date.now() - since.getTime()) / HOUR) : 0);
  const hours = covered >= 0.99 * Math.min(wanted, looked) ? reach : Math.floor(covered);
  return { hours, reach, since, age: Math.min(...(ages ?? [KEPT_HOURS])) };
};

/** @type {(config: Card, hass: Hass) => Promise<Account[]>} */
const getAccounts = async (config, hass) => {
  const { hours_to_show: wanted, days_to_show: days } = readOptions(config);
  const own = getOwn(hass);
  const ids = { entity_ids: own.entities.map((entity) => entity.entity_id) };
  own.registry ??= ask(hass, "config/entity_registry/get_entries", ids);
  const [registry, lastKnown, manifest] = await Promise.all([
    own.registry, ask(hass, `${DOMAIN}/last_known`),
    ask(hass, "manifest/get", { integration: DOMAIN }),
  ]);
  own.registry = registry && own.registry; // Without an answer, the next time asks again.
  const docs = `${manifest?.documentation}/blob/main/docs${hass.language === "ru" ? "/ru" : ""}`;
  const getAccount = async (/** @type {string} */ deviceId) => {
    const ours = own.entities.filter((entity) => entity.device_id === deviceId);
    /** @type {Account["find"]} */
    const find = (key) => ours.find((entity) => entity.translation_key === key)?.entity_id;
    const main = find("total_balance") ?? find("total_available_balance") ?? "";
    const [received = "", entry] = [find("received"), registry?.[ours[0].entity_id]];
    const [history, statistics] = await Promise.all([
      getHistory(hass, main, find("balance_change") ?? "", wanted),
      ask(hass, "recorder/statistics_during_period", {
        start_time: goBack(Math.max(days, 62) * 24), statistic_ids: [received, main],
        period: "day", types: ["change"],
      }),
    ]);
    const [firstDay, firstTotal] = [received, main].map((id) => statistics?.[id]?.[0]);
    const isMissing = (main && !history.hours) || (received && !firstDay);
    // What is missing long after the sensor was added or enabled is not recorded, or not kept.
    const age = (Date.now() / 1000 - registry?.[main || received]?.modified_at) / 3600;
    const isYoung = age < Math.min(wanted, KEPT_HOURS) + 2;
    const isWaiting = !registry || history.since || (isYoung && isMissing);
    const isGrowing = (isYoung && history.hours < wanted) || firstDay?.end > Date.now();
    return {
      hass, days, words: getWords(hass.language), deviceId, main, find, ...history, firstDay,
      pace: isWaiting ? HOUR / 60 : isGrowing ? HOUR : Infinity,
      // Where there are no states, the graph shows statistics.
      charted: history[firstTotal?.start < Date.now() - (wanted + 24) * HOUR ? "reach" : "hours"],
      currencies: getCurrencies(hass, ours, registry ?? {}, registry && lastKnown?.values),
      rejected: Boolean(lastKnown?.rejected?.includes(entry?.config_entry_id)),
      help: manifest?.documentation && `${docs}/troubleshooting.md`,
      title: getTitle(hass, deviceId), hasYesterday: firstDay?.end <= Date.now(),
    };
  };
  const accounts = await Promise.all(own.deviceIds.map(getAccount));
  const pace = Math.min(...accounts.map((account) => account.pace));
  const soon = (Math.floor(Date.now() / pace) + 1) * pace + HOUR / 120; // Statistics come late.
  const makeAt = Math.min(soon, new Date().setHours(24, 0, 0, 0));
  looks.set(config, { makeAt, until: 0, compared: hass.states });
  return accounts.sort((a, b) => a.title.localeCompare(b.title));
};

/** @type {(heading: string, icon: string) => Card} */
const makeHeading = (heading, icon) => ({ type: "heading", heading, icon });
/** @type {(content: string) => Card} */
const makeSentence = (content) => ({ type: "empty-state", content, content_only: true });
/** @type {(entity: string | undefined, state: object) => Card} Always, without the entity */
const showIf = (entity, state) =>
  entity ? { visibility: [{ condition: "state", entity, ...state }] } : {};

/** @type {(account: Account) => Card[]} Since when, why, and what to do */
const makeOutage = ({ hass, words, main, since, rejected, help }) => {
  const time = since && format(hass, since.toISOString(), { device_class: "timestamp" });
  const text = rejected ? words.newKey : words.retries;
  const path = rejected ? `integrations/integration/${DOMAIN}` : `logs?filter=${DOMAIN}`;
  const action = { action: "navigate", navigation_path: `/config/${path}` };
  const button = { text: rejected ? words.enterKey : words.log, tap_action: action };
  const url = { action: "url", url_path: help };
  const card = {
    type: "empty-state", icon: rejected ? "mdi:key-alert" : "mdi:cloud-alert", icon_color: "red",
    title: rejected ? words.rejected : words.outage,
    // In 2026.6, an outage that begins later does not make the cards again.
    content: (time ? `${words.since.replace("{time}", time)} ` : "") + text,
    buttons: [
      ...(hass.user?.is_admin ? [button] : []),
      ...(help ? [{ text: words.help, appearance: "plain", tap_action: url }] : []),
    ],
    grid_options: { columns: "full" }, ...showIf(main, { state: "unavailable" }),
  };
  return main ? [card] : [];
};

/** @type {(account: Account) => {entity?: string, name: string, color: string}[]} */
const getTotals = ({ find, words }) => [
  { entity: find("total_balance"), name: words.total, color: "blue" },
  { entity: find("total_available_balance"), name: words.available, color: "green" },
].filter(({ entity }) => entity);

/** @type {Record<Part, (account: Account) => Card[]>} */
const makers = {
  balance: (account) => [
    ...makeOutage(account),
    makeHeading(account.title, "mdi:wallet"),
    ...getTotals(account).map((total) => ({
      type: "tile", ...total, grid_options: { columns: 12 },
      features: account.hours ? [{ type: "trend-graph", hours_to_show: account.hours }] : [],
    })),
  ],

  received: ({ words, days, find, firstDay, hasYesterday }) => {
    const [received, withdrawn] = [find("received"), find("withdrawn")];
    const heading = makeHeading(words.received, "mdi:cash-plus");
    /** @type {(name: string, period: string, offset: number) => Card} */
    const makeSum = (name, period, offset) => ({
      type: "statistic", entity: received, name, stat_type: "change",
      // Beside each other, millions do not fit.
      period: { calendar: { period, offset } }, grid_options: { columns: 12 },
    });
    const entities = [
      { entity: received, name: words.received, color: "green" },
      { entity: withdrawn, name: words.withdrawn, color: "amber" },
    ].filter(({ entity }) => entity);
    const chart = {
      type: "statistics-graph", title: words.daily, chart_type: "bar",
      stat_types: ["change"], period: "day", days_to_show: days, entities,
    };
    const today = makeSum(words.today, "day", 0);
    const yesterday = makeSum(words.yesterday, "day", -1);
    const month = makeSum(words.month, "month", 0);
    const figures = hasYesterday ? [today, yesterday, month, chart] : [today, month];
    return received ? [heading, ...(firstDay ? figures : [makeSentence(words.soon)])] : [];
  },

  changes: ({ hass, words, reach, age, find, hasYesterday }) => {
    const entity = find("balance_change") ?? "";
    const kept = Math.max(reach, KEPT_HOURS);
    const isWide = window.matchMedia("(min-width: 1000px)").matches; // Beside what came in
    // States that come without a change in the log
    const quiet = age > kept ? ["unknown", "unavailable", hass.states[entity]?.state] : "unknown";
    const log = {
      type: "logbook", target: { entity_id: [entity] }, name_detail: "entity",
      // The other entries are states of the event, which do not say what changed.
      state_filter: ["increased", "decreased"],
      hours_to_show: Math.min(Math.max(reach, age), kept),
      grid_options: { rows: hasYesterday ? (isWide ? 11 : 5) : 4 },
      ...showIf(entity, { state_not: quiet }),
    };
    const sentence = { ...makeSentence(words.noChanges), ...showIf(entity, { state: quiet }) };
    return entity ? [makeHeading(words.changes, "mdi:cash-sync"), sentence, log] : [];
  },

  currencies: ({ words, main, find, currencies }) => {
    const total = find("total_balance");
    const sum = currencies.reduce((sum, { usd }) => sum + (usd || 0), 0);
    const isLong = currencies.length > MAX_TILES;
    const small = currencies.filter(({ usd }) => isLong || usd < sum / 100);
    const shares = currencies.filter(({ value }) => value)
      .map(({ value: entity, name, color }) => ({ entity, name, color }));
    const isKnown = showIf(main, { state_not: "unavailable" });
    const distribution = { type: "distribution", entities: shares, ...isKnown };
    const tiles = currencies.map(({ amount, value, name, color }) => ({
      type: "tile", entity: amount, name, color, show_entity_picture: true,
      features: [{ type: `custom:${DOMAIN}-amounts`, total, rows: [{ value }] }],
      features_position: "inline", grid_options: { columns: 12 },
    }));
    const isZero = showIf(total, { state: "0" }); // Hidden currencies may hold funds.
    return [
      makeHeading(words.currencies, "mdi:hand-coin"),
      ...(currencies.length || !total ? [] : [{ ...makeSentence(words.empty), ...isZero }]),
      ...(!isLong && shares.length > 1 && sum ? [distribution] : []),
      ...tiles.filter((_tile, index) => !small.includes(currencies[index])),
      ...(small.length ? [{ type: `custom:${DOMAIN}-amounts`, total, rows: small }] : []),
    ];
  },

  history: (account) => {
    const { words, charted: hours, main } = account;
    const graph = { type: "history-graph", hours_to_show: hours, entities: getTotals(account) };
    const heading = makeHeading(words.history, "mdi:chart-line");
    return main ? [heading, hours ? graph : makeSentence(words.soon)] : [];
  },
};

/** @type {(account: Account, config: Card) => Promise<Card>} */
const makeView = async (account, config) => {
  // The totals are above two columns of the others.
  const sections = readOptions(config).show.map((part) => ({
    type: "grid", column_span: part === "balance" ? 2 : 1, cards: makers[part](account),
  }));
  const tiles = sections.flatMap(({ cards }) => cards.filter((card) => card.show_entity_picture));
  const urls = tiles.map(({ entity }) => account.hass.states[entity]?.attributes.entity_picture);
  const areLoaded = await Promise.all(urls.filter(Boolean).map(isLoaded));
  tiles.forEach((tile) => (tile.show_entity_picture = areLoaded.every(Boolean)));
  const { title, deviceId: path } = account;
  return { title, path, type: "sections", max_columns: 2, sections };
};

class DashboardStrategy extends HTMLElement {
  static shouldRegenerate = shouldRegenerate;
  static getCreateSuggestions = () => ({ title: "CryptoCloud", icon: "mdi:wallet" });

  static async getConfigElement() {
    // Home Assistant loads its forms with the editor of a card.
    const helpers = await /** @type {any} */ (window).loadCardHelpers();
    const card = await helpers.createCardElement({ type: "entities", entities: [] });
    await card.constructor.getConfigElement();
    const words = getWords(getApp().hass.language);
    const number = { number: { min: 1, mode: "box" } };
    const options = PARTS.map((value) => ({ value, label: words[value] }));
    const select = { multiple: true, mode: "list", options };
    const form = Object.assign(/** @type {any} */ (document.createElement("ha-form")), {
      schema: [
        { name: "hours_to_show", label: words.hours, selector: number },
        { name: "days_to_show", label: words.days, selector: number },
        { name: "show", label: words.show, selector: { select } },
      ],
      computeLabel: (/** @type {Card} */ { label }) => label,
      setConfig: (/** @type {Card} */ config) =>
        (form.data = { type: config.type, ...readOptions(config) }),
    });
    form.addEventListener("value-changed", (/** @type {CustomEvent} */ event) => {
      const detail = { config: event.detail.value };
      form.dispatchEvent(new CustomEvent("config-changed", { detail }));
    });
    return form;
  }

  /** @type {(config: Card | undefined, hass: Hass) => Promise<Card>} */
  static async generate(config = {}, hass) {
    const accounts = await getAccounts(config, hass);
    const cards = [makeSentence(getWords(hass.language).missing)];
    const views = await Promise.all(accounts.map((account) => makeView(account, config)));
    return { views: views.length ? views : [{ title: "CryptoCloud", cards }] };
  }
}

/** How much there is and what came in, for other dashboards; `device_id` selects an account */
class SectionStrategy extends HTMLElement {
  static shouldRegenerate = shouldRegenerate;
  static getStubConfig = () => ({ type: `custom:${DOMAIN}` });

  /** @type {(config: Card | undefined, hass: Hass) => Promise<Card>} */
  static async generate(config = {}, hass) {
    const cards = (await getAccounts(config, hass))
      .filter(({ deviceId }) => [undefined, deviceId].includes(config.device_id))
      .flatMap((account) => [...makers.balance(account), ...makers.received(account)]);
    const missing = [makeSentence(getWords(hass.language).missing)];
    return { type: "grid", cards: cards.length ? cards : missing };
  }
}

const STYLE = `
  ha-card { max-height: 80vh; overflow-y: auto; padding: 8px 0; container-type: inline-size; }
  button { all: unset; display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 12px;
    box-sizing: border-box; width: 100%; padding: 6px 16px; cursor: pointer;
    content-visibility: auto; contain-intrinsic-size: auto 32px; }
  button:focus-visible { outline: 2px solid var(--primary-color); outline-offset: -2px; }
  .dot { align-self: center; width: 8px; height: 8px; border-radius: 4px; }
  .name { flex: 1; min-width: 30%; overflow-wrap: anywhere; }
  ha-card .value, ha-card .share { min-width: 4em; text-align: end; }
  .amount, .share { color: var(--secondary-text-color); }
  .value:empty, .share:empty { display: none; }
  @container (max-width: 400px) { button { display: grid; grid: auto auto / auto 1fr auto; }
    .amount { grid-area: 2 / 2; } .value { grid-area: 1 / 3; } .share { grid-area: 2 / 3; } }
  section div { display: flex; flex-direction: column; justify-content: center; height: 36px;
    text-align: end; white-space: nowrap; font-size: 14px; line-height: 20px; }
  section .share { font-size: 12px; line-height: 16px; }`;

/** Amounts, values in USD and shares: rows of a card, or the right half of a tile */
class Amounts extends HTMLElement {
  /** @type {{total: string, rows: Card[]}} */ config = { total: "", rows: [] };
  /** @type {HTMLElement[][]} */ cells = [];
  /** @type {Hass | undefined} */ shown;
  /** @type {Hass | undefined} */ latest;

  getGridOptions = () => ({ columns: 12, rows: "auto" });

  /** @param {Amounts["config"]} config */
  setConfig(config) {
    /** @type {(parent: Node, tag: string, className?: string, text?: string) => HTMLElement} */
    const append = (parent, tag, className = "", textContent = "") =>
      // Names come from CryptoCloud: they are text, never HTML.
      parent.appendChild(Object.assign(document.createElement(tag), { className, textContent }));
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    root.replaceChildren();
    append(root, "style", "", STYLE);
    const card = append(root, config.rows[0]?.name ? "ha-card" : "section");
    this.config = config;
    this.shown = undefined;
    requestAnimationFrame(() => this.update());
    this.cells = config.rows.map(({ amount: entityId, name, color }) => {
      const line = append(card, name ? "button" : "div");
      if (name) {
        const more = { bubbles: true, composed: true, detail: { entityId } };
        line.onclick = () => this.dispatchEvent(new CustomEvent("hass-more-info", more));
        const background = color?.includes("(") ? color : `var(--${color}-color)`;
        append(line, "span", "dot").style.background = background;
        append(line, "span", "name", name);
      }
      return ["amount", "value", "share"].map((className) => append(line, "span", className));
    });
  }

  /** @param {Hass} hass */
  set hass(hass) {
    if (this.latest === this.shown) {
      requestAnimationFrame(() => this.update());
    }
    this.latest = hass;
  }

  update() {
    const { config, shown, latest: hass } = this;
    this.shown = hass;
    const isSame = shown && shown.formatEntityState === hass?.formatEntityState;
    config.rows.forEach((row, index) => {
      const ids = [row.amount ?? "", row.value ?? "", config.total];
      if (!hass || (isSame && ids.every((id) => shown?.states[id] === hass.states[id]))) {
        return;
      }
      const [amount, value, total] = ids.map((id) => hass.states[id]);
      const share = (100 * Number(value?.state ?? NaN)) / Number(total?.state ?? NaN);
      const texts = [
        amount && hass.formatEntityState(amount),
        value && value.state !== "unavailable" && hass.formatEntityState(value),
        Number.isFinite(share) && format(hass, share.toFixed(1), { unit_of_measurement: "%" }),
      ];
      this.cells[index].forEach((cell, place) => (cell.textContent = texts[place] || ""));
    });
  }
}

// Up to 2026.10, the frontend replaces the registry of custom elements while it loads, which
// loses earlier definitions. Once its own element is defined, it no longer does.
await customElements.whenDefined("home-assistant");
if (!customElements.get(`ll-strategy-dashboard-${DOMAIN}`)) {
  customElements.define(`${DOMAIN}-amounts`, Amounts);
  customElements.define(`ll-strategy-section-${DOMAIN}`, SectionStrategy);
  customElements.define(`ll-strategy-dashboard-${DOMAIN}`, DashboardStrategy);
  const page = /** @type {any} */ (window);
  const strategies = /** @type {const} */ (["dashboard", "section"]).map((strategyType) => ({
    type: DOMAIN, strategyType, name: "CryptoCloud",
    // The language is known only after the page has loaded.
    get description() {
      return getWords(getApp()?.hass?.language ?? navigator.language)[strategyType];
    },
  }));
  (page.customStrategies ??= []).push(...strategies);
}
