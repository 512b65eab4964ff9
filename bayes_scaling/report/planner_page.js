// What a moved control does to the page: the body of a Bokeh callback, run after planner.js.
//
// Given by report/planner_widgets.py: controls (Bokeh widgets by name; absent ones are null), draws
// (a data source a group), edges (where the drift of each group begins; null: there is none), names
// of the groups, prob, runs (the largest compute, and the least size and tokens), and the data
// sources valley, marks, growth and now.
const BUDGETS = 25, SIZES = 61; // points of the two curves
const COARSE = 1e-3; // of log size: nobody sees more on a curve over decades
const PAUSE = 150; // milliseconds without another move, before the slow curve is computed
const LIMITS = ["max_params", "max_tokens", "max_days", "max_money"];
const BINDING = 0.999; // share of a limit from which on it is said to decide
const UNSPENT = 0.01; // share of a budget that may be left over without a word
const AROUND = Math.log(10); // how far the valley is shown to both sides of the plan

function asked() {
  const value = (name, otherwise) => controls[name] ? controls[name].value : otherwise;
  const at = Math.max(names.indexOf(value("group", names[0])), 0);
  const drift = edges[at] !== null && value("drift", "drift") === "drift";
  const hardware = {
    peak: 1e12 * value("peak"),
    utilisation: value("utilisation") / 100,
    devices: value("devices"),
  };
  const limits = Object.fromEntries(
    LIMITS.map((name) => [name, planner.parseQuantity(value(name) ?? "")]));
  const budget = budgetOf(10 ** value("budget"), limits, hardware, value("price"));
  const most = budgetOf(Infinity, limits, hardware, value("price"));
  return {
    law: {...draws[at].data, edge: Infinity},
    draws: {...draws[at].data, edge: drift ? edges[at] : Infinity},
    budget,
    wanted: 10 ** value("budget"),
    limits,
    risk: {kind: value("risk"), level: value("level") / 100},
    hardware,
    price: value("price"),
    key: JSON.stringify([
      at, drift, value("risk"), value("level"), ...Object.values(most).map(String),
    ]),
    drift,
  };
}

// What the limits leave of a budget: money of all of it, days of its training.
function budgetOf(flops, limits, hardware, price) {
  const inference = planner.inferenceTokens(controls.inference.value);
  const {trainable, bought} = planner.allowed(limits, hardware, price);
  const utilisation = controls.inference_utilisation.value; // none: as in training
  const worse = utilisation > 0 ? 100 * hardware.utilisation / utilisation : 1;
  return {
    flops: limits.max_money < Infinity ? Math.min(flops, bought) : flops,
    inference,
    served: inference * worse,
    trainable: limits.max_days < Infinity ? trainable : Infinity,
    maxParams: limits.max_params,
    maxTokens: limits.max_tokens,
  };
}

// Why a limit cannot be used, in a sentence; null where all can.
function refusal({limits, hardware, price}) {
  for (const name of LIMITS) {
    if (!(limits[name] > 0)) return `“${controls[name].title}” must be a number such as 30 or 70B.`;
  }
  const known = hardware.peak > 0 && hardware.utilisation > 0 && hardware.devices >= 1;
  const timed = limits.max_days < Infinity, paid = limits.max_money < Infinity;
  if ((timed || paid) && !known) return "Limits on days and money need a peak and devices.";
  return paid && !(price > 0) ? "A limit on money needs a price above 0." : null;
}

const smallest = () => ({params: runs.data.params[0], tokens: runs.data.tokens[0]});
const write = (id, text) => { document.getElementById(`planner-${id}`).textContent = text; };
const size = planner.formatQuantity;
const range = ({lower, upper}, form) => `${form(lower)} to ${form(upper)}`;
const nats = (value) => value.toFixed(3);
const few = (value) => value < 1e5 ? Number(value.toPrecision(3)).toString() : size(value);

function showNumbers(question, plan) {
  const alone = planner.summary(
    planner.losses(question.law, Math.log(plan.params), Math.log(plan.tokens)), prob);
  write("params", size(plan.params));
  write("params-range", range(plan.optimum.params, size));
  write("tokens", size(plan.tokens));
  write("tokens-range", range(plan.optimum.tokens, size));
  write("ratio", few(plan.tokens / plan.params));
  write("ratio-range", range(plan.optimum.ratio, few));
  write("loss", nats(plan.loss.median));
  write("loss-range", range(plan.loss, nats));
  write("alone", nats(alone.median));
  write("alone-range", range(alone, nats));
  write("regret", plan.regret.mean.toFixed(4));
  write("regret-range", range(plan.regret, (value) => value.toFixed(4)));
  const times = few(plan.flops.training / runs.data.flops[0]);
  write("beyond", `${times} times the largest run's compute`);
  write("training", `${size(plan.flops.training)} FLOPs`);
  write("inference", plan.flops.inference > 0 ? `${size(plan.flops.inference)} FLOPs` : "none");
}

// One sentence that a screen reader speaks when it changes, and what to be wary of.
function say(question, plan) {
  const wary = plan.params < smallest().params ? " It is smaller than any model of the runs." : "";
  write("sentence", `${size(question.wanted)} FLOPs: ${size(plan.params)} parameters on ` +
    `${size(plan.tokens)} tokens, loss ${nats(plan.loss.median)} ` +
    `(${range(plan.loss, nats)}).${wary}${limited(question, plan)}`);
}

