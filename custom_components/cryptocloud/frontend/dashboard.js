// @ts-check
/** Dashboard for CryptoCloud accounts, built from Home Assistant's own cards. */

/**
 * @typedef {{state: string, attributes: Record<string, any>}} State
 * @typedef {{entity_id: string, device_id?: string, platform?: string,
 *   translation_key?: string, name?: string, hidden?: boolean}} Entity
 * @typedef {{name: string | null, name_by_user: string | null}} Device
 * @typedef {object} Hass
 * @property {string} language
 * @property {Record<string, State | undefined>} states
 * @property {Record<string, Entity>} entities
 * @property {Record<string, Device | undefined>} devices
 * @property {{is_admin: boolean} | undefined} user
 * @property {<T>(message: {type: string, [key: string]: unknown}) => Promise<T>} callWS
 * @property {(method: string, path: string) => Promise<unknown>} callApi
 * @typedef {{hours_to_show?: number, days_to_show?: number}} Options
 * @typedef {Record<string, any>} Card
 * @typedef {{id: string, name: string, color: string, unit: string, usdValue?: string}} Currency
 * @typedef {{entity_id: string, unique_id: string, platform: string,
 *   config_entry_id: string, disabled_by: string | null}} RegisteredEntity
 * @typedef {Record<keyof typeof ENGLISH, string>} Words
 */

const DOMAIN = "cryptocloud";
const TAG = `ll-strategy-dashboard-${DOMAIN}`;

// Assigned in order of value, the same on the tiles and in the distribution.
const COLORS = [
  "blue",
  "amber",
  "teal",
  "deep-orange",
  "purple",
  "green",
  "pink",
  "cyan",
  "indigo",
  "lime",
];

const ENGLISH = {
  description: "Balances, inflow and history of your CryptoCloud accounts",
  total: "Total balance",
  available: "Available",
  value: "Value in USD",
  chart: "Show as a chart",
  balances: "Balances and their value in USD",
  history: "Total and available",
  receipts: "Net inflow per day",
  log: "Balance changes",
  empty: "No funds yet.",
  missing: "Add an account first under Settings > Devices & services.",
};

/** @type {Record<string, Words>} */
const WORDS = {
  en: ENGLISH,
  de: {
    description: "Guthaben, Eingänge und Verlauf deiner CryptoCloud-Konten",
    total: "Gesamtguthaben",
    available: "Verfügbar",
    value: "Wert in USD",
    chart: "Als Diagramm anzeigen", // codespell:ignore als,diagramm
    balances: "Guthaben und ihr Wert in USD",
    history: "Gesamt und verfügbar",
    receipts: "Nettoeingänge pro Tag",
    log: "Guthabenänderungen",
    empty: "Noch kein Guthaben vorhanden.",
    missing: "Füge zuerst unter Einstellungen → Geräte & Dienste ein Konto hinzu.", // codespell:ignore unter
  },
  es: {
    description: "Saldos, ingresos e historial de tus cuentas de CryptoCloud", // codespell:ignore historial
    total: "Saldo total",
    available: "Disponible",
    value: "Valor en USD",
    chart: "Mostrar como gráfico",
    balances: "Saldos y su valor en USD",
    history: "Total y disponible",
    receipts: "Ingresos netos por día",
    log: "Cambios de saldo",
    empty: "Aún no hay fondos.",
    missing: "Primero añade una cuenta en Configuración > Dispositivos y servicios.",
  },
  fr: {
    description: "Soldes, encaissements et historique de vos comptes CryptoCloud",
    total: "Solde total",
    available: "Disponible",
    value: "Valeur en USD",
    chart: "Afficher sous forme de graphique",
    balances: "Soldes et leur valeur en USD",
    history: "Total et disponible",
    receipts: "Encaissements nets par jour",
    log: "Variations de solde",
    empty: "Aucun fonds pour l'instant.",
    missing: "Ajoutez d'abord un compte dans Paramètres > Appareils et services.",
  },
  "pt-BR": {
    description: "Saldos, entradas e histórico das suas contas da CryptoCloud",
    total: "Saldo total",
    available: "Disponível",
    value: "Valor em USD",
    chart: "Mostrar como gráfico",
    balances: "Saldos e seu valor em USD",
    history: "Total e disponível",
    receipts: "Entradas líquidas por dia",
    log: "Alterações de saldo",
    empty: "Ainda não há fundos.",
    missing: "Primeiro adicione uma conta em Configurações > Dispositivos & serviços.",
  },
  ru: {
    description: "Балансы, поступления и история аккаунтов CryptoCloud",
    total: "Общий баланс",
    available: "Доступно",
    value: "Стоимость в USD",
    chart: "Показать диаграмму",
    balances: "Балансы и их стоимость в USD",
    history: "Всего и доступно",
    receipts: "Чистые поступления по дням",
    log: "Изменения балансов",
    empty: "Средств пока нет.",
    missing: "Сначала добавьте аккаунт: «Настройки» → «Устройства и службы».",
  },
  tr: {
    description: "CryptoCloud hesaplarınızın bakiyeleri, girişleri ve geçmişi",
    total: "Toplam bakiye",
    available: "Kullanılabilir",
    value: "USD değeri",
    chart: "Grafik olarak göster",
    balances: "Bakiyeler ve USD değerleri",
    history: "Toplam ve kullanılabilir",
    receipts: "Günlük net girişler",
    log: "Bakiye değişiklikleri",
    empty: "Henüz bakiye yok.",
    missing: "Önce Ayarlar > Cihazlar ve hizmetler altında bir hesap ekleyin.",
  },
  uk: {
    description: "Баланси, надходження та історія облікових записів CryptoCloud",
    total: "Загальний баланс",
    available: "Доступно",
    value: "Вартість у USD",
    chart: "Показати діаграму",
    balances: "Баланси та їхня вартість у USD",
    history: "Усього та доступно",
    receipts: "Чисті надходження за днями",
    log: "Зміни балансів",
    empty: "Коштів поки немає.",
    missing: "Спочатку додайте обліковий запис: «Налаштування» → «Пристрої та сервіси».",
  },
  "zh-Hans": {
    description: "CryptoCloud 账户的余额、收款和历史",
    total: "总余额",
    available: "可用",
    value: "折合美元",
    chart: "以图表显示",
    balances: "余额及折合美元金额",
    history: "总额与可用",
    receipts: "每日净流入",
    log: "余额变动",
    empty: "暂无资金。",
    missing: "请先在“设置” > “设备与服务”中添加账户。",
  },
};

/** @type {(language: string) => Words} */
const getWords = (language) => WORDS[language] ?? WORDS[language.split("-")[0]] ?? ENGLISH;

/** @type {(state: State | undefined) => number} NaN if it is unknown. */
const getBalance = (state) => (state ? Number(state.state) : NaN);

/** @type {(state: State | undefined) => number} */
const getValue = (state) => state?.attributes.balance_usd ?? 0;

/** The balances on the dashboard: all except those known to be zero. */
let shown = new Set();

/** @type {(uniqueId?: string) => string | undefined} From a balance to its value in USD. */
const getValueId = (uniqueId) => uniqueId?.replace(/:balance$/, ":usd_value");

/** @type {(hass: Hass) => Entity[]} */
const getEntities = (hass) =>
  Object.values(hass.entities).filter(
    (entity) => entity.platform === DOMAIN && entity.device_id && !entity.hidden,
  );

/**
 * The most valuable first, unknown balances last.
 *
 * @param {Hass} hass
 * @param {Entity[]} entities
 * @returns {Promise<Currency[]>}
 */
async function getFundedCurrencies(hass, entities) {
  const ids = entities.map((entity) => entity.entity_id);
  /** @type {Record<string, {unique_id: string} | null>} */
  const registry = await hass.callWS({
    type: "config/entity_registry/get_entries",
    entity_ids: ids,
  });
  const byUniqueId = new Map(ids.map((id) => [registry[id]?.unique_id, id]));
  return entities
    .filter(({ entity_id: id }) => shown.has(id))
    .sort(
      ({ entity_id: a }, { entity_id: b }) =>
        getValue(hass.states[b]) - getValue(hass.states[a]) || a.localeCompare(b),
    )
    .map(({ entity_id: id, name }, index) => ({
      id,
      name: name ?? hass.states[id]?.attributes.friendly_name ?? id,
      color: COLORS[index % COLORS.length],
      unit: hass.states[id]?.attributes.unit_of_measurement ?? "",
      usdValue: byUniqueId.get(getValueId(registry[id]?.unique_id)),
    }));
}

/** @type {(hours: number) => Card} */
const trend = (hours) => ({ features: [{ type: "trend-graph", hours_to_show: hours }] });

/**
 * The distribution card needs sensors of the values in USD, which are disabled by default.
 * Without them, show the shares as text, and to administrators a button to enable them.
 *
 * @param {Hass} hass
 * @param {Currency[]} currencies
 * @returns {Card[]}
 */