// Which limits decide, and what they leave of the budget.
function limited({budget, wanted, limits}, {params, tokens, flops}) {
  const reached = [
    ["parameters", params / limits.max_params], ["tokens", tokens / limits.max_tokens],
    ["days", flops.training / budget.trainable],
    ["money", budget.flops < wanted ? (flops.training + flops.served) / budget.flops : 0],
  ].filter(([, share]) => share > BINDING).map(([name]) => name);
  const left = 1 - (flops.training + flops.served) / wanted;
  const unspent = left > UNSPENT ? `, and ${few(100 * left)} % of the budget is left` : "";
  const many = reached.length > 1, names = reached.join(" and ");
  if (reached.length === 0) return "";
  return ` The limit${many ? "s" : ""} on ${names} decide${many ? "" : "s"}${unspent}.`;
}

// Inference may leave no model that the runs say anything about.
function nothingLeft(question) {
  const {budget, limits} = question;
  const some = LIMITS.some((name) => limits[name] < Infinity) ? " and the limits" : "";
  blank(`No plan: inference of ${size(budget.inference)} tokens${some} leaves nothing of ` +
    `${size(question.wanted)} FLOPs to train even a thousandth of the smallest run. ` +
    `Raise the budget${some && " or the limits"}, or lower the tokens of inference.`);
}

// No numbers and no curves, but what stands against them.
function blank(sentence) {
  for (const cell of document.querySelectorAll(".answer [id^=planner-]")) cell.textContent = "–";
  write("sentence", sentence);
  for (const source of [valley, marks, now]) {
    source.data = Object.fromEntries(Object.keys(source.data).map((key) => [key, []]));
  }
}

function showCosts({hardware, price}, {flops}) {
  const known = hardware.peak > 0 && hardware.utilisation > 0 && hardware.devices >= 1;
  if (!known) {
    write("days", "give peak and devices");
    write("hours", "give peak and devices");
    write("money", "give peak and devices");
    return;
  }
  const training = planner.work(flops.training, hardware);
  const all = planner.work(flops.training + flops.served, hardware);
  write("days", `${few(training.days)} days`);
  write("hours", size(all.hours));
  write("money", price > 0 ? size(all.hours * price) : "give a price above 0");
}

function showValley({draws, law, budget}, plan) {
  const middle = Math.log(plan.params);
  const fewest = plan.tokens * Math.exp(-AROUND); // larger sizes leave hardly any tokens
  const top = Math.max(middle, Math.min(
    middle + AROUND, planner.logSize(fewest, budget), Math.log(budget.maxParams)));
  const data = {params: [], lower: [], median: [], upper: [], law_lower: [], law_upper: []};
  for (let k = 0; k < SIZES; k++) {
    const x = middle - AROUND + (top - middle + AROUND) * k / (SIZES - 1);
    const [band, alone] = [draws, law].map(
      (each) => planner.summary(planner.losses(each, x, planner.logTokens(x, budget)), prob));
    data.params.push(Math.exp(x));
    for (const key of ["lower", "median", "upper"]) data[key].push(band[key]);
    for (const key of ["lower", "upper"]) data[`law_${key}`].push(alone[key]);
  }
  valley.data = data;
  marks.data = {params: [plan.params], loss: [plan.loss.median]};
}

// N and D of every budget do not move with the budget that is asked about: kept until they change.
function showGrowth(question) {
  if (growth.tags[0] === question.key) return;
  const {start, end} = controls.budget;
  const data = Object.fromEntries(Object.keys(growth.data).map((key) => [key, []]));
  for (let k = 0; k < BUDGETS; k++) {
    const flops = 10 ** (start + (end - start) * k / (BUDGETS - 1));
    const budget = budgetOf(flops, question.limits, question.hardware, question.price);
    if (!planner.feasible(budget, smallest())) continue;
    const each = planner.plan(question.draws, budget, question.risk, prob, COARSE);
    const {params, tokens} = each.optimum;
    const row = {
      flops, params: each.params, tokens: each.tokens, params_lower: params.lower,
      params_upper: params.upper, tokens_lower: tokens.lower, tokens_upper: tokens.upper,
    };
    for (const [key, value] of Object.entries(row)) data[key].push(value);
  }
  growth.data = data;
  growth.tags = [question.key];
}

// Bokeh's sliders have no name for a screen reader, and tell it the bare number of the handle.
function handleIn(root) {
  const found = root.querySelector(".noUi-handle");
  if (found) return found;
  const inner = [...root.querySelectorAll("*")].map((each) => each.shadowRoot).filter(Boolean);
  return inner.reduce((handle, shadow) => handle ?? handleIn(shadow), null);
}

function tellSliders() {
  for (const [name, control] of Object.entries(controls)) {
    const place = document.getElementById(`control-${name}`);
    const handle = place && handleIn(place);
    if (!handle) continue;
    handle.setAttribute("aria-label", control.title);
    handle.setAttribute("aria-valuetext", handle.textContent); // what its tooltip shows
  }
}

function show() {
  const question = asked();
  tellSliders();
  controls.level.disabled = question.risk.kind === "mean";
  const refused = refusal(question);
  if (refused) return blank(`No plan: ${refused}`);
  if (!planner.feasible(question.budget, smallest())) return nothingLeft(question);
  const plan = planner.plan(question.draws, question.budget, question.risk, prob);
  say(question, plan);
  showNumbers(question, plan);
  showCosts(question, plan);
  showValley(question, plan);
  clearTimeout(planner.growing);
  planner.growing = setTimeout(showGrowth, planner.growing ? PAUSE : 0, question);
  now.data = {flops: [question.wanted], params: [plan.params], tokens: [plan.tokens]};
}

// A dragged handle asks more often than a screen is drawn.
if (!planner.waiting) {
  planner.waiting = true;
  requestAnimationFrame(() => {
    planner.waiting = false;
    show();
  });
}