function makeDistribution(hass, currencies) {
  const words = getWords(hass.language);
  if (currencies.every(({ usdValue }) => usdValue)) {
    return [
      {
        type: "distribution",
        title: words.value,
        entities: currencies.map(({ usdValue, name, color }) => ({
          entity: usdValue,
          name,
          color,
        })),
      },
    ];
  }
  const ids = currencies.map(({ id }) => id);
  const text = {
    type: "markdown",
    title: words.value,
    content: `\
{% set ids = ${JSON.stringify(ids)} %}
{% set values = ids | map("state_attr", "balance_usd") | list %}
{% if values | reject("number") | list or not values | sum %}?{% else %}
{% for id in ids -%}
**{{ state_attr(id, "currency") | replace("_", "&nbsp;") }}**&nbsp;\
{{ "%.1f" | format(100 * state_attr(id, "balance_usd") / values | sum) }}&nbsp;%
{{- "" if loop.last else " · " }}
{%- endfor %}{% endif %}`,
  };
  const button = {
    type: "button",
    name: words.chart,
    show_icon: false,
    tap_action: { action: "fire-dom-event", [DOMAIN]: { show_values_of: ids } },
    grid_options: { columns: 12, rows: 1 },
  };
  return hass.user?.is_admin ? [text, button] : [text];
}

/**
 * Enable the sensors of the values in USD.
 *
 * @param {Hass} hass
 * @param {string[]} ids Entity ids of the balances.
 */
async function showValues(hass, ids) {
  /** @type {RegisteredEntity[]} */
  const registry = await hass.callWS({ type: "config/entity_registry/list" });
  const balances = registry.filter((entity) => ids.includes(entity.entity_id));
  const uniqueIds = new Set(balances.map((entity) => getValueId(entity.unique_id)));
  const values = registry.filter(
    (entity) =>
      entity.platform === DOMAIN && uniqueIds.has(entity.unique_id) && entity.disabled_by,
  );
  for (const { entity_id } of values) {
    await hass.callWS({ type: "config/entity_registry/update", entity_id, disabled_by: null });
  }
  // Home Assistant would reload after half a minute.
  for (const id of new Set(values.map((entity) => entity.config_entry_id))) {
    await hass.callApi("POST", `config/config_entries/entry/${id}/reload`);
  }
}

/**
 * One chart per unit, because different units cannot share a scale.
 *
 * @param {Currency[]} currencies
 * @param {number} days
 * @returns {Card[]}
 */
function makeReceipts(currencies, days) {
  return [...new Set(currencies.map(({ unit }) => unit))].map((unit) => {
    const entities = currencies
      .filter((currency) => currency.unit === unit)
      .map(({ id, name, color }) => ({ entity: id, name, color }));
    return {
      type: "statistics-graph",
      title: unit,
      chart_type: "bar",
      stat_types: ["change"],
      period: "day",
      days_to_show: days,
      hide_legend: entities.length === 1,
      entities,
      grid_options: { columns: 6 },
    };
  });
}

/**
 * @param {Hass} hass
 * @param {string} deviceId
 * @param {Required<Options>} options
 */
async function makeView(hass, deviceId, { hours_to_show: hours, days_to_show: days }) {
  const words = getWords(hass.language);
  const entities = getEntities(hass).filter((entity) => entity.device_id === deviceId);
  const currencies = await getFundedCurrencies(hass, entities);
  /** @type {(key: string) => string | undefined} */
  const find = (key) => entities.find((entity) => entity.translation_key === key)?.entity_id;
  const change = find("balance_change");
  // On a phone, a graph beside the amounts would cut them off.
  const isWide = window.matchMedia("(min-width: 600px)").matches;
  const totals = [
    { entity: find("total_balance"), name: words.total, color: "blue" },
    { entity: find("total_available_balance"), name: words.available, color: "green" },
  ].filter(({ entity }) => entity);
  const device = hass.devices[deviceId];
  const title = device?.name_by_user ?? device?.name ?? "CryptoCloud";

  /** @type {Card[]} */
  const now = [
    { type: "heading", heading: title, icon: "mdi:wallet" },
    ...totals.map((total) => ({
      type: "tile",
      ...total,
      ...trend(hours),
      grid_options: { columns: 6 },
    })),
  ];
  if (currencies.length) {
    now.push(...makeDistribution(hass, currencies));
  }
  now.push({ type: "heading", heading: words.balances, icon: "mdi:hand-coin" });
  now.push(
    ...currencies.map(({ id, name, color }) => ({
      type: "tile",
      entity: id,
      name,
      color,
      state_content: ["state", "balance_usd"],
      show_entity_picture: true,
      ...(isWide ? { features_position: "inline", ...trend(hours) } : {}),
      grid_options: { columns: 12 },
    })),
  );
  if (!currencies.length) {
    now.push({ type: "markdown", content: words.empty });
  }

  /** @type {Card[]} */
  const past = [{ type: "heading", heading: words.history, icon: "mdi:chart-line" }];
  if (totals.length) {
    past.push({
      type: "history-graph",
      hours_to_show: hours,
      entities: totals.map(({ entity, name }) => ({ entity, name })),
    });
  }
  if (change) {
    past.push(
      { type: "heading", heading: words.log, icon: "mdi:cash-sync" },
      {
        type: "logbook",
        target: { entity_id: [change] },
        // The other entries are states of the event, which do not say what changed.
        state_filter: ["increased", "decreased"],
        name_detail: "entity",
        hours_to_show: hours,
        grid_options: { rows: 5 },
      },
    );
  }
  if (currencies.length) {
    past.push({ type: "heading", heading: words.receipts, icon: "mdi:chart-bar" });
    past.push(...makeReceipts(currencies, days));
  }
  return {
    title,
    path: deviceId,
    type: "sections",
    max_columns: 2,
    sections: [now, past].map((cards) => ({ type: "grid", cards })),
  };
}

class CryptoCloudDashboardStrategy extends HTMLElement {
  /** Suggested when the dashboard is added. */
  static getCreateSuggestions() {
    return { title: "CryptoCloud", icon: "mdi:wallet" };
  }

  /**
   * Called when the dashboard is opened.
   *
   * @param {Options} config
   * @param {Hass} hass
   */
  static async generate(config, hass) {
    const options = { hours_to_show: 24, days_to_show: 14, ...config };
    const entities = getEntities(hass);
    shown = new Set(
      entities
        .filter(({ entity_id: id, translation_key: key }) => key === "balance" && hass.states[id])
        .map((entity) => entity.entity_id)
        .filter((id) => getBalance(hass.states[id]) !== 0),
    );
    const deviceIds = new Set(entities.map((entity) => entity.device_id ?? ""));
    const views = await Promise.all(
      [...deviceIds].map((deviceId) => makeView(hass, deviceId, options)),
    );
    if (!views.length) {
      const card = { type: "markdown", content: getWords(hass.language).missing };
      return { views: [{ title: "CryptoCloud", cards: [card] }] };
    }
    return { views: views.sort((a, b) => a.title.localeCompare(b.title)) };
  }

  /**
   * Called at every change; true makes Home Assistant call generate again.
   *
   * @param {Options} _config
   * @param {Hass} old
   * @param {Hass} hass
   */
  static shouldRegenerate(_config, old, hass) {
    if (
      old.entities !== hass.entities ||
      old.devices !== hass.devices ||
      old.language !== hass.language
    ) {
      return true;
    }
    return getEntities(hass).some(({ entity_id: id, translation_key: key }) => {
      const balance = getBalance(hass.states[id]);
      return key === "balance" && !Number.isNaN(balance) && (balance !== 0) !== shown.has(id);
    });
  }
}

// Up to 2026.10, the frontend replaces the registry of custom elements while it loads, which
// loses earlier definitions. Once its own element is defined, it no longer does.
await customElements.whenDefined("home-assistant");
if (!customElements.get(TAG)) {
  customElements.define(TAG, CryptoCloudDashboardStrategy);
  /** @returns {any} */
  const getApp = () => document.querySelector("home-assistant");
  // Fired by the button, whose action is fire-dom-event
  window.addEventListener("ll-custom", async (event) => {
    const action = /** @type {CustomEvent} */ (event).detail[DOMAIN];
    try {
      if (action) {
        await showValues(getApp().hass, action.show_values_of);
      }
    } catch (/** @type {any} */ err) {
      const message = err.body?.message ?? err.message ?? err.error;
      getApp().dispatchEvent(new CustomEvent("hass-notification", { detail: { message } }));
    }
  });
  const page = /** @type {any} */ (window);
  page.customStrategies = [
    ...(page.customStrategies ?? []),
    {
      type: DOMAIN,
      strategyType: "dashboard",
      name: "CryptoCloud",
      // The language is known only after the page has loaded.
      get description() {
        return getWords(getApp()?.hass?.language ?? navigator.language).description;
      },
    },
  ];
}
